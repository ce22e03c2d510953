"""`orchestrate compare` over a finished run: batches, policies, names that are neither."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.compare_lines import summary_lines
from orchestration_assets.reporting.batch_delta import batch_delta
from orchestration_assets.reporting.question_outcomes import QuestionOutcome
from orchestration_assets.schemas.enums import AnswerKind
from tests.conftest import Finished


def test_a_batch_against_itself_changes_nothing(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "delta.html"
    arguments = ["compare", finished.batch, finished.batch[:12], "--home", str(finished.home)]
    other = ["--other-home", str(finished.home), "--page", str(page)]
    assert main([*arguments, *other]) == 0
    printed = capsys.readouterr().out
    assert f"batch {finished.batch}" in printed
    assert "content_type: 0 of " in printed
    assert "->" not in printed
    assert "answers changed" in page.read_text("utf-8")


def test_a_batch_against_a_policy_that_hears_less(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(finished.home)]
    assert main(["compare", finished.batch, "packaged", *home, "--json"]) == 0
    same = json.loads(capsys.readouterr().out)
    assert same["changed"] == []
    assert {"why": "a replay tells no two vectors apart", "questions": 7} in same["not_compared"]

    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 2\nservices:\n  extension_map: {implementation: extension_map}\n"
        "tasks:\n  content_type:\n    question: What kind of file is this?\n    kind: label\n"
        "    near_synonyms: [[text, markdown], [text, rst]]\n"
        "    default: {model: sequential, services: [extension_map], stop_at: 0.95}\n"
    )
    assert main(["compare", finished.batch, str(policy), *home, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (task,) = found["tasks"]
    assert task["task"] == "content_type"
    assert task["calls"]["after"] < task["calls"]["before"]
    assert "the policy does not ask it" in {one["why"] for one in found["not_compared"]}


def test_lines_fit_the_terminal_and_say_what_is_not_known() -> None:
    was = QuestionOutcome(
        *("i", "content_type", "c", "short.txt", AnswerKind.LABEL, "prose", "resolved"),
        *("a rather long answer", None, None),
        error_risk=0.25,
        disputed=False,
        calls=2,
        usd=0.001,
        ms=100.0,
    )
    long = replace(was, item_id="j", path=f"folder/{'x' * 40}.txt")
    new = [replace(one, answer="other", error_risk=None, calls=1) for one in (was, long)]
    lines = list(summary_lines(batch_delta(("a", [was, long]), ("b", new)), 80))
    assert max(map(len, lines)) <= 80
    said = "content_type: a rather long answer -> other; risk 25% -> unknown"
    assert lines[-3:] == [f"  {long.path}", f"    {said}", f"  short.txt {said}"]
    assert lines[2].startswith("content_type: 2 of 2 answers changed")


@pytest.mark.parametrize("name", ["20991231T000000Z-00000000", "2", "nowhere.yaml", ""])
def test_a_name_that_is_neither_is_said_in_one_line(
    finished: Finished, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", finished.batch, name, "--home", str(finished.home)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert finished.batch in said and "no finished batch" in said
