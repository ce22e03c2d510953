"""Answers of every kind: as values, as text for people, and as columns of a table."""

from math import isfinite
from typing import Any, Final, Protocol

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.record_answers import (
    RecordAnswer,
    is_storable_record,
    record_json,
    record_of,
    record_text,
)
from orchestration_assets.schemas.storable_values import whole_text

# label, text: str; set: members in the order of their weight; score: float; vector: components;
# record: named values
Answer = str | float | tuple[str, ...] | tuple[float, ...] | RecordAnswer

ANSWER_COLUMNS: Final = ("answer", "answer_set", "answer_score", "answer_vector", "answer_record")
_SHOWN_DIGITS: Final = 4
_FLOAT32_MAX: Final = (2 - 2**-23) * 2.0**127


def is_answer(value: Answer | None) -> bool:
    """Whether there is an answer: an empty text, set, vector or record is none, a score of 0 is."""
    return isinstance(value, float) or bool(value)


def shown(answer: Answer | None) -> str | None:
    """An answer as one line of text: members joined by '; ', a vector by its length only,
    a record as :func:`~orchestration_assets.schemas.record_answers.record_text` writes it."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, float):
        return f"{answer:.{_SHOWN_DIGITS}g}"
    if isinstance(answer, RecordAnswer):
        return record_text(answer)
    if answer and isinstance(answer[0], float):
        return f"vector of {len(answer)}"
    return "; ".join(str(member) for member in answer)


def answer_columns(answer: Answer | None) -> dict[str, Any]:
    """The answer spread over :data:`ANSWER_COLUMNS`; those of other kinds are None."""
    columns: dict[str, Any] = dict.fromkeys(ANSWER_COLUMNS)
    columns["answer"] = shown(answer)
    if isinstance(answer, float):
        columns["answer_score"] = answer
    elif isinstance(answer, RecordAnswer):
        columns["answer_record"] = record_json(answer)
    elif isinstance(answer, tuple) and answer:
        columns["answer_vector" if isinstance(answer[0], float) else "answer_set"] = answer
    return columns


class AnswerColumns(Protocol):
    """A record with the columns :data:`ANSWER_COLUMNS`."""

    @property
    def answer(self) -> str | None: ...
    @property
    def answer_set(self) -> tuple[str, ...] | None: ...
    @property
    def answer_score(self) -> float | None: ...
    @property
    def answer_vector(self) -> tuple[float, ...] | None: ...
    @property
    def answer_record(self) -> str | None: ...


def answer_of(row: AnswerColumns) -> Answer | None:
    """The answer that :func:`answer_columns` spread."""
    if row.answer_score is not None:
        return row.answer_score
    if row.answer_set is not None:
        return row.answer_set
    if row.answer_record is not None:
        return record_of(row.answer_record)
    return row.answer if row.answer_vector is None else row.answer_vector


def fits(answer: Any, kind: AnswerKind) -> bool:
    """Whether the value is one of the kind that a table can hold; any value may be asked about."""
    if kind in (AnswerKind.LABEL, AnswerKind.TEXT):
        return _is_whole(answer)
    if kind is AnswerKind.SCORE:
        return isinstance(answer, float) and isfinite(answer)
    if kind is AnswerKind.SET:
        return isinstance(answer, tuple) and all(map(_is_whole, answer))
    return is_storable_record(answer) if kind is AnswerKind.RECORD else is_vector(answer)


def is_vector(value: Any) -> bool:
    """Whether the value is a tuple of finite numbers of 32 bits."""
    if not isinstance(value, tuple) or not all(
        issubclass(one, float) for one in set(map(type, value))
    ):
        return False
    # a sum of finite numbers of 32 bits is finite, and one with an infinity or no number is not
    return not value or (
        isfinite(sum(value)) and max(value) <= _FLOAT32_MAX and min(value) >= -_FLOAT32_MAX
    )


def _is_whole(text: Any) -> bool:
    return isinstance(text, str) and whole_text(text) == text
