"""Batches through the real graph on an ephemeral instance."""

import shutil

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import BATCH_TABLES, TABLES
from resources.table_store import write_atomically
from tests.conftest import write_corpus
from tests.graph.conftest import project_in


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """A project, its batch and what Dagster says of its run: to be read only."""
    folder = tmp_path_factory.mktemp("processed")
    with project_in(folder) as project:
        (batch,) = project.take_in(write_corpus(folder / "corpus"))
        result = project.succeeds("process_batch", batch)
        yield project, batch, result


def test_everything_listed_has_its_rows_on_every_floor(processed) -> None:
    project, batch, _ = processed
    corpus = project.home.parent / "corpus"
    manifest = project.tables.read("content_manifest", batch).to_pylist()
    outcomes = {row["path"]: (row["outcome"], row["reason"]) for row in manifest}
    assert len(outcomes) == sum(path.is_file() for path in corpus.rglob("*"))
    assert outcomes["empty.txt"] == ("rejected", "empty")
    assert outcomes["picture.png"] == ("rejected", "binary")
    assert {outcomes["app/main.py"][0], outcomes["app/copy_of_main.py"][0]} == {
        "accepted",
        "duplicate",
    }
    accepted = {row["item_id"] for row in manifest if row["outcome"] == "accepted"}
    profiles = project.tables.read("content_profiles", batch)
    assert set(profiles["item_id"].to_pylist()) == accepted
    plans = project.tables.read("processing_plans", batch)
    assert {i for i, t in pairs(plans) if t == "content_type"} == accepted
    assert pairs(project.tables.read("resolutions", batch)) == pairs(plans)


def pairs(table: pa.Table) -> set[tuple[str, str]]:
    return set(zip(table["item_id"].to_pylist(), table["task"].to_pylist(), strict=True))


def test_the_answers_are_right_where_they_are_plain(processed) -> None:
    project, batch, _ = processed
    rows = project.tables.read("resolutions", batch).to_pylist()
    answers = {(row["path"], row["task"]): row["answer"] for row in rows}
    assert answers["app/list.h", "content_type"] == "cpp"
    assert answers["run", "content_type"] == "shell"
    assert answers["data/settings.json", "content_type"] == "json"
    assert answers["docs/guide.md", "natural_language"] == "en"
    assert answers["docs/fr.md", "natural_language"] == "fr"


def test_every_check_passes_and_says_what_it_counted(processed) -> None:
    _, _, result = processed
    evaluations = result.get_asset_check_evaluations()
    # beside the batch's own tables, the services' health and its three probes are checked, and
    # whether the content is like what was learned, and what a policy on trial came to
    assert len(evaluations) == 2 * len(BATCH_TABLES) + 5 + 2
    assert all(evaluation.passed for evaluation in evaluations)
    assert all(evaluation.description for evaluation in evaluations)


def test_every_materialization_shows_rows_schema_and_a_preview(processed) -> None:
    _, batch, result = processed
    events = [
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() != "service_health"
    ]
    assert len(events) == len(BATCH_TABLES)
    for event in events:
        metadata = event.materialization.metadata
        name = event.asset_key.to_user_string()
        assert event.partition == batch
        assert "dagster/partition_row_count" in metadata
        columns = [c.name for c in metadata["dagster/column_schema"].schema.columns]
        assert columns == TABLES[name].schema.names
        assert metadata["preview"].md_str.startswith("| ")


def test_reprocessing_asks_nothing_and_gives_equal_tables(again) -> None:
    """Byte for byte, where no column depends on the run."""
    project, batch = again
    equal = [
        name
        for name in BATCH_TABLES
        if TABLES[name].stable_columns == list(TABLES[name].schema.names)
    ]
    assert set(equal) >= {"resolutions", "disagreements", "processing_plans", "decision_log"}
    before = {name: project.tables.read(name, batch) for name in BATCH_TABLES}
    stored = {name: project.tables.path(name, batch).read_bytes() for name in equal}
    project.succeeds("reprocess", batch)
    for name in BATCH_TABLES:
        stable = TABLES[name].stable_columns
        after = project.tables.read(name, batch)
        assert after.select(stable).equals(before[name].select(stable)), name
    assert stored == {name: project.tables.path(name, batch).read_bytes() for name in equal}
    calls = project.tables.read("call_log", batch)
    assert set(calls["origin"].to_pylist()) == {"cache"}


