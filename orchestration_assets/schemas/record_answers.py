"""Structured answers: named values, lists of entries, and the quotes that values rest on.

A path names a value within a record: ``total``, ``lines[2].amount`` (entries count from 0),
``people[0]`` for an entry of a list of plain texts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, TypeAlias, TypeGuard

from orchestration_assets.schemas.record_fields import ENTRY
from orchestration_assets.schemas.storable_values import whole_text

FieldValue: TypeAlias = str | float | bool | tuple["RecordAnswer", ...]
"""A single value, or the entries of a list."""
_DIGITS: Final = 15
_FIELDS, _QUOTES, _UNGROUNDED, _ABSENT = "fields", "quotes", "ungrounded", "absent"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """Values by field, in the order in which the task declares the fields.

    A field without a value is left out. ``quotes`` maps paths to words of the content that the
    value rests on, as the service gave them; ``ungrounded`` are the paths whose quotes do not stand
    in the content. ``absent``: fields of which a person says that they have no value. Only the
    outermost record has any of these.
    """

    values: tuple[tuple[str, FieldValue], ...]
    quotes: tuple[tuple[str, str], ...] = ()
    ungrounded: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.absent)

    def get(self, name: str) -> FieldValue | None:
        """The value of a field; None where it has none."""
        return next((value for field, value in self.values if field == name), None)


def is_plain_entry(entry: RecordAnswer) -> bool:
    """Whether the entry of a list is a plain text."""
    return len(entry.values) == 1 and entry.values[0][0] == ENTRY


def leaves(record: RecordAnswer, before: str = "") -> Iterator[tuple[str, str | float | bool]]:
    """Every single value with its path, in order; an empty list has none."""
    for name, value in record.values:
        path = f"{before}.{name}" if before else name
        if not isinstance(value, tuple):
            yield path, value
            continue
        for number, entry in enumerate(value):
            place = f"{path}[{number}]"
            if is_plain_entry(entry):
                yield place, entry.values[0][1]  # type: ignore[misc]
            else:
                yield from leaves(entry, place)


_NUMBER: Final = re.compile(r"\[\d+\]")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def pattern_of(path: str) -> str:
    """The pattern of all values of the field: ``lines[].amount`` of ``lines[2].amount``."""
    return _NUMBER.sub("[]", path)


def value_at(record: RecordAnswer, path: str) -> "FieldValue | RecordAnswer | None":
    """The value, or the entry, that a path names; None where the record has none."""
    found: FieldValue | RecordAnswer | None = record
    for name, number in _STEP.findall(path):
        if number:
            entries = found if isinstance(found, tuple) else ()
            found = entries[int(number)] if int(number) < len(entries) else None
            if found is not None and is_plain_entry(found):
                found = found.values[0][1]
        else:
            found = found.get(name) if isinstance(found, RecordAnswer) else None
    return found


def record_text(record: RecordAnswer) -> str:
    """The record as one line for people: ``number: 17; lines: (item: pen; price: 2), (...)``."""
    said = [f"{name}: {value_text(value)}" for name, value in record.values]
    return "; ".join([*said, *(f"{name}: none" for name in record.absent)])


def value_text(value: "FieldValue | RecordAnswer") -> str:
    """One value as text for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, str):
        return value
    if isinstance(value, RecordAnswer):
        return record_text(value)
    if all(map(is_plain_entry, value)):
        return ", ".join(str(entry.values[0][1]) for entry in value) or "none"
    return ", ".join(f"({record_text(entry)})" for entry in value)


def record_json(record: RecordAnswer) -> str:
    """The record as tables hold it: ``{"fields": {...}, "quotes": {path: words},
    "ungrounded": [path], "absent": [field]}``, all but the first where there are any."""
    held: dict[str, Any] = {_FIELDS: plain_fields(record)}
    if record.quotes:
        held[_QUOTES] = dict(record.quotes)
    if record.ungrounded:
        held[_UNGROUNDED] = list(record.ungrounded)
    if record.absent:
        held[_ABSENT] = list(record.absent)
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def plain_fields(record: RecordAnswer) -> dict[str, Any]:
    """The values as JSON holds them."""
    return {name: _plain(value) for name, value in record.values}


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [entry.values[0][1] if is_plain_entry(entry) else plain_fields(entry) for entry in value]


def record_of(text: str) -> RecordAnswer:
    """The record that :func:`record_json` wrote. Raises ValueError for any other text."""
    held = json.loads(text)
    if not isinstance(held, dict) or not isinstance(held.get(_FIELDS), dict):
        raise ValueError("a structured answer must be a JSON object with the member 'fields'")
    quotes = held.get(_QUOTES, {})
    return RecordAnswer(
        _values(held[_FIELDS]),
        tuple(quotes.items()),
        tuple(held.get(_UNGROUNDED, ())),
        tuple(held.get(_ABSENT, ())),
    )


def _values(held: Mapping[str, Any]) -> tuple[tuple[str, FieldValue], ...]:
    return tuple((name, _value(value)) for name, value in held.items())


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(
            RecordAnswer(_values(entry) if isinstance(entry, dict) else ((ENTRY, entry),))
            for entry in value
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def is_storable_record(value: Any) -> TypeGuard[RecordAnswer]:
    """Whether the value is a record that tables can hold: whole text and finite numbers."""
    return (
        isinstance(value, RecordAnswer)
        and isinstance(value.values, tuple)
        and all(isinstance(name, str) and _is_storable(one) for name, one in value.values)
        and all(_is_whole(path) and _is_whole(words) for path, words in value.quotes)
        and all(map(_is_whole, (*value.ungrounded, *value.absent)))
    )


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return _is_whole(value)
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, tuple):
        return all(map(is_storable_record, value))
    return isinstance(value, bool)


def _is_whole(text: Any) -> bool:
    return isinstance(text, str) and whole_text(text) == text


def whole_record(record: RecordAnswer) -> RecordAnswer:
    """The record with whole characters only, whatever else it holds."""
    return RecordAnswer(
        tuple((_whole(name), _whole(value)) for name, value in record.values),
        tuple((_whole(path), _whole(words)) for path, words in record.quotes),
        tuple(map(_whole, record.ungrounded)),
        tuple(map(_whole, record.absent)),
    )


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, RecordAnswer):
        return whole_record(value)
    return tuple(map(_whole, value)) if isinstance(value, tuple) else value
