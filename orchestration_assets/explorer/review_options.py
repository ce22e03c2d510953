"""The answers that a person may choose from by a digit, and what a form says as a verdict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final, TypeVar

from orchestration_assets.content.listed_answers import NONE_OF_THEM
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.record_answers import plain_fields, record_of
from orchestration_assets.schemas.tables import InterpretationRow

MOST_OPTIONS: Final = 9
"""Answers that have a digit as their key."""
_LISTED: Final = "label-"
Value = TypeVar("Value")
_LONGEST_OWN: Final = 20_000


class VerdictFormError(OrchestrationError):
    """A form that says no verdict; the message has the field and the remedy."""


@dataclass(frozen=True, slots=True)
class AnswerOption:
    """One answer that services gave: ``value`` as a verdict file says it, ``shown`` for people,
    and who gave it."""

    value: Any
    shown: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What services say of one field of a record: each value once; None: the content has none."""

    name: str
    values: tuple[AnswerOption, ...]


def answer_options(readings: Sequence[InterpretationRow]) -> tuple[AnswerOption, ...]:
    """The different answers of final readings, in the order of the alphabet: the place of an
    answer shall not tell how many gave it."""
    by_answer: dict[str, tuple[Any, list[str]]] = {}
    for row in readings:
        if row.final and row.status is Status.OK and row.answer is not None:
            by_answer.setdefault(row.answer, (verdict_value(row), []))[1].append(row.service)
    return tuple(
        AnswerOption(value, shown, tuple(services))
        for shown, (value, services) in sorted(by_answer.items())
    )


def verdict_value(row: InterpretationRow) -> Any:
    """A reading's answer as a verdict file says it."""
    if row.answer_record is not None:
        return plain_fields(record_of(row.answer_record))
    if row.answer_set is not None:
        return list(row.answer_set)
    return row.answer if row.answer_score is None else row.answer_score


def field_options(readings: Sequence[InterpretationRow]) -> tuple[FieldOptions, ...]:
    """The different values of each field of records, in the order in which services name them."""
    records = [
        (row.service, plain_fields(record_of(row.answer_record)))
        for row in readings
        if row.final and row.status is Status.OK and row.answer_record is not None
    ]
    names = dict.fromkeys(name for _, record in records for name in record)
    found = []
    for name in names:
        by_value: dict[str, tuple[Any, list[str]]] = {}
        for service, record in records:
            value = record.get(name)
            by_value.setdefault(_in_words(value), (value, []))[1].append(service)
        values = tuple(
            AnswerOption(value, shown, tuple(services))
            for shown, (value, services) in sorted(by_value.items())
        )
        found.append(FieldOptions(name, values))
    return tuple(found)


def shown_mark(
    content_hash: str,
    options: Sequence[AnswerOption],
    fields: Sequence[FieldOptions],
    choices: Sequence[str],
) -> str:
    """A mark of all that a digit or a place may mean on a page: another one where any of it is
    another."""
    shown = [content_hash, *map(asdict, options), *map(asdict, fields), *choices]
    return blake2b(json.dumps(shown, default=str).encode(), digest_size=8).hexdigest()


def _in_words(value: Any) -> str:
    if value is None:
        return "no value"
    if isinstance(value, list):
        return f"[{', '.join(map(_in_words, value))}]"
    if isinstance(value, Mapping):
        return f"({'; '.join(f'{name}: {_in_words(one)}' for name, one in value.items())})"
    return str(value).lower() if isinstance(value, bool) else str(value)


def verdict_of(
    form: Mapping[str, str],
    kind: AnswerKind,
    options: Sequence[AnswerOption],
    fields: Sequence[FieldOptions],
    choices: Sequence[str] = (),
) -> Any:
    """What a form says: the option of ``choice``, one of the listed ``choices``, an answer of one's
    ``own``, that ``none`` is right, or of a record the values that were marked field by field.

    Raises VerdictFormError.
    """
    choice, own = form.get("choice", ""), form.get("own", "").strip()
    if choice == "none" and kind is not AnswerKind.RECORD:
        return NONE_OF_THEM
    if choice.startswith(_LISTED):
        return _at(choices, choice.removeprefix(_LISTED))
    if choice and choice not in ("own", "fields"):
        return _at(options, choice).value
    if len(own) > _LONGEST_OWN:
        raise VerdictFormError(f"own: has {len(own)} characters; give at most {_LONGEST_OWN}")
    if kind is AnswerKind.RECORD and choice != "own":
        marked = _marked(form, fields)
        if marked:
            return marked
    if not own:
        raise VerdictFormError("choice: choose an answer, or write one of your own")
    return own


def _at(of: Sequence[Value], number: str) -> Value:
    """What has the number, from 1. Raises VerdictFormError."""
    if not (number.isascii() and number.isdecimal()) or not 0 < int(number[:6]) <= len(of):
        raise VerdictFormError(f"choice: give a number from 1 to {len(of)}")
    return of[int(number[:6]) - 1]


def _marked(form: Mapping[str, str], fields: Sequence[FieldOptions]) -> dict[str, Any]:
    """The values of a record that a form marks, under ``field-1`` and so on."""
    marked = {}
    for number, field in enumerate(fields, 1):
        given = form.get(f"field-{number}", "")
        written = form.get(f"field-{number}-own", "").strip()
        if written:
            marked[field.name] = written
        elif given:
            marked[field.name] = _at(field.values, given).value
    return marked