def test_a_changed_item_is_superseded_and_the_corpus_report_holds_both_batches(
    project, corpus
) -> None:
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    (corpus / "notes.txt").write_text("Something else entirely stands here now, and it is new.\n")
    project.succeeds("reprocess", batch)
    profiles = project.tables.read("content_profiles", batch).to_pylist()
    assert {r["path"]: r["status"] for r in profiles if r["status"] != "ok"} == {
        "notes.txt": "superseded"
    }
    (later,) = project.take_in(corpus)
    project.succeeds("process_batch", later)
    manifest = project.tables.read("content_manifest", later).to_pylist()
    assert [(row["path"], row["outcome"]) for row in manifest] == [("notes.txt", "accepted")]
    project.succeeds("corpus_reports", None)
    corpus_report = project.tables.read("corpus_report")
    assert corpus_report["batch"].to_pylist() == [batch, later]
    assert pc.sum(corpus_report["accepted"]).as_py() == 8
    index = (project.home / "reports" / "index.html").read_text()
    assert f"{batch}.html" in index and f"{later}.html" in index


def test_a_table_that_lost_a_row_stops_the_run_with_the_remedy(
    project, corpus, lost_profile
) -> None:
    (batch,) = project.take_in(corpus)
    result = project.execute("process_batch", batch)
    assert not result.success
    (failed,) = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert (failed.asset_key.to_user_string(), failed.check_name) == (
        "content_profiles",
        "conservation",
    )
    assert "Materialize content_profiles" in (failed.description or "")
    assert not project.tables.exists("processing_plans", batch)


