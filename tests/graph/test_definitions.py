"""What the Dagster UI is shown: keys, groups, words, jobs, checks."""

import dagster as dg
import pytest

from orchestration_assets.definitions import build_definitions
from orchestration_assets.schemas.tables import TABLES
from orchestration_assets.settings import Settings

KEYS = {
    "content_source",
    "content_manifest",
    "content_ledger",
    "content_profiles",
    "processing_plans",
    "sequential_interpretations",
    "parallel_interpretations",
    "iterative_interpretations",
    "hybrid_interpretations",
    "decision_log",
    "call_log",
    "resolutions",
    "disagreements",
    "dispute_kinds",
    "review_queue",
    "item_states",
    "disagreement_report",
    "corpus_report",
    "gold_labels",
    "calibration",
    "service_scorecards",
    "selection_model",
    "selection_frontier",
}
CORPUS = {
    "content_ledger",
    "corpus_report",
    "gold_labels",
    "calibration",
    "service_scorecards",
    "selection_model",
    "selection_frontier",
}
BATCH = KEYS - CORPUS - {"content_source"}


@pytest.fixture
def definitions(home) -> dg.Definitions:
    return build_definitions(Settings(home))


def _specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_graph_has_exactly_these_assets(definitions) -> None:
    assert set(_specs(definitions)) == KEYS


def test_every_asset_is_described_grouped_owned_and_of_a_kind(definitions) -> None:
    for key, spec in _specs(definitions).items():
        assert spec.description and len(spec.description) > 40, key
        assert spec.group_name and spec.group_name != "default", key
        assert spec.owners, key
        assert spec.kinds, key
        assert spec.code_version or key == "content_source", key


def test_every_batch_asset_shares_the_one_partition_dimension(definitions) -> None:
    for key, spec in _specs(definitions).items():
        if key in BATCH:
            assert spec.partitions_def is not None, key
            assert spec.partitions_def.name == "content_batches"


def test_no_batch_asset_depends_on_a_corpus_asset(definitions) -> None:
    for key, spec in _specs(definitions).items():
        if key in BATCH:
            assert not CORPUS & {dep.asset_key.to_user_string() for dep in spec.deps}


def test_every_table_has_a_blocking_schema_and_conservation_check(definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = {
        (key.asset_key.to_user_string(), key.name): graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
    }
    expected = {
        (name, check) for name in KEYS - {"content_source"} for check in ("schema", "conservation")
    }
    # a model that its services have outgrown is not used, and stops nobody
    assert checks.pop(("calibration", "valid")) is False
    assert set(checks) == expected
    assert all(checks.values())
    assert {name for name, _ in expected} <= set(TABLES)


def test_jobs_select_what_they_say(definitions) -> None:
    def selected(job: str) -> set[str]:
        layer = definitions.resolve_job_def(job).asset_layer
        return {key.to_user_string() for key in layer.executable_asset_keys}

    assert selected("process_batch") == BATCH
    assert selected("reprocess") == BATCH - {"content_manifest"}
    assert selected("corpus_reports") == {"corpus_report", "service_scorecards", "content_ledger"}
    assert selected("take_feedback") == {"gold_labels", "calibration"}
    assert selected("calibrate") == {"calibration", "service_scorecards"}
    assert selected("learn_selection") == {"selection_model", "selection_frontier"}


def test_definitions_are_fresh_each_time(home) -> None:
    one = build_definitions(Settings(home))
    other = build_definitions(Settings(home), resource_overrides={"progress": object()})
    assert one is not other
    assert type(one.resources["progress"]) is not object
