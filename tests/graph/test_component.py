"""The component: homes in a project of somebody else, each under names of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox
from dagster.components.testing.utils import DefsFolderSandbox
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.component import ComponentError, ContentOrchestration
from orchestration_assets.definitions import build_definitions
from orchestration_assets.namespace import Namespace, PrefixError
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.versioned_state import ChangeNote
from tests.graph.conftest import QUIET, fresh_instance, succeeded
from tests.webhooks import receiving

TYPE = "orchestration_assets.component.ContentOrchestration"
POLICY = """
version: 2
content: {settle_s: 0, batch: {wait_s: 0}}
services:
  extension_map: {implementation: extension_map}
  grammar: {implementation: grammar}
tasks:
  content_type:
    question: Which format is it?
    kind: label
    default: {model: parallel, services: [extension_map, grammar]}
"""


@dataclass
class Location:
    """A code location in a temporary project, and an instance of Dagster."""

    sandbox: DefsFolderSandbox
    instance: dg.DagsterInstance

    @property
    def root(self) -> Path:
        return self.sandbox.project_root

    def add(self, folder: str, text: str = POLICY, /, **attributes: Any) -> Path:
        given = {"home": f"homes/{folder}", "policy": "policy.yaml", "dask": "threads"}
        path = self.sandbox.scaffold_component(
            ContentOrchestration,
            folder,
            defs_yaml_contents={"type": TYPE, "attributes": {**given, **attributes}},
        )
        (path / "policy.yaml").write_text(text)
        return path

    def write(self, source: str, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            path = self.root / source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def definitions(self) -> dg.Definitions:
        with self.sandbox.build_all_defs() as found:
            return found

    def tick(self, name: str) -> dg.SensorResult:
        """What a sensor says, with the resources of the location; its partitions are added."""
        repository = self.definitions().get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance,
            repository_def=repository,
            resources=repository.get_top_level_resources(),
        ) as context:
            said = repository.get_sensor_def(name)(context)
        for request in said.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(
                request.partitions_def_name, request.partition_keys
            )
        return said

    def execute(self, job: str, batch: str | None = None) -> dg.ExecuteInProcessResult:
        return (
            self.definitions()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                partition_key=batch,
                raise_on_error=False,
                run_config=QUIET,
            )
        )

    def succeeds(self, job: str, batch: str | None = None) -> dg.ExecuteInProcessResult:
        return succeeded(self.execute(job, batch))


@pytest.fixture
def location() -> Iterator[Location]:
    with create_defs_folder_sandbox() as sandbox, fresh_instance() as instance:
        yield Location(sandbox, instance)


def test_a_batch_in_each_of_two_homes(location: Location) -> None:
    location.write("news", {"a.py": "import os\n\nprint(os.name)\n", "b.md": "# News\n\nText.\n"})
    location.write("tickets", {"c.txt": "The printer is on fire."})
    location.add("news", sources=["news"])
    location.add("tickets", sources=["tickets"], key_prefix="support/tickets")
    expected = {"news": 2, "support__tickets": 1}
    batches = {}
    for prefix, items in expected.items():
        (request,) = location.tick(f"{prefix}__new_content_sensor").run_requests or []
        batches[prefix] = request.partition_key
        done = location.succeeds(f"{prefix}__process_batch", request.partition_key)
        assert all(check.passed for check in done.get_asset_check_evaluations())
        location.succeeds(f"{prefix}__corpus_reports")
        (held,) = location.instance.get_dynamic_partitions(f"{prefix}__content_batches")
        assert held == request.partition_key
        key = dg.AssetKey([*prefix.split("__"), "resolutions"])
        assert location.instance.get_materialized_partitions(key) == {held}
        home = Home(location.root / "homes" / prefix.split("__")[-1])
        assert home.tables.read("resolutions", held).num_rows == items
        assert (home.folder / "reports" / "index.html").is_file()
        # nothing is left to do, and the other home does not know of it
        assert not location.tick(f"{prefix}__new_content_sensor").run_requests
    assert not location.instance.get_dynamic_partitions("content_batches")
    assert len(set(batches.values())) == 2


def names_of(found: dg.Definitions) -> dict[str, set[str]]:
    repository = found.get_repository_def()
    graph = found.resolve_asset_graph()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    return {
        "assets": {key.to_user_string() for key in graph.get_all_asset_keys()},
        "edges": {
            f"{parent.to_user_string()} > {key.to_user_string()}"
            for key in graph.get_all_asset_keys()
            for parent in graph.get(key).parent_keys
        },
        "checks": {
            f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys
        },
        "jobs": {job.name for job in jobs},
        "steps": {f"{job.name}.{node.name}" for job in jobs for node in job.nodes},
        "schedules": {one.name for one in repository.schedule_defs},
        "sensors": {one.name for one in repository.sensor_defs},
        "resources": set(repository.get_top_level_resources()),
    }


def test_nothing_is_lost_under_a_prefix(location: Location) -> None:
    """Every asset, edge, check, job, step, schedule, sensor and resource is there, renamed."""
    location.add("here", key_prefix="a/b")
    plain = names_of(build_definitions(Settings(location.root / "plain")))
    found = names_of(location.definitions())
    keys = {name: {f"a/b/{one}" for one in plain[name]} for name in ("assets", "checks")}
    edges = {" > ".join(f"a/b/{key}" for key in one.split(" > ")) for one in plain["edges"]}
    steps = {".".join(f"a__b__{part}" for part in one.split(".")) for one in plain["steps"]}
    named = ("jobs", "schedules", "sensors", "resources")
    names = {name: {f"a__b__{one}" for one in plain[name]} for name in named}
    assert {**found, "resources": found["resources"] - {"io_manager"}} == {
        **keys,
        **names,
        "resources": names["resources"] - {"a__b__io_manager"},
        "edges": edges,
        "steps": steps,
    }


def test_properties_of_assets_stay(location: Location) -> None:
    location.add("acme")
    plain = build_definitions(Settings(location.root / "plain")).resolve_asset_graph()
    found = location.definitions().resolve_asset_graph()
    space = Namespace(("acme",))
    for key in plain.get_all_asset_keys():
        before, after = plain.get(key), found.get(space.key(key))
        assert after.group_name == f"acme__{before.group_name}"
        for name in ("pools", "code_version", "kinds", "owners", "description"):
            assert getattr(after, name) == getattr(before, name), (key, name)
    for check in plain.asset_check_keys:
        moved = dg.AssetCheckKey(space.key(check.asset_key), check.name)
        for name in ("blocking", "description"):
            assert getattr(found.get(moved), name) == getattr(plain.get(check), name)


def test_a_home_without_a_prefix_stands_beside_one_with(location: Location) -> None:
    location.add("news")
    location.add("plain", key_prefix="")
    names = names_of(location.definitions())
    assert {"news/resolutions", "resolutions"} <= names["assets"]
    assert {"news__process_batch", "process_batch"} <= names["jobs"]
    steps = {one for one in names["steps"] if one.startswith("process_batch.")}
    assert steps
    assert not any("news" in one for one in steps)


def test_what_defs_yaml_may_say(location: Location) -> None:
    location.add(
        "news",
        group="newsroom",
        started=True,
        tick_seconds=7,
        schedules={"nightly_report": "30 1 * * *", "hourly_health": False},
    )
    repository = location.definitions().get_repository_def()
    crons = {one.name: one.cron_schedule for one in repository.schedule_defs}
    assert crons == {
        "news__nightly_knowledge": "0 1 * * *",
        "news__nightly_report": "30 1 * * *",
        "news__weekly_calibration": "0 4 * * 0",
        "news__weekly_learning": "0 5 * * 0",
    }
    assert {one.default_status for one in repository.schedule_defs} == {
        dg.DefaultScheduleStatus.RUNNING
    }
    assert {one.default_status for one in repository.sensor_defs} == {
        dg.DefaultSensorStatus.RUNNING
    }
    sensor = repository.get_sensor_def("news__new_content_sensor")
    assert sensor.minimum_interval_seconds == 7
    graph = repository.asset_graph
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == {"newsroom"}


def refusal(location: Location) -> list[BaseException]:
    """Why the location does not load: the error, and what caused it."""
    with pytest.raises(Exception) as caught:
        location.definitions()
    errors: list[BaseException] = [caught.value]
    while (cause := errors[-1].__cause__) is not None:
        errors.append(cause)
    return errors


@pytest.mark.parametrize(
    ("attributes", "error", "words"),
    [
        ({"schedules": {"nightly": "0 1 * * *"}}, ComponentError, "there are nightly_knowledge"),
        ({"key_prefix": "a__b"}, PrefixError, "single underscores"),
        ({"key_prefix": "a/"}, PrefixError, "letters, digits"),
        ({"policy": "away.yaml"}, PolicyError, "away.yaml"),
        (
            {"alerts": {"webhook": {"url_env": "https://hooks.example.org/T0/B0"}}},
            ComponentError,
            "alerts.webhook: url_env",
        ),
    ],
)
def test_what_cannot_be_used_is_said(
    location: Location, attributes: dict[str, Any], error: type[Exception], words: str
) -> None:
    location.add("news", **attributes)
    assert any(isinstance(one, error) and words in str(one) for one in refusal(location))


def test_the_problems_of_a_policy_are_all_said(location: Location) -> None:
    location.add("news", POLICY.replace("implementation: grammar", "implementation: gramar"))
    assert any("did you mean 'grammar'" in str(one) for one in refusal(location))


def test_a_changed_policy_is_activated_in_its_own_home(location: Location) -> None:
    location.write("news", {"a.md": "# News"})
    path = location.add("news", sources=["news"]) / "policy.yaml"
    location.add("tickets")
    location.tick("news__policy_sensor")
    location.succeeds("news__policy_history")
    path.write_text(POLICY + "execution: {budget_usd: 5}\n")
    assert location.tick("news__policy_sensor").run_requests
    location.succeeds("news__policy_history")
    key = dg.AssetKey(["news", "active_policy"])
    made = location.instance.get_latest_materialization_event(key)
    assert made is not None and made.asset_materialization is not None
    assert made.asset_materialization.metadata["version"].value == 2
    assert not location.tick("news__policy_sensor").run_requests
    homes = [Home(location.root / "homes" / name) for name in ("news", "tickets")]
    assert [len([*PolicyRegistry(home).history()]) for home in homes] == [2, 0]
    # what a person takes back is what the next run follows
    registry = PolicyRegistry(homes[0])
    first = registry.rollback(1, 2, ChangeNote("eva", datetime(2026, 1, 2, tzinfo=UTC)))
    (request,) = location.tick("news__new_content_sensor").run_requests or []
    location.succeeds("news__process_batch", request.partition_key)
    plans = homes[0].tables.read("processing_plans", request.partition_key)
    assert set(plans["policy_hash"].to_pylist()) == {first.policy_hash}


def test_a_failed_run_is_recorded_in_its_own_home(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = {"webhook": {"url_env": "ALERTS_URL", "timeout_s": 1.0}}
    for name in ("news", "tickets"):
        location.write(name, {"a.txt": "A text."})
        location.add(name, sources=[name], alerts=alerts)

    def fail_tick(name: str, cursor: str | None) -> str | None:
        repository = location.definitions().get_repository_def()
        with dg.build_sensor_context(
            instance=location.instance,
            repository_def=repository,
            cursor=cursor,
            resources=repository.get_top_level_resources(),
        ) as context:
            sensor = repository.get_sensor_def(f"{name}__run_failure_sensor")
            return sensor.evaluate_tick(context).cursor

    cursors = {name: fail_tick(name, None) for name in ("news", "tickets")}
    (request,) = location.tick("news__new_content_sensor").run_requests or []
    (location.root / "news").rename(location.root / "unmounted")
    assert not location.execute("news__process_batch", request.partition_key).success
    with receiving(200) as receiver:
        monkeypatch.setenv("ALERTS_URL", receiver.url)
        for name, cursor in cursors.items():
            fail_tick(name, cursor)
    recorded = {
        n: Home(location.root / "homes" / n).tables.batches("run_failures") for n in cursors
    }
    assert len(list(recorded["news"])) == 1
    assert not list(recorded["tickets"])
    assert len(receiver.received) == 1


def test_a_scaffold_is_complete(location: Location) -> None:
    """What `dg scaffold defs` writes loads as it is."""
    path = location.sandbox.scaffold_component(
        ContentOrchestration, "archive", scaffold_params={"source": "papers"}
    )
    written = yaml.safe_load((path / "defs.yaml").read_text())
    assert written["attributes"] == {
        "home": ".orchestration/archive",
        "policy": "policy.yaml",
        "sources": ["papers"],
        "key_prefix": "archive",
    }
    assert "archive__process_batch" in names_of(location.definitions())["jobs"]


_STEPS = st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,5}(_[a-z0-9]{1,3})?", fullmatch=True))


@given(_STEPS, _STEPS, st.sampled_from(["process_batch", "home"]))
def test_two_namespaces_share_no_name(one: list[str], other: list[str], plain: str) -> None:
    first, second = (Namespace.parse("/".join(steps)) for steps in (one, other))
    if one != other:
        assert first.name(plain) != second.name(plain)
        assert first.key(plain) != second.key(plain)
        assert first.batches.name != second.batches.name
