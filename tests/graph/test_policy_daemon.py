"""The real daemon on a temporary home: a policy file that is edited while it runs."""

import dagster as dg
import pytest
import yaml

from orchestration_assets.command.instance import open_instance
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from resources.home import Home
from resources.home_resource import POLICY_TAG
from tests.graph.test_daemon import PATIENCE_S, drop, service

__all__ = ["service"]
pytestmark = pytest.mark.slow
VALID = dg.AssetCheckKey(dg.AssetKey(ACTIVE_POLICY_TABLE.name), "valid")


def test_an_edited_file_is_followed_while_it_is_valid(service, home, tmp_path) -> None:
    configured = home / "dagster" / "dagster.yaml"
    instance = yaml.safe_load(configured.read_text())
    # nothing is killed here, and a busy machine may need long to start a run
    instance["run_monitoring"]["start_timeout_seconds"] = int(PATIENCE_S)
    configured.write_text(yaml.safe_dump(instance))
    service.daemon()
    service.start_sensors("policy_sensor", "new_content_sensor")
    registry = PolicyRegistry(Home(home))
    tables = Home(home).tables

    def versions() -> list[str]:
        return [one.policy_hash for one in registry.history()]

    def rows() -> int:
        name = ACTIVE_POLICY_TABLE.name
        return tables.read(name).num_rows if tables.exists(name) else 0

    def checked() -> tuple[bool, str]:
        with open_instance(Home(home)) as instance:
            (record,) = instance.event_log_storage.get_asset_check_execution_history(VALID, limit=1)
        assert record.event is not None and record.event.dagster_event is not None
        if record.event.dagster_event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return False, "it is planned"
        evaluation = record.event.dagster_event.asset_check_evaluation_data
        return bool(evaluation.passed), str(evaluation.description)

    first = load_policy(service.policy).hash
    service.until(lambda: versions() == [first], "activation")
    service.until(lambda: rows() == 1, "row of the activation")
    drop(tmp_path / "source", range(3))
    service.until(lambda: len(tables.batches("disagreement_report")) == 1, "first report")

    sound = yaml.safe_load(service.policy.read_text())
    broken = sound | {"execution": {"items_in_flight": 0, "no_such_key": 1}}
    service.policy.write_text(yaml.safe_dump(broken))
    service.until(lambda: not checked()[0], "failed check")
    for problem in ("execution.items_in_flight, line", "execution.no_such_key, line"):
        assert problem in checked()[1]
    drop(tmp_path / "source", range(3, 6))
    service.until(lambda: len(tables.batches("disagreement_report")) == 2, "report meanwhile")
    assert versions() == [first]

    service.policy.write_text(yaml.safe_dump(sound | {"execution": {"items_in_flight": 7}}))
    second = load_policy(service.policy).hash
    service.until(lambda: versions() == [first, second], "second activation")
    service.until(lambda: checked()[0], "passed check")
    drop(tmp_path / "source", range(6, 9))
    service.until(lambda: len(tables.batches("disagreement_report")) == 3, "third report")
    made = [
        hashed
        for batch in tables.batches("processing_plans")
        for hashed in tables.read("processing_plans", batch)["policy_hash"].unique().to_pylist()
    ]
    assert made == [first, first, second]
    with open_instance(Home(home)) as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="process_batch"))
    assert [run.tags[POLICY_TAG] for run in reversed(runs)] == made
