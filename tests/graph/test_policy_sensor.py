"""Ticks of policy_sensor, and which policy runs begin with and keep: real files, real runs."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.home_resource import POLICY_TAG, HomeResource, PolicyFileResource
from resources.versioned_state import ChangeNote
from sensors.policy import policy_sensor
from tests.graph.conftest import QUIET

TEXT = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
OTHER = TEXT.replace("items_in_flight: 32", "items_in_flight: 64")
BROKEN = TEXT.replace("items_in_flight: 32", "items_in_flight: 0").replace("hybrid", "hybird")
NOTE = ChangeNote("eva", datetime(2026, 1, 2, tzinfo=UTC), "by hand")


class Daemon:
    """Ticks that pass their cursor on and record their events, as the daemon does."""

    def __init__(self, project, watched: Path | None) -> None:
        self.project = project
        self.watched = watched
        self.cursor: str | None = None
        self.told: list[dg.AssetCheckEvaluation] = []

    @property
    def registry(self) -> PolicyRegistry:
        return PolicyRegistry(Home(self.project.home))

    def tick(self) -> dg.SensorResult:
        home = str(self.project.home)
        watched = str(self.watched) if self.watched else None
        resources = {
            "home": HomeResource(path=home),
            "policy_file": PolicyFileResource(home=home, watched=watched),
        }
        with dg.build_sensor_context(
            instance=self.project.instance, cursor=self.cursor, resources=resources
        ) as context:
            result = policy_sensor(context)
        self.cursor = result.cursor
        self.told += result.asset_events
        return result

    def run(self, job: str, batch: str | None = None, **overrides) -> dg.ExecuteInProcessResult:
        definitions = build_definitions(
            Settings(self.project.home, self.watched), watches=True, resource_overrides=overrides
        )
        return definitions.resolve_job_def(job).execute_in_process(
            instance=self.project.instance, partition_key=batch, run_config=QUIET
        )


@pytest.fixture
def daemon(project, tmp_path) -> Daemon:
    watched = tmp_path / "watched.yaml"
    watched.write_text(TEXT)
    return Daemon(project, watched)


def active(daemon: Daemon) -> str | None:
    one = daemon.registry.active()
    return one.policy_hash if one else None


def test_a_changed_file_becomes_active_and_its_asset_says_so(daemon) -> None:
    first = daemon.tick()
    assert [request.run_key for request in first.run_requests] == ["active_policy:1:0"]
    done = daemon.run("policy_history")
    (made,) = done.get_asset_materialization_events()
    metadata = made.materialization.metadata
    assert metadata["version"].value == 1
    assert metadata["why"].value == f"{daemon.watched} changed"
    assert all(one.passed for one in done.get_asset_check_evaluations())
    assert not daemon.tick().run_requests

    daemon.watched.write_text(f"# a comment\n{TEXT}")
    assert not daemon.tick().run_requests
    daemon.watched.write_text(OTHER)
    assert daemon.tick().run_requests
    daemon.run("policy_history")
    rows = list(ACTIVE_POLICY_TABLE.rows(daemon.project.tables.read(ACTIVE_POLICY_TABLE.name)))
    assert [row.version for row in rows] == [1, 2]
    assert rows[1].changes == ("execution: items_in_flight 32 -> 64",)
    assert active(daemon) == load_policy(daemon.watched).hash


def test_an_invalid_file_keeps_the_last_good_one_and_shows_every_problem_once(daemon) -> None:
    daemon.tick()
    good = active(daemon)
    daemon.watched.write_text(BROKEN)
    daemon.tick()
    daemon.tick()
    assert active(daemon) == good
    (failed,) = daemon.told
    assert not failed.passed
    assert failed.asset_key == dg.AssetKey("active_policy")
    assert failed.metadata["problems"].value == 2
    assert "tasks.title.default.model, line 1" in str(failed.description)
    assert "execution.items_in_flight, line" in str(failed.description)
    evaluation = next(
        one
        for one in daemon.run("policy_history").get_asset_check_evaluations()
        if one.check_name == "valid"
    )
    assert not evaluation.passed
    assert "line" in str(evaluation.description)

    daemon.watched.write_text(OTHER)
    daemon.tick()
    assert [one.passed for one in daemon.told] == [False, True]
    assert active(daemon) == load_policy(daemon.watched).hash


def test_what_was_rolled_back_stays_so_until_the_file_changes(daemon) -> None:
    daemon.tick()
    daemon.watched.write_text(OTHER)
    daemon.tick()
    daemon.registry.rollback(1, 2, NOTE)
    daemon.tick()
    assert active(daemon) == load_policy(None).hash
    daemon.watched.write_text(OTHER.replace("64", "65"))
    daemon.tick()
    assert active(daemon) == load_policy(daemon.watched).hash


def test_without_a_watched_file_activations_of_others_are_recorded(project) -> None:
    daemon = Daemon(project, None)
    assert "ORCHESTRATION_POLICY" in str(daemon.tick().skip_reason)
    daemon.registry.activate(load_policy(None), 0, NOTE)
    assert [request.run_key for request in daemon.tick().run_requests] == ["active_policy:1:0"]


def test_runs_begin_with_the_active_policy_and_keep_it(daemon, corpus) -> None:
    """The watched file counts only as long as nothing is active; what is activated while a run
    is under way is for the next one."""
    daemon.watched.write_text(OTHER)
    (batch,) = daemon.project.take_in(corpus)
    daemon.run("process_batch", batch)
    assert pinned(daemon, batch) == load_policy(daemon.watched).hash

    daemon.registry.activate(load_policy(None), 0, NOTE)
    meanwhile = load_policy(daemon.watched)

    class Meanwhile(SilentProgress):
        """Somebody activates another policy while the profiles are made."""

        def stage(self, name: str, total: int) -> None:
            if name == "profiling":
                daemon.registry.activate(meanwhile, 1, NOTE)

    done = daemon.run("process_batch", batch, progress=Meanwhile())
    assert active(daemon) == meanwhile.hash
    assert pinned(daemon, batch) == load_policy(None).hash
    run = daemon.project.instance.get_run_by_id(done.run_id)
    assert run.tags[POLICY_TAG] == load_policy(None).hash
    daemon.run("process_batch", batch)
    assert pinned(daemon, batch) == meanwhile.hash


def pinned(daemon: Daemon, batch: str) -> str:
    (found,) = (
        daemon.project.tables.read("processing_plans", batch, ["policy_hash"])["policy_hash"]
        .unique()
        .to_pylist()
    )
    return found


def test_a_run_that_failed_is_tried_again_a_few_times(daemon) -> None:
    def ran(number: int, status: dg.DagsterRunStatus) -> None:
        daemon.project.instance.add_run(
            dg.DagsterRun(
                "policy_history",
                run_id=f"00000000-0000-4000-8000-{number:012}",
                status=status,
                tags=daemon.tick().run_requests[0].tags,
            )
        )

    ran(1, dg.DagsterRunStatus.FAILURE)
    assert daemon.tick().run_requests[0].run_key == "active_policy:1:1"
    ran(2, dg.DagsterRunStatus.STARTED)
    assert not daemon.tick().run_requests
    daemon.project.instance.report_run_failed(
        daemon.project.instance.get_run_by_id("00000000-0000-4000-8000-000000000002")
    )
    ran(3, dg.DagsterRunStatus.FAILURE)
    assert not daemon.tick().run_requests
