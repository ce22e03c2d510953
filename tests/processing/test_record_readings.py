"""Records as readings: what is kept of them, and under which key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import answer_key, decode, encode
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer, whole_record
from orchestration_assets.schemas.storable_readings import (
    UnfitReadingError,
    is_kept,
    kept_reading,
)
from orchestration_assets.services.identity import service_identity
from tests.ai_services.http.storing import stored
from tests.evidence.records_drawn import FIELDS, LINE, records
from tests.fuzzing import fuzz
from tests.processing.services import Scripted, ok
from tests.processing.test_storable_readings import values

ITEM = Item("i1", "0123456789abcdef", "notes/a.txt", "some text", {})
LABEL = Task("topic", "3", AnswerKind.LABEL, ("a", "b"), question="Which topic?")
RECORD = Task("facts", "1", AnswerKind.RECORD, fields=FIELDS)
SERVICE = Scripted("s", ok("a"), version="2", reads=frozenset({"path", "question"}))


def key(task: Task) -> str:
    return answer_key(Question(task, ITEM), SERVICE)


def test_a_task_without_fields_keeps_the_key_that_its_answers_were_kept_under() -> None:
    """What was paid for before there were records must not be asked again."""
    asked = Question(LABEL, ITEM)
    earlier = (("x", ok("a")), ("y", ok(("m", "n"))))
    assert answer_key(asked, SERVICE) == "37355ea921a90ed52333f114e1c7ddd0"
    assert (
        answer_key(replace(asked, earlier=earlier), SERVICE) == "10352e0e3fcf8c1ca2dfaeeab35e180d"
    )
    assert service_identity(SERVICE, LABEL) == "2 - fb589e4c"


def test_every_change_of_a_field_is_another_question() -> None:
    first = FIELDS[0]
    changed = [
        replace(first, name="other"),
        replace(first, required=True),
        replace(first, description="where it stands"),
        replace(FIELDS[2], unit="EUR"),
        replace(FIELDS[2], tolerance=0.5),
        replace(FIELDS[3], labels=("invoice", "reminder")),
        replace(FIELDS[5], fields=LINE[:2]),
        replace(FIELDS[5], fields=(replace(LINE[0], required=True), *LINE[1:])),
    ]
    tasks = [RECORD, replace(RECORD, quotes=True), replace(RECORD, fields=FIELDS[::-1])]
    tasks += [replace(RECORD, fields=(one, *FIELDS[1:])) for one in changed]
    assert len({key(task) for task in tasks}) == len(tasks)
    assert len({service_identity(SERVICE, task) for task in tasks}) == len(tasks)


def test_an_earlier_record_is_part_of_the_key() -> None:
    asked = Question(RECORD, ITEM)
    first, other = (ok(RecordAnswer((("total", number),))) for number in (1.0, 2.0))
    keys = {answer_key(replace(asked, earlier=(("x", one),)), SERVICE) for one in (first, other)}
    assert len(keys) == 2


quotes = st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=2).map(
    lambda given: tuple(given.items())
)


@given(records(), quotes, st.none() | st.floats(0, 1))
def test_a_record_survives_the_cache_exactly(record, quoted, confidence) -> None:
    answer = RecordAnswer(record.values, quoted, tuple(path for path, _ in quoted))
    reading = Reading(Status.OK, answer, confidence)
    assert decode(encode(reading)) == reading


@given(records())
def test_a_record_is_kept_whole(record) -> None:
    kept = kept_reading(Reading(Status.OK, record, 0.5), AnswerKind.RECORD)
    assert kept.answer == whole_record(record)
    assert is_kept(kept)
    stored(kept)


parts = values | st.lists(st.tuples(values, values), max_size=3).map(tuple)


@fuzz
@given(parts, parts, parts)
def test_whatever_stands_in_a_record_is_kept_whole_or_refused_in_words(held, quoted, loose) -> None:
    answer = RecordAnswer(held, quoted, loose)
    if not answer:
        return
    reading = Reading(Status.OK, answer, 0.5)
    is_kept(reading)
    try:
        kept = kept_reading(reading, AnswerKind.RECORD)
    except UnfitReadingError as error:
        str(error).encode()
        return
    assert is_kept(kept)
    stored(kept)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("text", AnswerKind.RECORD),
        ({"total": 1.0}, AnswerKind.RECORD),
        (RecordAnswer((("total", 1.0),)), AnswerKind.TEXT),
        (RecordAnswer((("total", float("nan")),)), AnswerKind.RECORD),
    ],
)
def test_an_answer_of_another_kind_is_refused(answer, kind) -> None:
    with pytest.raises(UnfitReadingError, match=f"which is no {kind}"):
        kept_reading(Reading(Status.OK, answer, 0.5), kind)
