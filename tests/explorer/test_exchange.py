"""Verdicts given in Label Studio and Argilla come back as verdict files."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.content.gold import update_gold
from orchestration_assets.explorer.exchange.answer_values import ForeignFileError
from orchestration_assets.explorer.exchange.argilla import from_argilla
from orchestration_assets.explorer.exchange.label_studio import CONFIG, from_label_studio
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import Home
from tests.conftest import Finished
from tests.explorer.test_review import _without_settling


def _exported(home: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["verdicts", "export", "--format", kind, "--home", str(home)]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def _annotated(task: dict[str, Any], result: dict[str, Any], **more: Any) -> dict[str, Any]:
    annotation = {
        "id": 1,
        "result": [result],
        "was_cancelled": False,
        "completed_by": {"id": 7, "email": "ada@example.org"},
        "updated_at": "2026-01-02T03:04:05.678901Z",
        **more,
    }
    return {**task, "annotations": [annotation]}


def test_what_label_studio_exports_becomes_gold(
    copied: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = _exported(copied.home, "label-studio", capsys)
    assert tasks
    task = next(one for one in tasks if one["data"]["choices"])
    assert all(
        f'value="${name}"' in CONFIG for name in ("content", "passages", "question", "choices")
    )
    chosen = task["data"]["choices"][0]["value"]
    for prediction in task["predictions"]:
        assert prediction["result"][0]["type"] in ("choices", "textarea", "number")
        assert 0.0 <= prediction.get("score", 0.0) <= 1.0
    result = {"from_name": "label", "type": "choices", "value": {"choices": [chosen]}}
    skipped = _annotated(tasks[-1], result, was_cancelled=True)
    file = tmp_path / "export.json"
    file.write_text(json.dumps([_annotated(task, result), skipped]))
    run = ["verdicts", "import", str(file), "--format", "label-studio", "--home", str(copied.home)]
    assert main([*run, "--person", "ada@example.org=Ada"]) == 0
    assert "1 verdicts on 1 items wait" in capsys.readouterr().out
    gold = list(GOLD_LABELS.rows(update_gold(Home(copied.home), _without_settling()).table))
    (found,) = [one for one in gold if one.who == "Ada"]
    assert (found.answer, found.task) == (chosen, task["data"]["task"])
    assert found.said_at.isoformat() == "2026-01-02T03:04:05.678901+00:00"
    assert found.history[-1].asked_in == task["data"]["asked_in"]


def test_what_argilla_exports_becomes_gold(
    copied: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = _exported(copied.home, "argilla", capsys)
    record = next(one for one in records if one["suggestions"])
    assert set(record) == {"id", "fields", "metadata", "suggestions", "responses", "vectors"}
    value = record["suggestions"]["verdict"]["value"]
    record["responses"] = {"verdict": [{"value": value, "user_id": "u-1"}]}
    file = tmp_path / "records.json"
    file.write_text(json.dumps(records))
    run = ["verdicts", "import", str(file), "--format", "argilla", "--home", str(copied.home)]
    assert main([*run, "--person", "u-1=Bob"]) == 0
    gold = list(GOLD_LABELS.rows(update_gold(Home(copied.home), _without_settling()).table))
    assert [one.item_id for one in gold if one.who == "Bob"] == [record["metadata"]["item"]]


ABOUT = {"item": "i", "task": "t", "content_hash": "c", "asked_in": "b/1"}


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([{"value": {"choices": ["a"]}}], ["a"]),
        ([{"value": {"choices": ["a", "b"]}}], [["a", "b"]]),
        ([{"value": {"text": ["mine"]}}, {"value": {"choices": ["a"]}}], ["mine"]),
        ([{"value": {"text": "mine"}}], ["mine"]),
        ([{"value": {"number": 0.5}}], [0.5]),
        ([{"value": {"text": ["  "]}}], []),
        ([], []),
    ],
)
def test_what_an_annotation_says(results: list[Any], said: list[Any]) -> None:
    annotation = {"result": results, "completed_by": 7, "created_at": "2026-01-02T03:04:05Z"}
    text = json.dumps([{"data": ABOUT, "annotations": [annotation]}])
    found = list(from_label_studio("f", text, {}))
    assert [one.verdict for one in found] == said
    assert [one.who for one in found] == ["Label Studio user 7"] * len(said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no valid JSON"),
        ("[" * 5000, "no valid JSON"),
        ("{}", "no list of records"),
        ("[1]", "is no object"),
        ('[{"data": {"text": "x"}}]', "has no item"),
        (json.dumps([{"data": {**ABOUT, "task": 3}}]), "has no task"),
        (json.dumps([{"data": ABOUT, "annotations": 3}]), "annotations: is no list"),
        (json.dumps([{"data": ABOUT, "annotations": [3]}]), "one is no object"),
        (json.dumps([{"data": ABOUT, "annotations": [{"result": [3]}]}]), "has no value"),
        (
            json.dumps([{"data": ABOUT, "annotations": [{"result": [{"value": {"number": 1}}]}]}]),
            "updated_at: is no time",
        ),
    ],
)
def test_what_label_studio_did_not_export_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ForeignFileError, match=words) as raised:
        list(from_label_studio("f.json", text, {}))
    assert str(raised.value).startswith("f.json")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (3, "is no object"),
        ({"responses": 3}, "no list of answers"),
        ({"responses": {"verdict": [3]}, "metadata": ABOUT}, "has no value"),
        ({"responses": {"verdict": [{"value": "x"}]}}, "is no object"),
        ({"responses": {"verdict": [{"value": "x"}]}, "metadata": {}}, "has no item"),
    ],
)
def test_what_argilla_did_not_export_is_said_with_its_place(record: Any, words: str) -> None:
    with pytest.raises(ForeignFileError, match=words):
        list(from_argilla("f.json", json.dumps([record]), {}, "2026-01-01"))


def test_a_file_with_one_bad_verdict_is_not_taken(
    copied: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "export.json"
    result = {"value": {"text": ["mine"]}}
    file.write_text(json.dumps([_annotated({"data": ABOUT}, result)]))
    run = ["verdicts", "import", str(file), "--format", "label-studio", "--home", str(copied.home)]
    assert main(run) == 2
    assert "no item of this home" in capsys.readouterr().err
    assert not list((copied.home / "verdicts").glob("*.jsonl"))
    assert main([*run, "--person", "nobody"]) == 2
    assert "--person nobody" in capsys.readouterr().err


def test_what_cannot_be_exported_is_said(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = ["verdicts", "export", "--format", "argilla", "--home"]
    assert main([*export, str(tmp_path / "nowhere")]) == 2
    assert "there is no such home" in capsys.readouterr().err
    for batch in ("20260101T000000Z-00000001", "../../etc"):
        assert main([*export, str(finished.home), "--batch", batch]) == 2
        assert f"--batch {batch}" in capsys.readouterr().err
    assert main([*export, str(finished.home), "--task", "typo"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert "no question of the task 'typo' is open" in told.err
