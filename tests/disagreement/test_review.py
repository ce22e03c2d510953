"""The queue: what enters, in which order, and the files that people fill in."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration_assets.content.listed_answers import can_be_listed, listed, named_answer
from orchestration_assets.content.verdict_files import read_lines
from orchestration_assets.disagreement.resolution import ResolutionRules, resolve
from orchestration_assets.disagreement.review import (
    QuestionDispute,
    QuestionFacts,
    disputes_of,
    review_queue,
)
from orchestration_assets.disagreement.review_contents import (
    MOST_SHOWN,
    QuestionContent,
    question_contents,
    with_reasons,
)
from orchestration_assets.disagreement.review_files import as_csv, as_jsonl
from orchestration_assets.schemas.disagreement import QueuedReading
from orchestration_assets.schemas.enums import AnswerKind, Consequence, ResolutionPolicy
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    PROCESSING_PLANS,
    RESOLUTIONS,
    REVIEW_QUEUE,
    DisagreementRow,
)
from orchestration_assets.text.content_excerpts import ContentExcerpt, ExcerptPiece
from tests.content.test_spreadsheets import hexadecimal, number_like, through_a_spreadsheet
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
    return rows_to_arrow(RESOLUTIONS, rows)


def queue(rows, facts=None, copies=None, impacts=None, judged=(), max_rows=100, **more):
    return review_queue(
        rows, facts or QuestionFacts(), copies or {}, impacts or {}, judged, max_rows, **more
    )


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
    closed = [row for row in second if row.probability]
    kept = [row for row in second if row.probability == 0.0]
    assert {row.content_hash for row in kept} == {row.content_hash for row in first[8:]}
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
    assert [line.values["item"] for line in read_lines("q.csv", as_csv(second, {}))] == [
        row.item_id for row in asked
    ]


GRAVE = QuestionDispute(0.6, ("one says Lisbon, the other Porto",))
HARMLESS = QuestionDispute(0.0, ())


def test_answers_without_a_risk_are_asked_about_when_services_disagree_with_a_consequence() -> None:
    text = task(AnswerKind.TEXT, disagree_at=0.8)
    row = resolve(plan("i"), (("x", ok("in Lisbon")), ("y", ok("in Porto"))), text)
    rows = rows_to_arrow(RESOLUTIONS, [row])
    kinds = {("i", "t"): ["entity_conflict"]}
    assert queue(rows) == []
    assert queue(rows, QuestionFacts(kinds=kinds)) == []
    assert queue(rows, QuestionFacts(kinds=kinds, disputes={("i", "t"): HARMLESS})) == []
    facts = QuestionFacts({"t": text}, kinds, {("i", "t"): GRAVE})
    (asked,) = queue(rows, facts)
    assert (asked.error_risk, asked.kinds) == (0.3, ("entity_conflict",))
    assert (asked.severity, asked.disputes) == (0.6, GRAVE.sentences)
    assert asked.choices == ("in Lisbon", "in Porto")


def test_a_dispute_with_a_consequence_comes_before_one_without() -> None:
    rows = resolved(*[SPLIT] * 400)
    disputes = {(f"i{n}", "t"): GRAVE if n % 2 else HARMLESS for n in range(400)}
    asked = queue(rows, QuestionFacts(disputes=disputes), max_rows=100)
    assert {row.value for row in asked if row.severity == 0.0} == {0.0}
    grave = [row.severity > 0.0 for row in asked]
    # what is harmless comes in by the audit share alone: a tenth of all, before and after
    assert sum(grave) / len(grave) > 0.8 and sum(grave[:50]) >= 40
    whole = queue(rows, QuestionFacts(disputes=disputes), max_rows=400)
    sizes = {row.severity > 0.0: row.size for row in sorted(whole, key=lambda row: row.size)}
    least = min(row.size for row in whole if row.severity > 0.0)
    assert least > sizes[False] == pytest.approx(0.2 / 400)


def test_disputes_are_of_consequence_and_said_by_the_gravest() -> None:
    row = disagreement(severity=0.2, sentence="a little", consequence=Consequence.OTHER_BAND)
    graver = replace(row, severity=0.7, sentence="a lot", service_a="b")
    harmless = replace(row, severity=0.0, sentence="a hair", consequence=Consequence.NONE)
    assert disputes_of([row, harmless, graver]) == {
        ("i", "t"): QuestionDispute(0.7, ("a lot", "a little"))
    }
    assert disputes_of([harmless]) == {("i", "t"): HARMLESS}


def disagreement(**given) -> DisagreementRow:
    usual = {
        "batch": "b", "item_id": "i", "content_hash": "h", "path": "p", "task": "t",
        "service_a": "x", "answer_a": "1", "confidence_a": None, "service_b": "y", "answer_b": "2",
        "confidence_b": None, "kind": "score_gap", "distance": 0.5, "only_a": (), "only_b": (),
        "evidence": "", "basis": "",
    }  # fmt: skip
    return DisagreementRow(**(usual | given))


def test_the_labels_of_a_task_are_listed_in_their_order_and_other_answers_by_the_alphabet() -> None:
    labelled = replace(LABEL, labels=("b", "a", "c"), question="Which letter?")
    rows = resolved(SPLIT)
    (closed,) = queue(rows, QuestionFacts({"t": labelled}))
    assert (closed.question, closed.choices) == ("Which letter?", ("b", "a", "c"))
    assert "b, a, c" in closed.allowed
    many = replace(labelled, labels=tuple(f"l{n}" for n in range(27)))
    (open_set,) = queue(rows, QuestionFacts({"t": many}))
    assert open_set.choices == ("a", "b")
    long = (("x", ok("two\nlines", 0.7)), ("y", ok("w" * 201, 0.6)))
    assert queue(resolved(long), QuestionFacts({"t": LABEL}))[0].choices == ()


def test_the_sheet_holds_what_a_verdict_needs_and_a_letter_comes_back_as_its_answer() -> None:
    tasks = {"t": replace(LABEL, labels=("b", "a"), question="Which letter?")}
    content = QuestionContent(
        ContentExcerpt((ExcerptPiece("=line one\r\nand "), ExcerptPiece("a\x00", marked=True))),
        (("author", "Ann"),),
        "prose",
    )
    (row,) = with_reasons(
        queue(resolved(SPLIT), QuestionFacts(tasks, {}, {("i0", "t"): GRAVE})),
        {("i0", "t"): (("x", replace(ok("a", 0.7), evidence="it says “a”")), ("y", ok("b")))},
        quotes=True,
    )
    sheet = as_csv([row], {("i0", "t"): content}).decode("utf-8-sig")
    (cells,) = csv.DictReader(io.StringIO(sheet))
    assert list(cells)[:8] == [
        "verdict",
        "who",
        "when",
        "number",
        "question",
        "allowed",
        "choices",
        "content",
    ]
    assert cells["question"] == "Which letter?"
    assert cells["choices"] == "a) b\nb) a"
    assert cells["content"] == "'=line one\nand »a\ufffd«"
    assert cells["metadata"] == "author: Ann"
    assert cells["readings"].splitlines() == ["x: a (0.70) - it says “a”", "y: b (0.60)"]
    assert cells["differs"] == GRAVE.sentences[0]
    (line,) = as_jsonl([row], {("i0", "t"): content}).decode().splitlines()
    assert json.loads(line)["choices"] == ["b", "a"]
    for name, data in (("q.csv", sheet.encode()), ("q.jsonl", line.encode())):
        (read,) = read_lines(name, data)
        assert named_answer("b)", listed(read.values["choices"]), ("b", "a")) == "a"


def test_evidence_is_left_out_where_content_is_not_shown() -> None:
    quoting = {("i0", "t"): (("x", replace(ok("a"), evidence="it says “a”")), ("y", ABSTAINED))}
    (row,) = with_reasons(queue(resolved(SPLIT)), quoting, quotes=False)
    assert [reading.reason for reading in row.readings] == [None, ABSTAINED.reason]


@given(
    number_like | hexadecimal,
    st.sampled_from(["letter", "dec1", "true", "t2e5"]),
    st.from_regex(r"\A20261128T205626Z-[0-9a-f]{8}\Z"),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8-sig", "utf-16"]),
)
def test_what_is_read_back_survives_a_spreadsheet_in_any_dialect(
    identity, task_name, batch, delimiter, encoding
) -> None:
    (row,) = queue(resolved(SPLIT))
    row = replace(row, item_id=identity, content_hash=identity * 2, task=task_name, batch=batch)
    sheet = csv.reader(io.StringIO(as_csv([row], {}).decode("utf-8-sig"), newline=""))
    saved = io.StringIO()
    writer = csv.writer(saved, delimiter=delimiter)
    writer.writerows([through_a_spreadsheet(cell) for cell in cells] for cells in sheet)
    (line,) = read_lines("q.csv", saved.getvalue().encode(encoding))
    read = [line.values[name] for name in ("item", "content_hash", "task", "asked_in")]
    assert read == [identity, identity * 2, task_name, f"{batch}/1"]


class ReadItems:
    def __init__(self, *, hidden: bool = False) -> None:
        self.hidden = hidden
        self.read: list[str] = []

    def look_up(self, items) -> None:
        assert set(items)

    def excerpt(self, item_id: str, votes) -> ContentExcerpt:
        self.read.append(item_id)
        return ContentExcerpt((ExcerptPiece(item_id),))

    def metadata(self, item_id: str):
        return ()

    def description(self, item_id: str) -> str:
        return ""


def test_a_sheet_shows_the_content_of_the_questions_that_come_first() -> None:
    (row,) = queue(resolved(SPLIT))
    rows = [replace(row, item_id=f"i{n:04}", place=2_010 - n) for n in range(2_010)]
    items = ReadItems()
    shown = question_contents(rows, items, {})
    assert len(items.read) == MOST_SHOWN and items.read == sorted(items.read)
    assert shown["i0009", "t"].excerpt.note.startswith("not shown: this is none of the first 2,000")
    assert shown["i0010", "t"].excerpt.as_text() == "i0010"


def test_a_sheet_shows_the_passages_that_services_were_shown() -> None:
    shown = [
        RetrievedPassage("help", "v1", "rules.md", heading, 0, 9, 1.0, "d", text)
        for heading, text in (("Costs", "Five\neuro."), ("", "Write to ann@example.org. " * 40))
    ]
    plans = rows_to_arrow(
        PROCESSING_PLANS, [replace(plan("i0"), passages=tuple(shown)), replace(plan("i1"))]
    )
    rows = queue(resolved(SPLIT, SPLIT))
    contents = question_contents(rows, ReadItems(), {}, plans)
    first, second = contents["i0", "t"].passages
    assert first == "[1] rules.md, Costs: Five euro."
    assert second.startswith("[2] rules.md: Write to [EMAIL]. Write") and second.endswith("…")
    assert contents["i1", "t"].passages == ()
    sheet = as_csv(rows, contents).decode("utf-8-sig")
    cells = {one["item"]: one["passages"] for one in csv.DictReader(io.StringIO(sheet))}
    assert cells == {"i0": f"{first}\n{second}", "i1": ""}
    lines = [json.loads(line) for line in as_jsonl(rows, contents).decode().splitlines()]
    assert {one["item"]: one["passages"] for one in lines} == {"i0": [first, second], "i1": []}
    hidden = question_contents(rows, ReadItems(hidden=True), {}, plans)
    assert hidden["i0", "t"].passages == ("[1] rules.md", "[2] rules.md")


_hostile = st.text(st.characters(codec="utf-8"), max_size=40) | st.from_regex(
    r"\A[ \t\r\n]*[=+\-@\uff1d].{0,9}\Z"
)


@given(_hostile, _hostile, st.lists(_hostile, max_size=3))
@example("", "", ["two\u00a0words", "soft\u00adhyphen", "\u202edesrever"])
def test_whatever_content_holds_the_sheet_has_one_line_a_question_and_no_formula(
    said, content, choices
) -> None:
    (row,) = queue(resolved(SPLIT))
    row = replace(
        row,
        choices=tuple(one for one in choices if can_be_listed(one, 200)),
        readings=(QueuedReading("x", said, None, content),),
        disputes=(said,),
        path=content,
        question=said * 500,
    )
    shown = {
        ("i0", "t"): QuestionContent(ContentExcerpt((ExcerptPiece(content),)), ((said, said),))
    }
    sheet = as_csv([row], shown)
    (cells,) = csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"), newline=""))
    assert None not in cells and None not in cells.values()
    assert listed(cells["choices"]) == row.choices
    for cell in cells.values():
        assert len(cell) <= 8_001
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
        assert not set(cell) & set("\x00\x1b\r\u202e")
    (line,) = read_lines("q.csv", sheet)
    assert line.values["item"] == "i0"
    (line,) = read_lines("q.jsonl", as_jsonl([row], shown))
    assert line.values["item"] == "i0"


@pytest.mark.parametrize("policy", [ResolutionPolicy.PRESERVE_ALL, ResolutionPolicy.FAIL])
def test_labels_in_dispute_of_which_none_stands_belong_to_the_whole(policy) -> None:
    rules = ResolutionRules(policies={"t": policy})
    row = resolve(plan("i", content_hash="h"), SPLIT, LABEL, rules=rules)
    silent = resolve(plan("j", content_hash="k"), (("x", ABSTAINED),), LABEL, rules=rules)
    rows = rows_to_arrow(RESOLUTIONS, [row, silent])
    (asked,) = queue(rows)
    assert (asked.item_id, asked.answer, asked.error_risk) == ("i", None, 0.5)
    assert str(asked.triage) == "review"


def test_the_files_are_what_the_verdict_reader_takes() -> None:
    asked = queue(resolved(SPLIT, HESITANT))
    for name, data in (("q.csv", as_csv(asked, {})), ("q.jsonl", as_jsonl(asked, {}))):
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
    data = as_csv(asked, {})
    for cells in list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))):
        with pytest.raises(ValueError, match="could not convert"):
            float(cells["item"])
    lines = read_lines("q.csv", data)
    assert [line.values["item"] for line in lines] == [row.item_id for row in asked]
    assert [line.values["content_hash"] for line in lines] == [row.content_hash for row in asked]


def test_no_cell_is_a_formula_to_a_spreadsheet() -> None:
    hostile = (("x", ok('=HYPERLINK("http://example.org")', 0.6)), ("y", ok("@cmd", 0.5)))
    (row,) = RESOLUTIONS.rows(resolved(hostile))
    rows = rows_to_arrow(RESOLUTIONS, [replace(row, path="+1.txt")])
    text = as_csv(queue(rows), {}).decode("utf-8-sig")
    for cells in list(csv.reader(io.StringIO(text)))[1:]:
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    (line,) = as_jsonl(queue(rows), {}).decode().splitlines()
    assert json.loads(line)["path"] == "+1.txt"
