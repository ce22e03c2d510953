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
    "content_vectors",
    "thread_messages",
    "processing_plans",
    "sequential_interpretations",
    "parallel_interpretations",
    "iterative_interpretations",
    "hybrid_interpretations",
    "decision_log",
    "call_log",
    "part_readings",
    "tool_log",
    "rollout_answers",
    "rollout_decisions",
    "resolutions",
    "disagreements",
    "dispute_kinds",
    "review_queue",
    "item_states",
    "disagreement_report",
    "corpus_report",
    "feature_cache_report",
    "golden_signals",
    "gold_labels",
    "knowledge",
    "service_health",
    "calibration",
    "vector_thresholds",
    "service_scorecards",
    "outcomes",
    "selection_model",
    "selection_frontier",
    "taught_services",
    "active_policy",
}
CORPUS = {
    "content_ledger",
    "corpus_report",
    "feature_cache_report",
    "golden_signals",
    "gold_labels",
    "knowledge",
    "service_health",
    "calibration",
    "vector_thresholds",
    "service_scorecards",
    "outcomes",
    "selection_model",
    "selection_frontier",
    "taught_services",
    "active_policy",
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
    """But for the services' health, which gates what is paid for, and the active policy: they are
    made of no batch."""
    for key, spec in _specs(definitions).items():
        if key in BATCH:
            depends = {dep.asset_key.to_user_string() for dep in spec.deps}
            assert not (CORPUS - {"service_health", "active_policy"}) & depends
    for key in ("service_health", "active_policy"):
        assert not _specs(definitions)[key].deps
    plans = {dep.asset_key.to_user_string() for dep in _specs(definitions)["processing_plans"].deps}
    assert "active_policy" in plans


def test_every_table_has_a_blocking_schema_and_conservation_check(definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = {
        (key.asset_key.to_user_string(), key.name): graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
    }
    expected = {
        (name, check) for name in KEYS - {"content_source"} for check in ("schema", "conservation")
    }
    probes = {("service_health", name) for name in ("shallow", "deep", "business", "outage_drill")}
    # what its services have outgrown is not used, and stops nobody
    # the last good policy stays active while a watched file is not valid
    for learnt in ("calibration", "vector_thresholds", "active_policy"):
        assert checks.pop((learnt, "valid")) is False
    # new kinds of content follow the default
    assert checks.pop(("processing_plans", "content")) is False
    # a policy that is rolled back is answered for by the one in force
    assert checks.pop(("rollout_decisions", "rollout")) is False
    # whoever is to look is told; the table is what it is
    assert checks.pop(("golden_signals", "alerts")) is False
    assert set(checks) == expected | probes
    # of the probes only a real question that gets no answer stops a run
    assert {key for key, blocking in checks.items() if not blocking} == probes - {
        ("service_health", "deep")
    }
    assert {name for name, _ in expected} <= set(TABLES)


def test_jobs_select_what_they_say(definitions) -> None:
    def selected(job: str) -> set[str]:
        layer = definitions.resolve_job_def(job).asset_layer
        return {key.to_user_string() for key in layer.executable_asset_keys}

    assert selected("process_batch") == BATCH | {"service_health"}
    assert selected("reprocess") == BATCH - {"content_manifest"} | {"service_health"}
    assert selected("corpus_reports") == {
        "gold_labels",
        "corpus_report",
        "service_scorecards",
        "content_ledger",
        "feature_cache_report",
        "golden_signals",
    }
    assert selected("refresh_knowledge") == {"knowledge"}
    assert selected("policy_history") == {"active_policy"}
    assert selected("take_feedback") == {"gold_labels", "calibration"}
    assert selected("calibrate") == {"calibration", "vector_thresholds", "service_scorecards"}
    learned = {"outcomes", "selection_model", "selection_frontier", "taught_services"}
    assert selected("learn_selection") == learned
    assert selected("check_services") == {"service_health"}
    assert selected("outage_drill") == set()


def test_the_drill_runs_only_when_it_is_asked_for(definitions) -> None:
    def drills(job: str) -> bool:
        layer = definitions.resolve_job_def(job).asset_layer
        return any(key.name == "outage_drill" for key in layer.asset_graph.asset_check_keys)

    assert drills("outage_drill")
    assert not any(drills(job) for job in ("process_batch", "reprocess", "check_services"))


def test_definitions_are_fresh_each_time(home) -> None:
    one = build_definitions(Settings(home))
    other = build_definitions(Settings(home), resource_overrides={"progress": object()})
    assert one is not other
    assert type(one.resources["progress"]) is not object
