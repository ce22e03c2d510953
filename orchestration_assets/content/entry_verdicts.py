"""Verdicts about single entries of lists: ``lines[2].amount: 10``, ``lines[2]: none``,
``lines[+]: {...}``.

A path names an entry by its place in what stands, as pages and ``disagreements.fields`` show it.
The entry is kept with the verdict as it stood, and found again by its content.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from orchestration_assets.schemas.record_answers import EntryVerdict, FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField
from orchestration_assets.text.replies.record_values import FieldValueError, read_field

NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_PATH: Final = re.compile(rf"({NAME})\[(\d{{1,6}}|\+)\](?:\.({NAME}))?")
MISSED: Final = "+"


class EntryVerdictError(ValueError):
    """A verdict that judges no entry of the task; the message has the remedy."""


def is_entry_path(path: str) -> bool:
    """Whether a path names an entry of a list, or a part of one."""
    return "[" in path


def read_entry_verdicts(
    said: Sequence[tuple[str, Any]],
    named: Mapping[str, RecordField],
    standing: RecordAnswer | None,
) -> tuple[EntryVerdict, ...]:
    """What is said of single entries, in the order in which they are named first; of one entry, all
    in one. ``standing``: the record that stands, None where none is known.

    Raises EntryVerdictError.
    """
    found: dict[str, EntryVerdict] = {}
    for number, (path, value) in enumerate(said):
        one = _read(path, value, named, standing)
        key = f"{one.path}{number}" if one.stood is None else one.path
        found[key] = joined(found[key], one) if key in found else one
    return tuple(found.values())


def joined(before: EntryVerdict, after: EntryVerdict) -> EntryVerdict:
    """Two verdicts about the same entry: of each field, the later one."""
    if not (before.there and after.there):
        return after
    values = dict(before.said.values) | dict.fromkeys(before.said.absent)
    values |= dict(after.said.values) | dict.fromkeys(after.said.absent)
    return replace(after, stood=before.stood, said=_record(values))


def _record(said: Mapping[str, FieldValue | None]) -> RecordAnswer:
    return RecordAnswer(
        tuple((name, value) for name, value in said.items() if value is not None),
        absent=tuple(name for name, value in said.items() if value is None),
    )


def _read(
    path: str,
    value: Any,
    named: Mapping[str, RecordField],
    standing: RecordAnswer | None,
) -> EntryVerdict:
    match = _PATH.fullmatch(path)
    if match is None:
        raise EntryVerdictError(
            f"{path[:60]!r} names no entry: write lines[2].amount, lines[2] or lines[+]; lists "
            "within entries are given as a whole, as JSON"
        )
    name, place, part = match[1], match[2], match[3]
    field = named.get(name)
    if field is None or field.type is not FieldType.LIST:
        lists = [one.name for one in named.values() if one.type is FieldType.LIST]
        raise EntryVerdictError(
            f"{name!r} is no list of the task; its lists are {', '.join(lists) or 'none'}"
        )
    entry = f"{name}[{place}]"
    stood = None if place == MISSED else _stood(name, int(place), standing)
    if part is not None:
        if stood is None:
            raise EntryVerdictError(f"{entry} is a whole entry: {_whole(entry, field)}")
        inside = {one.name: one for one in field.fields if not field.plain}
        if part not in inside:
            known = f"its fields are {', '.join(inside)}" if inside else "its entries are texts"
            raise EntryVerdictError(f"{name} has no field {part!r} in its entries; {known}")
        return EntryVerdict(entry, stood, _record({part: _value(value, inside[part], path)}))
    if field.plain:
        text = _value(value, field.fields[0], path)
        said = RecordAnswer(() if text is None else ((ENTRY, text),))
    else:
        said = _fields(value, field, entry)
    if stood is None and not said.values:
        raise EntryVerdictError(
            f"{entry} says of no entry that it is there: {_whole(entry, field)}"
        )
    return EntryVerdict(entry, stood, said, there=bool(said))


def _stood(name: str, number: int, standing: RecordAnswer | None) -> RecordAnswer:
    held = standing.get(name) if standing is not None else None
    entries = held if isinstance(held, tuple) else ()
    if number >= len(entries):
        has = (
            f"{name} has {len(entries)} entries that stand, {name}[0] to {name}[{len(entries) - 1}]"
            if entries
            else f"no entry of {name} stands for this item"
        )
        raise EntryVerdictError(f"{name}[{number}] names no entry: {has}; {name}[+] adds one")
    return entries[number]


def _fields(value: Any, field: RecordField, entry: str) -> RecordAnswer:
    """What is said of the fields of an entry; nothing where it is said not to be there."""
    given = value
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            given = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise EntryVerdictError(f"{entry} is no JSON object ({error})") from error
    if not isinstance(given, Mapping):
        nothing = RecordField(ENTRY, FieldType.TEXT)
        if given is None or (isinstance(given, str) and _value(given, nothing, entry) is None):
            return RecordAnswer(())
        raise EntryVerdictError(f"{entry} has fields: {_whole(entry, field)}")
    inside = {one.name: one for one in field.fields}
    strangers = [name for name in given if name not in inside]
    if strangers or not given:
        wrong = f"{strangers[0]!r} is none" if strangers else "it names none"
        raise EntryVerdictError(
            f"{entry} judges fields of an entry, {wrong}: they are {', '.join(inside)}"
        )
    return _record(
        {name: _value(one, inside[name], f"{entry}.{name}") for name, one in given.items()}
    )


def _value(value: Any, field: RecordField, path: str) -> FieldValue | None:
    try:
        return read_field(value, replace(field, name=path))
    except FieldValueError as error:
        raise EntryVerdictError(str(error)) from error


def _whole(entry: str, field: RecordField) -> str:
    example = "Ann Lee" if field.plain else f'{{"{field.fields[0].name}": ...}}'
    return f"write {entry}: {example}"