def test_a_foreign_schema_fails_its_check_by_name(again) -> None:
    project, batch = again
    path = project.tables.path("resolutions", batch)
    broken = project.tables.read("resolutions", batch).rename_columns({"answer": "anwser"})
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(broken, sink)
    write_atomically(path, sink.getvalue().to_pybytes())
    graph = project.definitions.resolve_asset_graph()
    keys = [key for key in graph.asset_check_keys if key.asset_key.path == ["resolutions"]]
    job = dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(*keys))
    definitions = dg.Definitions.merge(project.definitions, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def("only_checks").execute_in_process(
        instance=project.instance, raise_on_error=False
    )
    schema = next(e for e in result.get_asset_check_evaluations() if e.check_name == "schema")
    assert not schema.passed
    assert "anwser: not declared" in (schema.description or "")


def test_one_interpretation_table_can_be_materialized_alone(again) -> None:
    project, batch = again
    before = project.tables.read("parallel_interpretations", batch)
    result = project.succeeds(
        "reprocess", batch, asset_selection=[dg.AssetKey("parallel_interpretations")]
    )
    made = {e.asset_key.to_user_string() for e in result.all_events if e.is_step_materialization}
    assert made == {"parallel_interpretations"}
    assert project.tables.read("parallel_interpretations", batch).equals(before)


def test_a_batch_of_nothing_but_rejections_has_a_report(project, tmp_path) -> None:
    source = tmp_path / "bad"
    source.mkdir()
    (source / "empty").write_text("")
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    report = project.tables.read("disagreement_report", batch).to_pylist()[0]
    assert (report["listed"], report["rejected"], report["plans"]) == (1, 1, 0)
    assert (project.home / "reports" / f"{batch}.html").exists()


def test_the_page_shows_the_numbers_of_the_tables(processed) -> None:
    from selectolax.lexbor import LexborHTMLParser

    project, batch, _ = processed
    page = LexborHTMLParser((project.home / "reports" / f"{batch}.html").read_text())
    row = project.tables.read("disagreement_report", batch).to_pylist()[0]
    figures = {
        node.attributes["data-figure"]: node.text(strip=True) for node in page.css("[data-figure]")
    }
    assert int(figures["accepted"]) == row["accepted"]
    assert int(figures["rejected"]) == row["rejected"]
    found = project.tables.read("disagreements", batch).to_pylist()
    disputes = [one for one in found if one["consequence"] != "none"]
    disputed = {(one["item_id"], one["task"]) for one in disputes}
    assert int(figures["disputed"]) == row["disputed"] == len(disputed)
    assert int(figures["disputed_pairs"]) == row["disputed_pairs"] == len(disputes)
    assert row["without_consequence"] == len(found) - len(disputes)


PACKAGED_TASKS = {
    *("content_type", "natural_language", "keywords", "title", "tone", "embedding"),
    *("facts", "mentions"),
}


def test_every_task_is_answered_or_abstained_and_every_model_occurs(project, corpus) -> None:
    sentences = [
        f"The storage of part {n} keeps its records in the archive of year {n % 7}.\n"
        for n in range(400)
    ]
    (corpus / "long.txt").write_text("".join(sentences))
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    rows = project.tables.read("resolutions", batch).to_pylist()
    assert {row["task"] for row in rows} == PACKAGED_TASKS
    assert {row["status"] for row in rows} <= {"resolved", "abstained", "skipped"}
    skipped = [row for row in rows if row["status"] == "skipped"]
    assert all(
        row["task"] == "facts" and row["reason"].startswith("content_type is") for row in skipped
    )
    plans = project.tables.read("processing_plans", batch)
    assert set(plans["model"].to_pylist()) == {"sequential", "parallel", "iterative", "hybrid"}
    rounds = project.tables.read("iterative_interpretations", batch).to_pylist()
    assert {row["round"] for row in rounds} >= {0, 1}
    last = [row for row in rounds if row["final"]]
    assert len({row["round"] for row in last}) == 1


@pytest.mark.slow
def test_a_large_batch_is_profiled_on_the_cluster_with_equal_rows(again) -> None:
    project, batch = again
    here = project.tables.read("content_profiles", batch)
    shown = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    shown["execution"]["tiers"] = {"dask_from_items": 1, "dask_from_s": 0, "chunk_items": 3}
    # nothing is remembered: all is profiled again
    shutil.rmtree(project.home / "features", ignore_errors=True)
    (project.home / "tables" / "content_profiles" / f"{batch}.parquet").unlink()
    shown["execution"]["cache"] = {"memory_bytes": 0, "local_bytes": 0}
    project.write_policy(yaml.safe_dump(shown))
    result = project.succeeds("reprocess", batch)
    stable = TABLES["content_profiles"].stable_columns
    there = project.tables.read("content_profiles", batch)
    # what a busy machine has cut has other features
    whole = pc.invert(pc.or_(here["cut_by_clock"], there["cut_by_clock"]))
    assert pc.sum(whole).as_py() >= here.num_rows - 2
    assert there.select(stable).filter(whole).equals(here.select(stable).filter(whole))
    tiers = [
        event.materialization.metadata["tier"].text
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.path == ["content_profiles"]
    ]
    assert tiers == ["dask"]


def test_near_copies_are_linked_and_services_asked_once_when_the_policy_says_so(
    project, corpus
) -> None:
    text = " ".join(f"word{n * n % 977} and part{n}" for n in range(300))
    for n in range(4):
        (corpus / f"copy{n}.txt").write_text(f"{text} copy number {n}\n")
    shown = {"features": {"share_answers": True}}
    packaged = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    project.write_policy(yaml.safe_dump(packaged | shown))
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    vectors = project.tables.read("content_vectors", batch).to_pylist()
    copies = {r["path"]: r["representative"] for r in vectors if r["path"].startswith("copy")}
    assert len(copies) == 4 and len(set(copies.values())) == 1
    log = project.tables.read("call_log", batch).to_pylist()
    asked = {row["item_id"] for row in log if row["origin"] != "shared"}
    item_of = {row["path"]: row["item_id"] for row in vectors}
    assert len(asked & {item_of[path] for path in copies}) == 1
    resolutions = project.tables.read("resolutions", batch).to_pylist()
    answered = {row["path"] for row in resolutions if row["task"] == "tone"}
    assert answered >= set(copies)
    assert len({str(r["answer"]) for r in resolutions if r["path"] in copies}) < 10


def test_the_account_of_the_cache_adds_up_over_runs_and_tiers(project, corpus) -> None:
    packaged = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    packaged["execution"]["cache"] = {"min_item_bytes": 0}
    project.write_policy(yaml.safe_dump(packaged))
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    accepted = project.tables.read("content_profiles", batch).num_rows

    def account() -> dict[tuple[str, str], dict]:
        result = project.succeeds("corpus_reports", None)
        assert all(e.passed for e in result.get_asset_check_evaluations())
        rows = project.tables.read("feature_cache_report").to_pylist()
        return {(row["used_for"], row["tier"]): row for row in rows}

    cold = account()
    assert {tier for _, tier in cold} == {"memory", "lmdb", "durable", "table"}
    assert cold["content_profiles", "table"]["lookups"] == 0
    assert cold["content_profiles", "durable"]["lookups"] == accepted
    assert cold["content_profiles", "durable"]["hits"] == 0
    assert cold["content_profiles", "durable"]["written"] == accepted
    assert cold["content_vectors", "lmdb"]["entries"] == 2 * accepted
    project.succeeds("reprocess", batch)
    warm = account()
    assert warm["content_profiles", "memory"]["hit_rate"] == 1.0
    assert warm["content_profiles", "lmdb"]["lookups"] == 0
    assert warm["answers", "lmdb"]["hit_rate"] == 1.0
    assert warm["answers", "lmdb"]["entries"] > accepted


def test_the_account_names_what_no_tier_keeps(project, corpus) -> None:
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    profiles = project.tables.read("content_profiles", batch)
    sizes = profiles["byte_count"].to_pylist()
    small, smaller = sum(n < 8_192 for n in sizes), sum(n < 1_024 for n in sizes)
    assert smaller
    project.succeeds("reprocess", batch)
    project.succeeds("corpus_reports", None)
    rows = project.tables.read("feature_cache_report").to_pylist()
    own = {row["used_for"]: row for row in rows if row["tier"] == "table"}
    for used_for, count in (("content_profiles", smaller), ("content_vectors", small)):
        assert own[used_for]["not_kept"] == own[used_for]["hits"] == count
    again = project.tables.read("content_profiles", batch)
    stable = TABLES["content_profiles"].stable_columns
    assert again.select(stable).equals(profiles.select(stable))
    assert "computed" not in again["origin"].to_pylist()


def test_a_run_goes_on_without_its_tiers_and_the_account_says_why(
    project, corpus, monkeypatch
) -> None:
    monkeypatch.setenv("A_REDIS", "redis://127.0.0.1:1/0")
    packaged = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    cache = {"redis_url_env": "A_REDIS", "durable": "blocked", "min_item_bytes": 0}
    packaged["execution"]["cache"] = cache
    project.write_policy(yaml.safe_dump(packaged))
    project.home.mkdir()
    (project.home / "blocked").write_text("a file stands where the folder should be")
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    project.succeeds("corpus_reports", None)
    rows = project.tables.read("feature_cache_report").to_pylist()
    profiles = {row["tier"]: row for row in rows if row["used_for"] == "content_profiles"}
    assert profiles["memory"]["errors"] == 0
    for tier in ("redis", "durable"):
        assert profiles[tier]["errors"] > 0
        assert profiles[tier]["last_error"]
        assert profiles[tier]["entries"] is None


def test_every_item_ends_in_one_state_that_its_metadata_counts(processed) -> None:
    project, batch, result = processed
    rows = project.tables.read("item_states", batch).to_pylist()
    ends = {row["path"]: (row["to_state"], row["why"]) for row in rows if row["final"]}
    assert ends["empty.txt"] == ("rejected", "empty: no content")
    assert ends["docs/guide.md"][0] == "resolved"
    assert {ends["app/main.py"][0], ends["app/copy_of_main.py"][0]} == {"resolved", "duplicate"}
    listed = project.tables.read("content_manifest", batch)
    assert sorted(ends) == sorted(listed["path"].to_pylist())
    (metadata,) = (
        event.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.path == ["item_states"]
    )
    states = {state for state, _ in ends.values()}
    assert sum(metadata[state].value for state in states) == listed.num_rows


def test_tables_that_contradict_each_other_stop_the_run_before_the_report(
    again, monkeypatch
) -> None:
    import orchestration_assets.reporting.assets as reporting

    project, batch = again
    whole = reporting.replay

    def without_readings(batch, manifest, profiles, plans, readings, resolutions):
        none = {name: table.slice(0, 0) for name, table in readings.items()}
        return whole(batch, manifest, profiles, plans, none, resolutions)

    monkeypatch.setattr(reporting, "replay", without_readings)
    before = (project.home / "tables" / "disagreement_report" / f"{batch}.parquet").stat()
    result = project.execute("reprocess", batch)
    assert not result.success
    assert "cannot go from planned to" in str(result.failure_data_for_node("item_states").error)
    after = (project.home / "tables" / "disagreement_report" / f"{batch}.parquet").stat()
    assert after.st_mtime_ns == before.st_mtime_ns


def test_content_that_its_batch_lost_is_computed_for_whoever_else_holds_it(project, corpus) -> None:
    """One batch accepts content, a second one relies on it, and the first finds it changed."""
    words = "The parcel was sent to the office by the river and nobody there has seen it.\n"
    (corpus / "first.txt").write_text(words)
    (first,) = project.take_in(corpus)
    project.succeeds("process_batch", first, asset_selection=[dg.AssetKey("content_manifest")])
    (corpus / "second.txt").write_text(words)
    (second,) = project.take_in(corpus)
    project.succeeds("process_batch", second)
    (corpus / "first.txt").write_text("Something else.\n")
    project.succeeds("reprocess", first)
    (third,) = project.take_in(corpus)
    project.succeeds("process_batch", third)
    manifest = project.tables.read("content_manifest", third).to_pylist()
    outcomes = {row["path"]: row["outcome"] for row in manifest}
    assert outcomes == {"first.txt": "accepted", "second.txt": "accepted"}
    answers = project.tables.read("resolutions", third).to_pylist()
    assert {row["path"] for row in answers} == {"first.txt", "second.txt"}
    assert project.take_in(corpus) == []
