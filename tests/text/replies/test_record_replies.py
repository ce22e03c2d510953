"""Replies of language models, read as records."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.text.replies.answers import UnfitAnswerError, read_answer
from tests.evidence.records_drawn import FIELDS
from tests.fuzzing import fuzz
from tests.text.replies.test_record_values import anything

NEEDED = RecordField("total", FieldType.NUMBER, required=True, unit="EUR")
TASK = Task("t", "1", AnswerKind.RECORD, fields=(NEEDED, *FIELDS[3:]), quotes=True)


def test_a_record_is_found_in_what_a_model_writes_around_it() -> None:
    told = {"answer": {"Total": "1.234,50 EUR", "people": ["Ann"]}, "confidence": 0.9}
    told["quotes"] = [{"path": "total", "quote": "Total 1.234,50"}]
    for text in (json.dumps(told), f"Sure:\n```json\n{json.dumps(told)}\n```"):
        reading = read_answer(text, TASK)
        assert reading.status is Status.OK
        assert reading.confidence == 0.9
        assert isinstance(reading.answer, RecordAnswer)
        assert reading.answer.get("total") == 1234.5
        assert reading.answer.quotes == (("total", "Total 1.234,50"),)


def test_an_object_of_fields_alone_is_an_answer_too() -> None:
    reading = read_answer('{"total": 3, "confidence": 0.5}', TASK)
    assert reading.answer == RecordAnswer((("total", 3.0),))
    assert reading.confidence == 0.5


OWN = Task(
    "t", "1", AnswerKind.RECORD, fields=tuple(
        RecordField(name, FieldType.TEXT) for name in ("answer", "confidence", "quotes", "value")
    ), quotes=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values", "sure"),
    [
        ('{"answer": {"answer": "42", "confidence": "high"}, "confidence": 0.5}', "42 high", 0.5),
        ('[{"answer": {"answer": "42"}, "confidence": 0.5}]', "42", 0.5),
        ('Here:\n{"answer": {"answer": "42"}, "confidence": 0.5}', "42", 0.5),
        ('{"answer": "42", "confidence": "0.9", "value": "v"}', "42 0.9 v", None),
        ('{"answer": null, "confidence": "0.9", "value": "v"}', "0.9 v", None),
        ('{"confidence": "0.9", "quotes": "q", "value": "v"}', "0.9 q v", None),
        ('{"answer": null, "confidence": 0.9}', "", None),
    ],
)
def test_fields_may_have_the_names_of_what_stands_around_them(text, values, sure) -> None:
    reading = read_answer(text, OWN)
    found = reading.answer.values if isinstance(reading.answer, RecordAnswer) else ()
    assert " ".join(str(value) for _, value in found) == values
    assert reading.confidence == sure


def test_what_is_no_number_is_no_text_either() -> None:
    with pytest.raises(UnfitAnswerError, match='"answer" must be a text'):
        read_answer('{"answer": {"answer": NaN}}', OWN)


def test_quotes_nobody_asked_for_are_left_aside() -> None:
    plain = Task("t", "1", AnswerKind.RECORD, fields=(NEEDED,))
    told = '{"answer": {"total": 3}, "quotes": {"total": "3"}}'
    assert read_answer(told, plain).answer == RecordAnswer((("total", 3.0),))


def test_null_as_a_whole_declines() -> None:
    assert read_answer('{"answer": null, "confidence": 0.2}', TASK).status is Status.ABSTAINED


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"people": ["Ann"]}, '"total" is required: give a number in EUR'),
        ({"total": "much"}, '"total" must be a number in EUR'),
        ({"total": 1, "kind": "bill"}, '"kind" must be one of: invoice, letter'),
        ({"total": 1, "lines": [{"item": "a"}, 3]}, '"lines[1]" must be an object'),
        ({"total": 1, "lines": [{"amount": "x"}]}, '"lines[0].amount" must be a number'),
        ({"total": 1, "lines": [{"day": "31.2.2026"}]}, '"lines[0].day" must be a date'),
        ({"total": 1, "people": [["Ann"]]}, '"people[0]" must be a text'),
        ({"total": 1, "people": 3}, '"people" must be a list of texts'),
        ([1, 2], '"answer" must be an object with the fields'),
    ],
)
def test_the_message_that_asks_for_a_repair_names_the_path(answer, path) -> None:
    with pytest.raises(UnfitAnswerError) as caught:
        read_answer(json.dumps({"answer": answer, "confidence": 1}), TASK)
    assert path in str(caught.value)


@fuzz
@given(anything, st.sampled_from(["{}", '{{"answer": {}}}', "Here: {} .", "```json\n{}\n```"]))
def test_any_json_is_a_reading_or_an_error_that_can_be_told(value, frame) -> None:
    try:
        text = frame.replace("{{", "{").replace("}}", "}").replace("{}", json.dumps(value))
        reading = read_answer(text, TASK)
    except UnfitAnswerError as error:
        assert str(error)
        return
    assert reading.status in (Status.OK, Status.ABSTAINED)
