"""What people may choose from, and what a form says as a verdict."""

import pytest

from orchestration_assets.content.listed_answers import NONE_OF_THEM
from orchestration_assets.explorer.review_options import (
    VerdictFormError,
    answer_options,
    field_options,
    verdict_of,
)
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.record_answers import RecordAnswer, record_json, record_text
from orchestration_assets.schemas.tables import InterpretationRow
from tests.rows import row


def _reading(service: str, answer: str | None, **more: object) -> InterpretationRow:
    given = {"service": service, "answer": answer, "final": True, **more}
    return row(InterpretationRow, status=Status.OK if answer else Status.ABSTAINED, **given)


def _record(service: str, *values: tuple[str, object]) -> InterpretationRow:
    record = RecordAnswer(values)  # type: ignore[arg-type]
    return _reading(service, record_text(record), answer_record=record_json(record))


RECORDS = (
    _record("a", ("number", "17"), ("total", 12.5)),
    _record("b", ("number", "17"), ("total", 13.0)),
    _record("c", ("number", "18")),
)


def test_each_answer_stands_once_in_the_order_of_the_alphabet() -> None:
    earlier = _reading("s", "y", final=False)
    options = answer_options([_reading("r", "x"), earlier, _reading("t", None), _reading("s", "a")])
    assert [(one.shown, one.services) for one in options] == [("a", ("s",)), ("x", ("r",))]
    both = answer_options([_reading("r", "x"), _reading("s", "x")])
    assert [one.services for one in both] == [("r", "s")]


def test_answers_have_the_form_that_verdict_files_take() -> None:
    (members,) = answer_options([_reading("r", "a; b", answer_set=("a", "b"))])
    (score,) = answer_options([_reading("r", "0.5", answer_score=0.5)])
    assert (members.value, score.value) == (["a", "b"], 0.5)
    assert answer_options(RECORDS)[0].value == {"number": "17", "total": 12.5}


def test_a_record_is_judged_field_by_field() -> None:
    fields = field_options(RECORDS)
    assert [(one.name, [v.shown for v in one.values]) for one in fields] == [
        ("number", ["17", "18"]),
        ("total", ["12.5", "13.0", "no value"]),
    ]
    options = answer_options(RECORDS)

    def said(**form: str) -> object:
        return verdict_of(form, AnswerKind.RECORD, options, fields)

    assert said(**{"choice": "fields", "field-1": "2"}) == {"number": "18"}
    assert said(**{"choice": "fields", "field-2": "3"}) == {"total": None}
    both = {"choice": "fields", "field-1": "1", "field-2": "1", "field-2-own": " 14 "}
    assert said(**both) == {"number": "17", "total": "14"}
    assert said(choice="1") == options[0].value
    assert said(choice="own", own="number: 19") == "number: 19"
    for form in ({"choice": "fields"}, {"choice": "none"}, {"choice": "fields", "field-1": "9"}):
        with pytest.raises(VerdictFormError, match=r"^choice: "):
            said(**form)


def test_a_listed_choice_none_and_an_own_answer() -> None:
    options = answer_options([_reading("r", "x")])

    def said(**form: str) -> object:
        return verdict_of(form, AnswerKind.LABEL, options, (), ("x", "y"))

    assert said(choice="label-2") == "y"
    assert said(choice="none") == NONE_OF_THEM
    assert said(choice="own", own=" z ") == "z"
    assert said(own="z") == "z"
