"""How what was said about parts becomes one reading, by kind of answer, and what failures do."""

from dataclasses import replace

import pytest

from orchestration_assets.processing.part_joins import joined_reading
from orchestration_assets.processing.part_said import PartSaid
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.parts import JoinBy, MissingParts, PartsBy, TaskParts
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField

FAILED = Reading(Status.TIMEOUT, reason="no answer within 1 s")
SILENT = Reading(Status.ABSTAINED, reason="nothing to see")
ENTRY = (RecordField("who", FieldType.TEXT, required=True), RecordField("sum", FieldType.NUMBER))
FIELDS = (
    RecordField("title", FieldType.TEXT, required=True),
    RecordField("duties", FieldType.LIST, fields=ENTRY),
)


def task(kind: AnswerKind, join: JoinBy, missing: MissingParts = MissingParts.FAIL) -> Task:
    parts = TaskParts(PartsBy.SECTIONS, join, missing=missing)
    fields = FIELDS if kind is AnswerKind.RECORD else ()
    return Task("t", "1", kind, fields=fields, parts=parts)


def said(*answers, sizes=()) -> list[PartSaid]:
    """Readings, or answers with their confidence."""
    readings = [
        one if isinstance(one, Reading) else Reading(Status.OK, one[0], one[1]) for one in answers
    ]
    return [
        PartSaid(n, f"section {n}", sizes[n - 1] if sizes else 10, reading)
        for n, reading in enumerate(readings, start=1)
    ]


def join(kind, way, *answers, missing=MissingParts.FAIL, sizes=()) -> Reading:
    return joined_reading(said(*answers, sizes=sizes), task(kind, way, missing))


def test_the_label_with_the_most_confidence_wins_and_the_others_are_alternatives() -> None:
    found = join(AnswerKind.LABEL, JoinBy.VOTE, ("a", 0.4), ("b", 0.9), ("a", 0.3), SILENT)
    assert (found.answer, found.alternatives[0].answer) == ("b", "a")
    assert found.confidence == pytest.approx(0.9 / 1.6 * 0.9)
    unanimous = join(AnswerKind.LABEL, JoinBy.VOTE, ("a", 0.8), ("a", 0.8))
    assert (unanimous.answer, unanimous.confidence) == ("a", 0.8)
    assert join(AnswerKind.LABEL, JoinBy.FIRST, SILENT, ("b", 0.2), ("a", 0.9)).answer == "b"


def test_a_score_is_the_weighted_median() -> None:
    found = join(AnswerKind.SCORE, JoinBy.VOTE, (0.0, 0.9), (0.4, 0.9), (1.0, 0.9))
    assert (found.answer, found.confidence) == (0.4, 0.9)
    assert join(AnswerKind.SCORE, JoinBy.VOTE, (0.0, 0.9), (1.0, 0.1)).answer == 0.0


def test_sets_are_united_or_kept_where_most_parts_name_them() -> None:
    sets = ((("x", "y"), 0.9), (("y",), 0.9), (("z", "y"), 0.1))
    assert join(AnswerKind.SET, JoinBy.UNION, *sets).answer == ("y", "x", "z")
    assert join(AnswerKind.SET, JoinBy.VOTE, *sets).answer == ("y",)


def test_texts_follow_one_another() -> None:
    assert join(AnswerKind.TEXT, JoinBy.CONCATENATION, ("a", 1.0), SILENT, ("b", 0.5)).answer == (
        "a\n\nb"
    )


def record(title=None, *duties, quotes=(), ungrounded=()) -> RecordAnswer:
    entries = tuple(RecordAnswer((("who", who), ("sum", amount))) for who, amount in duties)
    values = (*((("title", title),) if title else ()), *((("duties", entries),) if entries else ()))
    return RecordAnswer(values, quotes, ungrounded)


def test_lists_of_records_are_united_and_quotes_move_with_their_values() -> None:
    first = record("A", ("x", 1.0), quotes=(("title", "A"), ("duties[0].sum", "one")))
    second = record(
        "B",
        ("x", 1.0),
        ("y", 2.0),
        quotes=(("duties[1].sum", "two"), ("duties[0].who", "x"), ("title", "B")),
        ungrounded=("duties[1].sum",),
    )
    found = join(AnswerKind.RECORD, JoinBy.UNION, (first, 0.5), (second, 0.9)).answer
    assert found.get("title") == "B"
    assert found.get("duties") == record(None, ("x", 1.0), ("y", 2.0)).get("duties")
    quotes = (("title", "B"), ("duties[0].sum", "one"), ("duties[1].sum", "two"))
    assert (found.quotes, found.ungrounded) == (quotes, ("duties[1].sum",))
    by_field = join(AnswerKind.RECORD, JoinBy.FIRST, (record(None, ("y", 2.0)), 0.5), (first, 0.5))
    assert by_field.answer.get("title") == "A"
    assert by_field.answer.get("duties") == record(None, ("y", 2.0)).get("duties")
    lacking = join(AnswerKind.RECORD, JoinBy.UNION, (record(None, ("y", 2.0)), 0.5))
    assert lacking.status is Status.OK
    assert lacking.reason == "no part gives title, which is required"


def test_a_part_that_failed_fails_the_whole_and_is_named() -> None:
    found = join(AnswerKind.LABEL, JoinBy.VOTE, ("a", 0.9), FAILED)
    assert (found.status, found.answer) == (Status.TIMEOUT, None)
    assert found.reason == "1 of 2 parts have no answer: part 2 (section 2): no answer within 1 s"
    held = Reading(Status.OVER_BUDGET, reason="too dear")
    assert join(AnswerKind.LABEL, JoinBy.VOTE, FAILED, held).status is Status.OVER_BUDGET


def test_the_others_are_joined_where_the_policy_has_it_so_and_are_less_sure() -> None:
    answers = (("a", 0.8), FAILED, ("a", 0.8))
    found = join(
        AnswerKind.LABEL, JoinBy.VOTE, *answers, missing=MissingParts.ANSWER, sizes=(50, 25, 25)
    )
    assert (found.status, found.answer) == (Status.OK, "a")
    assert found.confidence == pytest.approx(0.6)
    assert "part 2 (section 2)" in found.reason
    for alone in ((FAILED, FAILED), (("a", 0.8), Reading(Status.DEFERRED, reason="down"))):
        answer = join(AnswerKind.LABEL, JoinBy.VOTE, *alone, missing=MissingParts.ANSWER)
        assert answer.status is alone[-1].status


def test_silence_everywhere_is_an_abstention_with_its_reason() -> None:
    found = join(AnswerKind.LABEL, JoinBy.VOTE, SILENT, SILENT)
    assert (found.status, found.reason) == (
        Status.ABSTAINED,
        "none of 2 parts gives an answer: nothing to see",
    )
    none = joined_reading([], task(AnswerKind.LABEL, JoinBy.VOTE))
    assert none.status is Status.ABSTAINED


def test_an_answer_of_another_service_marks_the_whole() -> None:
    instead = replace(Reading(Status.OK, "a", 0.9), status=Status.FALLBACK, reason="other answers")
    found = join(AnswerKind.LABEL, JoinBy.VOTE, ("a", 0.9), instead)
    assert (found.status, found.answer) == (Status.FALLBACK, "a")
    assert "1 of 2 parts are answered by another service" in found.reason
