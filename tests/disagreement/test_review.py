"""The queue: what enters, in which order, and the files that people fill in."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace

import pytest

from orchestration_assets.content.verdict_files import read_lines
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.disagreement.review import as_csv, as_jsonl, review_queue
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import RESOLUTIONS, REVIEW_QUEUE
from tests.disagreement.batches import plan, task
from tests.evidence.answers import ABSTAINED, ok

LABEL = task(AnswerKind.LABEL)
SURE = (("x", ok("a", 0.99)), ("y", ok("a", 0.99)))
SPLIT = (("x", ok("a", 0.7)), ("y", ok("b", 0.6)))
HESITANT = (("x", ok("a", 0.5)), ("y", ABSTAINED))


def resolved(*items):
    rows = [
        resolve(plan(f"i{n}", content_hash=f"h{n}"), heard, LABEL) for n, heard in enumerate(items)
    ]
    return list(RESOLUTIONS.rows(rows_to_arrow(RESOLUTIONS, rows)))


def queue(rows, kinds=None, copies=None, impacts=None, judged=(), max_rows=100, **more):
    return review_queue(rows, kinds or {}, copies or {}, impacts or {}, judged, max_rows, **more)


def test_every_resolved_answer_may_be_asked_about_but_those_that_were_judged() -> None:
    rows = resolved(SURE, SPLIT, SPLIT, HESITANT)
    asked = queue(rows, judged=[("h1", "t"), ("h2", "another task")])
    assert {row.item_id for row in asked} == {"i0", "i2", "i3"}
    assert [row.place for row in asked] == [1, 2, 3]
    assert {row.item_id: str(row.triage) for row in asked}["i0"] == "accept"
    assert {row.chance for row in asked} == {1.0}


def test_value_is_risk_times_impact_times_what_it_teaches() -> None:
    rows = resolved(SPLIT, SPLIT, SPLIT, HESITANT)
    asked = queue(rows)
    pattern = sorted((row for row in asked if row.item_id != "i3"), key=lambda row: -row.teaches)
    assert [round(row.teaches, 3) for row in pattern] == [1.0, 0.707, 0.577]
    for row in asked:
        assert row.value == row.error_risk * row.impact * row.teaches
    copied = {row.item_id: row for row in queue(rows, copies={"i2": 9})}
    assert copied["i2"].impact == 9.0
    assert queue(rows, impacts={"t": 5.0})[0].impact == 5.0


def test_questions_come_by_priority_and_the_valuable_ones_are_the_probable() -> None:
    rows = resolved(*[SURE] * 300, *[SPLIT] * 100)
    asked = queue(rows, max_rows=60)
    assert [row.priority for row in asked] == sorted((r.priority for r in asked), reverse=True)
    assert all(row.priority > row.beyond for row in asked)
    assert all(row.chance == min(1.0, row.size / row.beyond) for row in asked)
    bands = Counter(str(row.triage) for row in asked)
    # a quarter of all answers are disputed, and far more than a quarter of the questions
    assert bands["accept"] > 3 and bands["accept"] < 30
    assert {row.audit for row in asked if str(row.triage) == "accept"} == {True}
    whole = queue(rows, max_rows=400)
    assert sum(row.size for row in whole) == pytest.approx(1.0)
    assert min(row.size for row in whole) >= 0.2 / 400


def test_the_cap_keeps_those_of_the_highest_priority_and_the_table_takes_them() -> None:
    rows = resolved(*[SPLIT] * 5, HESITANT)
    whole, capped = queue(rows), queue(rows, max_rows=2)
    assert [row.item_id for row in capped] == [row.item_id for row in whole[:2]]
    assert {row.beyond for row in capped} == {whole[2].priority}
    assert {row.beyond for row in whole} == {0.0}
    assert rows_to_arrow(REVIEW_QUEUE, capped).num_rows == 2


def test_what_was_answered_is_kept_with_its_probability_and_a_round_begins() -> None:
    rows = resolved(*[SURE] * 30, *[SPLIT] * 20)
    first = queue(rows, max_rows=20)
    assert queue(rows, max_rows=20, before=first) == first
    said = {(row.content_hash, "t") for row in first[:8]}
    second = queue(rows, max_rows=20, judged=said, before=first, answered=said)
    closed = [row for row in second if row.probability is not None]
    asked = [row for row in second if row.probability is None]
    assert {(row.content_hash, "t") for row in closed} == said
    assert {row.place for row in closed} == {0} and {row.round for row in closed} == {1}
    threshold = first[8].priority
    for row in closed:
        assert row.probability == min(1.0, row.size / threshold)
    assert [row.place for row in asked] == list(range(1, 21))
    assert {row.round for row in asked} == {2}
    assert not {(row.content_hash, "t") for row in asked} & said
    # nothing new was said: the same again
    assert queue(rows, max_rows=20, judged=said, before=second, answered=said) == second
    assert [line.values["item"] for line in read_lines("q.csv", as_csv(second))] == [
        row.item_id for row in asked
    ]


def test_answers_without_a_risk_are_asked_about_when_a_kind_was_found() -> None:
    text = task(AnswerKind.TEXT, disagree_at=0.8)
    row = resolve(plan("i"), (("x", ok("in Lisbon")), ("y", ok("in Porto"))), text)
    rows = list(RESOLUTIONS.rows(rows_to_arrow(RESOLUTIONS, [row])))
    assert queue(rows) == []
    (asked,) = queue(rows, kinds={("i", "t"): ["entity_conflict"]})
    assert (asked.error_risk, asked.kinds) == (0.5, ("entity_conflict",))


def test_the_files_are_what_the_verdict_reader_takes() -> None:
    asked = queue(resolved(SPLIT, HESITANT))
    for name, data in (("q.csv", as_csv(asked)), ("q.jsonl", as_jsonl(asked))):
        lines = read_lines(name, data)
        assert [line.values["item"] for line in lines] == [row.item_id for row in asked]
        assert {line.values["verdict"] for line in lines} == {""}
        assert [line.values["content_hash"] for line in lines] == [
            row.content_hash for row in asked
        ]


def test_ids_that_read_like_numbers_stay_text_and_are_read_back() -> None:
    asked = [
        replace(row, item_id=identity, content_hash=identity * 2)
        for row, identity in zip(
            queue(resolved(SPLIT, HESITANT)), ["0012345678901234", "1234e56789012345"], strict=True
        )
    ]
    data = as_csv(asked)
    for cells in list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))):
        with pytest.raises(ValueError, match="could not convert"):
            float(cells["item"])
    lines = read_lines("q.csv", data)
    assert [line.values["item"] for line in lines] == [row.item_id for row in asked]
    assert [line.values["content_hash"] for line in lines] == [row.content_hash for row in asked]


def test_no_cell_is_a_formula_to_a_spreadsheet() -> None:
    hostile = (("x", ok('=HYPERLINK("http://example.org")', 0.6)), ("y", ok("@cmd", 0.5)))
    rows = resolved(hostile)
    rows[0] = replace(rows[0], path="+1.txt")
    text = as_csv(queue(rows)).decode("utf-8-sig")
    for cells in list(csv.reader(io.StringIO(text)))[1:]:
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    (line,) = as_jsonl(queue(rows)).decode().splitlines()
    assert json.loads(line)["path"] == "+1.txt"
