"""Reads a model's JSON object as a record of the task's fields, tolerantly, field by field."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any, Final

from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.local_dates import LocalDateError, local_date
from orchestration_assets.text.plain_numbers import plain_number

_LONGEST_TEXT: Final = 4000
_MOST_ENTRIES: Final = 500
_MOST_IN_ALL: Final = 2_000
_MOST_QUOTES: Final = 500
_LONGEST_QUOTE: Final = 1000
_YEAR_OR_MONTH: Final = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?")
_TIMED: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ].*")
_NOTHING: Final = frozenset(
    {"", "-", "\u2013", "\u2014", "n/a", "na", "none", "null", "nil", "unknown", "not stated"}
    | {"not specified", "not available", "not given", "not found"}
)
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})


class FieldValueError(ValueError):
    """A value does not fit its field; the message names its path, and what would fit."""


def read_record(
    given: Mapping[str, Any], fields: Sequence[RecordField], quotes: Any = None
) -> RecordAnswer:
    """The record in an object. Raises FieldValueError for the first value that does not fit.

    Names of fields match without case and separators; members that are no field are passed over,
    but one of them must be a field. The record is empty where all fields are there without a value,
    required ones too. Values that say that there is none (null, an empty text, ``n/a``) are
    missing. ``quotes`` is a list of objects with ``path`` and ``quote``, or an object of these.
    """
    named = {_plain_name(field.name): field for field in fields}
    known = [
        (named[key], value) for name, value in given.items() if (key := _plain_name(name)) in named
    ]
    if not known:
        raise FieldValueError(f"has none of the members {', '.join(one.name for one in fields)}")
    if all(_is_nothing(value, field) or value == [] for field, value in known):
        return RecordAnswer(())
    record = RecordAnswer(_read(given, fields, ""), tuple(_quotes(quotes)))
    _bounded(record)
    return record


def _bounded(record: RecordAnswer) -> None:
    """Raises FieldValueError for a record whose lists, and those within them, hold too much."""
    left = _MOST_IN_ALL
    waiting = [record]
    while waiting:
        for name, value in waiting.pop().values:
            entries = value if isinstance(value, tuple) else ()
            left -= len(entries)
            if left < 0:
                raise FieldValueError(
                    f'"{name}" has too many entries: at most {_MOST_IN_ALL} in all lists together'
                )
            waiting += entries


def _read(
    given: Mapping[str, Any], fields: Sequence[RecordField], path: str
) -> tuple[tuple[str, FieldValue], ...]:
    by_name = {_plain_name(name): value for name, value in reversed([*given.items()])}
    found: list[tuple[str, FieldValue]] = []
    for field in fields:
        here = f"{path}.{field.name}" if path else field.name
        value = given.get(field.name, by_name.get(_plain_name(field.name)))
        read = None if _is_nothing(value, field) else _value(value, field, here)
        if read is None or read == ():
            if field.required:
                raise FieldValueError(f'"{here}" is required: give {_wanted(field)}')
            continue
        found.append((field.name, read))
    return tuple(found)


def read_field(value: Any, field: RecordField) -> FieldValue | None:
    """One value of a field; None where it says that there is none. Raises FieldValueError."""
    return None if _is_nothing(value, field) or value == [] else _value(value, field, field.name)


def _plain_name(name: Any) -> str:
    return "".join(letter for letter in str(name).casefold() if letter.isalnum())


def _is_nothing(value: Any, field: RecordField) -> bool:
    if isinstance(value, str):
        text = value.strip()
        return text.casefold() in _NOTHING and text not in field.labels
    return value is None


def _value(value: Any, field: RecordField, path: str) -> FieldValue | None:
    match field.type:
        case FieldType.LIST:
            return _entries(value, field, path)
        case FieldType.NUMBER:
            read: FieldValue | None = _number(value)
        case FieldType.DATE:
            read = _date(value)
        case FieldType.BOOLEAN:
            read = _boolean(value)
        case FieldType.LABEL:
            read = _label(value, field.labels)
        case _:
            read = _text(value)
    if read is None:
        raise FieldValueError(f'"{path}" must be {_wanted(field)}')
    return read


def _wanted(field: RecordField) -> str:
    match field.type:
        case FieldType.LIST:
            return "a list of texts" if field.plain else "a list of objects"
        case FieldType.NUMBER:
            return f"a number{f' in {field.unit}' if field.unit else ''}"
        case FieldType.DATE:
            return "a date as yyyy-mm-dd"
        case FieldType.BOOLEAN:
            return "true or false"
        case FieldType.LABEL if field.labels:
            return f"one of: {', '.join(field.labels)}"
        case _:
            return f"a text of at most {_LONGEST_TEXT} characters"


def _entries(value: Any, field: RecordField, path: str) -> tuple[RecordAnswer, ...]:
    if isinstance(value, Mapping | str):
        value = [value]
    if not isinstance(value, Sequence) or len(value) > _MOST_ENTRIES:
        wanted = f"{_wanted(field)}, at most {_MOST_ENTRIES}"
        raise FieldValueError(f'"{path}" must be {wanted}')
    return tuple(
        entry
        for number, one in enumerate(value)
        if one is not None and (entry := _entry(one, field, f"{path}[{number}]"))
    )


def _entry(value: Any, field: RecordField, path: str) -> RecordAnswer:
    if field.plain:
        if isinstance(value, Mapping):
            # an object around the text
            value = next(iter(value.values()), None) if len(value) == 1 else value
        if _is_nothing(value, field.fields[0]):
            return RecordAnswer(())
        text = _text(value)
        if text is None:
            raise FieldValueError(f'"{path}" must be {_wanted(field.fields[0])}')
        return RecordAnswer(((ENTRY, text),))
    if not isinstance(value, Mapping):
        raise FieldValueError(f'"{path}" must be an object')
    return RecordAnswer(_read(value, field.fields, path))


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and not isfinite(value):
        return None
    text = " ".join(whole_text(str(value)).split())
    return text if text and len(text) <= _LONGEST_TEXT else None


def _label(value: Any, labels: Sequence[str]) -> str | None:
    if isinstance(value, bool):
        value = str(value).lower()
    text = _text(value)
    if text is None or not labels or text in labels:
        return text
    folded = [label for label in labels if label.casefold() == text.casefold()]
    return folded[0] if len(folded) == 1 else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return plain_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold() if isinstance(value, str | int) else ""
    return True if text in _TRUE else False if text in _FALSE else None


def _date(value: Any) -> str | None:
    """The date in ISO 8601: a year, a month or a day, as precise as it is given."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _YEAR_OR_MONTH.fullmatch(text):
        return text
    if (timed := _TIMED.fullmatch(text)) is not None:
        text = timed[1]
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else _local(text)
    except ValueError:
        return _local(text)


def _local(text: str) -> str | None:
    try:
        return local_date(text).date().isoformat()
    except (LocalDateError, ValueError):
        return None


def _quotes(given: Any) -> list[tuple[str, str]]:
    """Paths and quotes, each path once; whatever is none is passed over: an answer does not fail
    for what it rests on."""
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, Sequence) and not isinstance(given, str):
        pairs = [(one.get("path"), one.get("quote")) for one in given if isinstance(one, Mapping)]
    else:
        pairs = []
    found: dict[str, str] = {}
    for path, quote in pairs[:_MOST_QUOTES]:
        if isinstance(path, str) and isinstance(quote, str) and quote.strip():
            words = whole_text(" ".join(quote.split()))[:_LONGEST_QUOTE]
            found.setdefault(whole_text(path.strip()), words)
    return list(found.items())
