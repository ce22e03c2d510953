"""A comparison counts what the two sides hold, and says what it cannot tell."""

import re
from dataclasses import replace

import pytest

from orchestration_assets.reporting.batch_delta import BatchDelta, batch_delta, delta_rows
from orchestration_assets.reporting.page import render_delta
from orchestration_assets.reporting.question_outcomes import QuestionOutcome, outcomes
from orchestration_assets.reporting.question_rows import Movement
from orchestration_assets.schemas.enums import AnswerKind
from tests.reporting.batches import synthetic_batch

ONE = QuestionOutcome(
    *("i1", "t", "c1", "a.txt", AnswerKind.LABEL, "prose", "resolved", "yes", None, None),
    error_risk=0.1,
    disputed=False,
    calls=2,
    usd=0.5,
    ms=100.0,
)


def compared(old: list[QuestionOutcome], new: list[QuestionOutcome]) -> BatchDelta:
    return batch_delta(("a", old), ("b", new))


def _plain(page: str) -> str:
    return re.sub("<[^>]+>", "", page)


def test_figures_are_those_of_the_outcomes() -> None:
    tables = synthetic_batch(60)
    found = outcomes(
        *(tables[name] for name in ("resolutions", "disagreements", "call_log", "content_profiles"))
    )
    calls = [one for one in tables["call_log"].to_pylist() if one["origin"] == "called"]
    assert len(found) == tables["resolutions"].num_rows
    assert sum(one.calls for one in found) == len(calls)
    assert sum(one.usd for one in found) == pytest.approx(sum(one["cost_usd"] for one in calls))
    disputed = {
        (one["item_id"], one["task"])
        for one in tables["disagreements"].to_pylist()
        if one["consequence"] != "none"
    }
    assert {one.key for one in found if one.disputed} == disputed
    same = compared(found, found)
    assert (same.compared, len(same.changed)) == (len(found), 0)
    assert {one.movement for one in same.questions} == {Movement.SAME}
    assert all(one.usd.before == one.usd.after for one in same.tasks)


def test_what_changes_is_counted_by_task() -> None:
    other = replace(ONE, item_id="i2", path="b.txt")
    new = [
        replace(ONE, answer="no", error_risk=0.4, usd=0.1, ms=300.0, disputed=True),
        replace(other, status="abstained", answer=None, error_risk=None),
        replace(ONE, item_id="i3", path="c.txt"),
    ]
    delta = compared([ONE, other, replace(ONE, item_id="i4", path="d.txt", task="u")], new)
    (task,) = delta.tasks
    assert (task.task, task.questions, task.changed) == ("t", 2, 2)
    assert (task.disputed_before, task.disputed_after) == (0, 1)
    assert (task.usd.before, task.usd.after) == (0.5, pytest.approx(0.3))
    assert task.risk is not None and (task.risk.before, task.risk.after) == (0.1, 0.4)
    assert [delta.count(one) for one in Movement] == [2, 1, 1, 0]
    rows = list(delta_rows(delta))
    assert [one.path for one in rows] == ["a.txt", "b.txt", "d.txt", "c.txt"]
    assert rows[0].kinds == ("other answer", "newly disputed")
    assert rows[0].change == (0.5, 0.1, 100.0, 300.0, 0.1, 0.4)
    assert [(one.services, one.text) for one in rows[0].said] == [
        *((("before",), "yes"), (("after",), "no"))
    ]
    assert rows[1].kinds == ("answer lost",)
    assert rows[1].change[-2:] == (0.1, -1.0)
    assert (rows[2].kinds, rows[3].kinds) == (("only before",), ("only after",))
    # what is gone did not become free
    assert rows[2].change == (0.5, 0.5, 100.0, 100.0, 0.1, 0.1)
    page = render_delta(delta)
    assert "2 of 2 answers changed" in _plain(page)
    assert "1 question only before, 1 only after." in page
    assert "10% → unknown" in page


def test_equal_answers_are_one_and_vectors_are_told_apart_by_their_components() -> None:
    (row,) = delta_rows(compared([ONE], [ONE]))
    assert [one.services for one in row.said] == [("before", "after")]
    vector = replace(ONE, kind=AnswerKind.VECTOR, answer="vector of 2", vector=(0.0, 1.0))
    assert len(compared([vector], [replace(vector, vector=(1.0, 0.0))]).changed) == 1
    assert not compared([vector], [vector]).changed


def test_batches_without_a_common_item_are_matched_by_content() -> None:
    old = [replace(ONE, item_id=f"i{n}", path=f"old/{n}") for n in range(3)]
    new = [replace(ONE, item_id=f"j{n}", path=f"new/{n}", answer="no") for n in range(2)]
    delta = compared(old, new)
    assert delta.by_content
    pairs = [(one.before.path, one.after.path) for one in delta.changed if one.before and one.after]
    assert pairs == [("old/0", "new/0"), ("old/1", "new/1")]
    assert delta.count(Movement.BEFORE) == 1
    apart = compared(old, [replace(one, content_hash="c2") for one in new])
    assert (apart.by_content, apart.tasks) == (False, ())
    page = render_delta(apart)
    assert page.count("No question is in both") == 1
    assert "3 questions only before, 2 only after." in page
