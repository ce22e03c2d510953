import json
import shutil

import dagster as dg
import pytest

from orchestration_assets.schemas.tables import GOLD_LABELS
from resources.home_resource import HomeResource, PolicyFileResource
from sensors.review_feedback import review_feedback_sensor
from tests.content.test_verdicts import as_csv, jsonl

GUIDE = {
    "item": "docs/guide.md",
    "task": "natural_language",
    "verdict": "en",
    "who": "kim",
    "when": "2026-01-02",
}
TITLE = GUIDE | {"task": "title", "verdict": "Guide"}


@pytest.fixture
def listed(project, corpus):
    """A project with a batch of known items, and a policy under which files settle at once."""
    project.write_policy(_policy())
    (batch,) = project.take_in(corpus)
    project.execute("process_batch", batch, asset_selection=[dg.AssetKey("content_manifest")])
    (project.home / "verdicts").mkdir()
    return project


def _policy() -> str:
    from importlib.resources import files

    packaged = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
    return packaged + "\nfeedback: {settle_s: 0}\n"


def drop(project, name: str, data: bytes) -> None:
    (project.home / "verdicts" / name).write_bytes(data)


def tick(project):
    resources = {
        "home": HomeResource(path=str(project.home)),
        "policy_file": PolicyFileResource(path=str(project.policy)),
    }
    with dg.build_sensor_context(instance=project.instance, resources=resources) as context:
        return review_feedback_sensor(context)


def take(project, request: dg.RunRequest | None = None) -> dict[str, object]:
    """Runs the job that the sensor asked for; returns the figures of its table."""
    result = project.succeeds("take_feedback", None, tags=request.tags if request else None)
    assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    (event,) = (
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() == "gold_labels"
    )
    return {key: value.value for key, value in event.materialization.metadata.items()}


def gold(project) -> dict[tuple[str, str], tuple[str, str]]:
    rows = project.tables.read("gold_labels").to_pylist()
    return {(row["path"], row["task"]): (row["answer"], row["who"]) for row in rows}


def test_dropped_verdicts_become_gold_of_the_latest_and_keep_their_history(listed) -> None:
    drop(listed, "january.csv", as_csv(GUIDE, TITLE))
    later = GUIDE | {"verdict": "fr", "who": "lee", "when": "2026-02-01"}
    drop(listed, "february.jsonl", jsonl(later))
    figures = take(listed, tick(listed))
    assert gold(listed) == {
        ("docs/guide.md", "natural_language"): ("fr", "lee"),
        ("docs/guide.md", "title"): ("Guide", "kim"),
    }
    rows = listed.tables.read("gold_labels").to_pylist()
    (language,) = [row for row in rows if row["task"] == "natural_language"]
    assert [(one["verdict"], one["file"]) for one in language["history"]] == [
        ("en", "january.csv"),
        ("fr", "february.jsonl"),
    ]
    (batch,) = listed.tables.batches("content_manifest")
    manifest = listed.tables.read("content_manifest", batch).to_pylist()
    (guide,) = [row for row in manifest if row["path"] == "docs/guide.md"]
    assert language["content_hash"] == guide["content_hash"]
    assert (figures["files_accepted"], figures["verdicts"], figures["disputed"]) == (2, 3, 1)
    assert figures["gold: title"] == 1
    assert "No verdict files wait" in str(tick(listed).skip_message)


def test_the_table_is_the_same_whatever_the_order_and_is_rebuilt_from_accepted_files(
    listed,
) -> None:
    files = {
        "a.csv": as_csv(GUIDE, TITLE),
        "b.jsonl": jsonl(GUIDE | {"verdict": "fr", "who": "lee"}),
        "c.csv": as_csv(TITLE | {"verdict": "The guide", "when": "2026-03-01T10:00+02:00"}),
    }
    path = listed.tables.path("gold_labels")
    tables = []
    for names in (list(files), list(reversed(files))):
        shutil.rmtree(listed.home / "verdicts")
        (listed.home / "verdicts").mkdir()
        for name in names:
            drop(listed, name, files[name])
            take(listed)
        tables.append(path.read_bytes())
    path.unlink()
    take(listed)
    assert {path.read_bytes(), *tables} == {tables[0]}


def test_a_bad_file_is_set_aside_and_the_run_succeeds_with_a_warning(listed) -> None:
    drop(listed, "bad.csv", as_csv(GUIDE, TITLE | {"item": "nowhere.md"}))
    drop(listed, "good.csv", as_csv(TITLE))
    figures = take(listed)
    assert (figures["files_accepted"], figures["files_rejected"]) == (1, 1)
    message = (listed.home / "verdicts" / "rejected" / "bad.csv.problems.txt").read_text()
    assert "line 3, item: no item of this home has the id, address or path 'nowhere.md'" in message
    assert list(gold(listed)) == [("docs/guide.md", "title")]


def test_without_any_verdict_the_table_is_empty_and_whole(listed) -> None:
    assert take(listed)["verdicts"] == 0
    assert listed.tables.read("gold_labels").schema.equals(GOLD_LABELS.schema)


def test_a_gold_table_that_lost_a_verdict_fails_its_check(listed, monkeypatch) -> None:
    import orchestration_assets.content.gold as gold

    drop(listed, "a.csv", as_csv(GUIDE, TITLE))
    whole = gold.merge
    monkeypatch.setattr(gold, "merge", lambda verdicts: list(whole(verdicts))[1:])
    result = listed.execute("take_feedback", None)
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "conservation"
    assert "judged items and tasks with a row: 1 of 2" in (failed.description or "")


def test_the_sensor_waits_for_files_that_are_still_written(listed) -> None:
    listed.policy.write_text(_policy().replace("settle_s: 0", "settle_s: 3600"))
    drop(listed, "a.csv", as_csv(GUIDE))
    assert "1 still being written" in str(tick(listed).skip_message)


def test_one_run_at_a_time_and_three_attempts_at_the_same_files(listed) -> None:
    drop(listed, "a.csv", as_csv(GUIDE))
    keys = []
    for attempt in range(3):
        request = tick(listed)
        keys.append(request.run_key)
        run_id = f"00000000-0000-4000-8000-00000000000{attempt}"
        run = dg.DagsterRun(
            "take_feedback", run_id, tags=request.tags, status=dg.DagsterRunStatus.STARTED
        )
        listed.instance.add_run(run)
        assert "under way" in str(tick(listed).skip_message)
        listed.instance.report_run_failed(run)
    assert len(set(keys)) == 3
    assert "3 runs could not take these 1 files" in str(tick(listed).skip_message)
    drop(listed, "b.csv", as_csv(TITLE))
    assert tick(listed).run_key not in keys


def test_a_declared_column_of_the_content_is_gold_too(project, tmp_path) -> None:
    from tests.content.test_declared_gold import POLICY

    project.write_policy(POLICY)
    source = tmp_path / "records"
    source.mkdir()
    rows = [{"id": n, "text": f"fine {n}", "right": "good"} for n in range(3)]
    (source / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    take(project)
    gold = project.tables.read("gold_labels").to_pylist()
    assert sorted((row["path"], row["answer"]) for row in gold) == [
        (f"a.jsonl#{n}", "good") for n in range(3)
    ]
