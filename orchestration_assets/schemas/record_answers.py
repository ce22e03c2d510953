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
_ENTRIES, _PATH, _STOOD, _SAID, _THERE = "entries", "path", "stood", "said", "there"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """Values by field, in the order in which the task declares the fields.

    A field without a value is left out. ``quotes`` maps paths to words of the content that the
    value rests on, as the service gave them; ``ungrounded`` are the paths whose quotes do not stand
    in the content. ``absent``: fields of which a person says that they have no value; ``entries``:
    what a person says of single entries of lists. Only the outermost record has any of these, and
    what is said of one entry its own ``absent``.
    """

    values: tuple[tuple[str, FieldValue], ...]
    quotes: tuple[tuple[str, str], ...] = ()
    ungrounded: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    entries: tuple["EntryVerdict", ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.absent or self.entries)

    def get(self, name: str) -> FieldValue | None:
        """The value of a field; None where it has none."""
        return next((value for field, value in self.values if field == name), None)


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    """What a person says of one entry of a list.

    ``path`` names it as people saw it: ``lines[2]``, and ``lines[+]`` for one that was missing.
    ``stood``: the entry as it stood there then, None for one that was missing; by that it is found
    again among other answers, whatever its place. ``said``: the fields that are judged, with their
    values or as ``absent``. ``there``: whether there is such an entry at all.
    """

    path: str
    stood: RecordAnswer | None
    said: RecordAnswer
    there: bool = True

    @property
    def name(self) -> str:
        """The field that is the list."""
        return self.path.partition("[")[0]

    @property
    def anchor(self) -> RecordAnswer:
        """What other answers are searched for."""
        return self.said if self.stood is None else self.stood

    @property
    def corrected(self) -> RecordAnswer:
        """The entry as it should be, as far as that is known."""
        return overridden(self.stood or RecordAnswer(()), self.said)


def overridden(entry: RecordAnswer, said: RecordAnswer) -> RecordAnswer:
    """An entry with what is said of some of its fields; the others keep their values."""
    values = dict(entry.values) | dict(said.values)
    return RecordAnswer(tuple((k, v) for k, v in values.items() if k not in said.absent))


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
    said += [f"{name}: none" for name in record.absent]
    return "; ".join([*said, *(text for one in record.entries for text in _entry_texts(one))])


def _entry_texts(one: EntryVerdict) -> list[str]:
    """What is said of an entry, as people write it."""
    if not one.there:
        return [f"{one.path}: none"]
    if is_plain_entry(one.said):
        return [f"{one.path}: {one.said.values[0][1]}"]
    if one.stood is None:
        return [f"{one.path}: ({record_text(one.said)})"]
    said = [f"{one.path}.{name}: {value_text(value)}" for name, value in one.said.values]
    return [*said, *(f"{one.path}.{name}: none" for name in one.said.absent)] or [one.path]


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
    "ungrounded": [path], "absent": [field], "entries": [...]}``, all but the first where there are
    any."""
    held: dict[str, Any] = {_FIELDS: plain_fields(record)}
    if record.quotes:
        held[_QUOTES] = dict(record.quotes)
    if record.ungrounded:
        held[_UNGROUNDED] = list(record.ungrounded)
    if record.absent:
        held[_ABSENT] = list(record.absent)
    if record.entries:
        held[_ENTRIES] = [_entry_plain(one) for one in record.entries]
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _entry_plain(one: EntryVerdict) -> dict[str, Any]:
    return {
        _PATH: one.path,
        _STOOD: None if one.stood is None else plain_fields(one.stood),
        _SAID: plain_fields(one.said),
        _ABSENT: list(one.said.absent),
        _THERE: one.there,
    }


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
    if not isinstance(quotes, dict):
        raise ValueError("the quotes of a structured answer must be a JSON object")
    return RecordAnswer(
        _values(held[_FIELDS]),
        tuple(quotes.items()),
        tuple(held.get(_UNGROUNDED, ())),
        tuple(held.get(_ABSENT, ())),
        tuple(map(_entry_of, held.get(_ENTRIES, ()))),
    )


def _entry_of(held: Mapping[str, Any]) -> EntryVerdict:
    stood = held[_STOOD]
    return EntryVerdict(
        held[_PATH],
        None if stood is None else RecordAnswer(_values(stood)),
        RecordAnswer(_values(held[_SAID]), absent=tuple(held[_ABSENT])),
        held[_THERE],
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
        and _is_shaped(value)
        and all(isinstance(name, str) and _is_storable(one) for name, one in value.values)
        and all(_is_whole(path) and _is_whole(words) for path, words in value.quotes)
        and all(map(_is_whole, (*value.ungrounded, *value.absent)))
    )


def _is_shaped(record: RecordAnswer) -> bool:
    """Whether its parts are what their types say, as those of a service of one's own may not be."""
    pairs, paths = (record.values, record.quotes), (record.ungrounded, record.absent)
    return all(isinstance(part, tuple) for part in (*pairs, *paths)) and all(
        isinstance(pair, tuple) and len(pair) == 2 for part in pairs for pair in part
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
    if not _is_shaped(record):
        return record
    return RecordAnswer(
        tuple((_whole(name), _whole(value)) for name, value in record.values),
        tuple((_whole(path), _whole(words)) for path, words in record.quotes),
        tuple(map(_whole, record.ungrounded)),
        tuple(map(_whole, record.absent)),
        record.entries,
    )


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, RecordAnswer):
        return whole_record(value)
    return tuple(map(_whole, value)) if isinstance(value, tuple) else value
