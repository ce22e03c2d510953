"""Fresh definitions on an ephemeral instance, and batches made from a corpus."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

import orchestration_assets.profiling.batch as profiling
from orchestration_assets.content.intake import take_in
from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.table_store import TableStore
from tests.conftest import Finished

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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


@contextmanager
def project_in(folder: Path) -> Iterator[Project]:
    with dg.DagsterInstance.ephemeral() as instance:
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
