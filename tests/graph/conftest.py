"""Fresh definitions on an instance of their own, and batches made from a corpus."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

import orchestration_assets.profiling.batch as profiling
from orchestration_assets.content.intake import take_in
from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.dagster_storage import open_storage
from resources.home import Home
from resources.table_store import TableStore
from tests.conftest import Finished

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# what a run prints is kept by processes of their own, which nobody reads here
_SETTINGS = {
    "telemetry": {"enabled": False},
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
}


@contextmanager
def _instance_in(folder: Path) -> Iterator[dg.DagsterInstance]:
    ref = InstanceRef.from_dir(str(folder), overrides={**_SETTINGS, **open_storage(folder)})
    with dg.DagsterInstance.from_ref(ref) as instance:
        yield instance


@cache
def _begun() -> TemporaryDirectory[str]:
    """An instance that has its tables, which take longer to make than to copy."""
    folder = TemporaryDirectory()
    with _instance_in(Path(folder.name)) as instance:
        instance.get_runs_count()
    return folder


@contextmanager
def fresh_instance() -> Iterator[dg.DagsterInstance]:
    """An instance with the storage that homes have, which nothing has run on."""
    with TemporaryDirectory() as folder:
        shutil.copytree(_begun().name, folder, dirs_exist_ok=True)
        with _instance_in(Path(folder)) as instance:
            yield instance


def succeeded(result: dg.ExecuteInProcessResult) -> dg.ExecuteInProcessResult:
    """The result of a run that has to succeed: one that did not says which steps and checks
    failed, and why."""
    assert result.success, "\n".join(_failures(result))
    return result


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for event in result.all_events:
        if event.is_failure:
            error = getattr(event.event_specific_data, "error", None)
            yield f"{event.step_key or event.job_name}: {event.message}"
            yield error.to_string() if error else ""
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            yield f"{check.asset_check_key.to_user_string()}: {check.description}"


@dataclass
class Project:
    """One home with its definitions and instance."""

    home: Path
    instance: dg.DagsterInstance
    policy: Path | None = None

    @property
    def tables(self) -> TableStore:
        return Home(self.home).tables

    @property
    def definitions(self) -> dg.Definitions:
        return build_definitions(Settings(self.home, self.policy))

    def write_policy(self, text: str) -> None:
        self.policy = self.home.parent / "policy.yaml"
        self.policy.write_text(text)

    def take_in(self, source: Path) -> list[str]:
        content = load_policy(self.policy).policy.content
        batches = list(take_in(Home(self.home), str(source), content, datetime.now(UTC)).recorded)
        self.instance.add_dynamic_partitions("content_batches", batches)
        return batches

    def copied_to(self, other: "Project") -> "Project":
        """The other project, with a copy of this home, its batches and its policy."""
        shutil.copytree(self.home, other.home)
        batches = self.instance.get_dynamic_partitions("content_batches")
        other.instance.add_dynamic_partitions("content_batches", batches)
        if self.policy:
            other.write_policy(self.policy.read_text())
        return other

    def execute(self, job: str, batch: str | None, **options) -> dg.ExecuteInProcessResult:
        resolved = self.definitions.resolve_job_def(job)
        return resolved.execute_in_process(
            instance=self.instance,
            partition_key=batch,
            run_config=QUIET,
            raise_on_error=False,
            **options,
        )

    def succeeds(self, job: str, batch: str | None, **options) -> dg.ExecuteInProcessResult:
        return succeeded(self.execute(job, batch, **options))


@contextmanager
def project_in(folder: Path) -> Iterator[Project]:
    with fresh_instance() as instance:
        yield Project(folder / "home", instance)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with project_in(tmp_path) as project:
        yield project


@pytest.fixture
def again(project: Project, copied: Finished) -> tuple[Project, str]:
    """A project of the test's own over a copy of the finished home, and its batch."""
    project.instance.add_dynamic_partitions("content_batches", [copied.batch])
    return project, copied.batch


@pytest.fixture
def lost_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first profile of each batch is lost."""
    whole = profiling.profile_batch

    def less_one(*arguments):
        done = whole(*arguments)
        return replace(done, profiles=done.profiles.slice(1))

    monkeypatch.setattr(profiling, "profile_batch", less_one)
