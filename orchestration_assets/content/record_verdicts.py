"""Verdicts about records: what people say of single fields, as JSON or one ``field: value`` a line.

Only the fields that are named are judged. A field without a value (``total: none``, null) is said
to have none. A list is given as a whole, as JSON, or by single entries
(:mod:`~orchestration_assets.content.entry_verdicts`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from orchestration_assets.content.entry_verdicts import (
    NAME,
    EntryVerdictError,
    is_entry_path,
    joined,
    read_entry_verdicts,
)
from orchestration_assets.schemas.record_answers import (
    EntryVerdict,
    FieldValue,
    RecordAnswer,
    overridden,
)
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.text.replies.record_values import FieldValueError, read_field

_PAIR: Final = re.compile(
    rf"\s*({NAME}(?:\[[^\]\n]{{0,20}}\](?:\.[^:=\s]{{1,80}})?)?)\s*[:=]\s*(.*?)\s*", re.DOTALL
)

_ENOUGH_SHARED: Final = 0.5


class RecordVerdictError(ValueError):
    """A verdict that judges no field of the task; the message has the remedy."""


def read_record_verdict(
    given: Any, fields: Sequence[RecordField], standing: RecordAnswer | None = None
) -> RecordAnswer:
    """What a verdict says: the values of the fields it names, those without one as ``absent``, and
    what it says of single entries of the record that is ``standing``.

    Raises RecordVerdictError.
    """
    named = {field.name: field for field in fields}
    pairs = list(given.items()) if isinstance(given, Mapping) else _parsed(given, named)
    of_entries = [(path, value) for path, value in pairs if is_entry_path(path)]
    said = {name: value for name, value in pairs if not is_entry_path(name)}
    if not pairs or (strangers := [name for name in said if name not in named]):
        wrong = f"{strangers[0]!r} is no field of the task" if pairs else "names no field"
        raise RecordVerdictError(
            f'{wrong}: write {{"{fields[0].name}": ...}} or {fields[0].name}: ..., with fields '
            f"among {', '.join(named)}"
        )
    values: list[tuple[str, FieldValue]] = []
    absent: list[str] = []
    try:
        for field in fields:
            if field.name not in said:
                continue
            value = read_field(said[field.name], field)
            if value is None:
                absent.append(field.name)
            else:
                values.append((field.name, value))
        entries = read_entry_verdicts(of_entries, named, standing)
    except (FieldValueError, EntryVerdictError) as error:
        raise RecordVerdictError(str(error)) from error
    if both := [one.name for one in entries if one.name in said]:
        raise RecordVerdictError(f"{both[0]} is judged as a whole and by its entries: give either")
    return RecordAnswer(tuple(values), absent=tuple(absent), entries=entries)


def _parsed(given: Any, named: Mapping[str, RecordField]) -> list[tuple[str, Any]]:
    text = given.strip() if isinstance(given, str) else ""
    if text.startswith("{"):
        try:
            said: list[tuple[str, Any]] = list(json.loads(text).items())
        except (ValueError, RecursionError) as error:
            raise RecordVerdictError(f"is no JSON object ({error})") from error
        return said
    pairs = []
    for part in filter(str.strip, _parts(text)):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise RecordVerdictError(
                f"{part.strip()[:40]!r} is no field with a value: write one field: value a line, "
                "or a JSON object"
            )
        field = named.get(match[1])
        if field is not None and field.type is FieldType.LIST and match[2]:
            raise RecordVerdictError(
                f"{match[1]} is a list: give it as a JSON object, "
                f'{{"{match[1]}": {"[...]" if field.plain else "[{...}]"}}}, or single entries, '
                f"{match[1]}[0]{'' if field.plain else f'.{field.fields[0].name}'}: ..."
            )
        pairs.append((match[1], match[2]))
    return pairs


def _parts(text: str) -> Iterator[str]:
    """The statements of a text, parted by line ends and semicolons that stand in no JSON object."""
    start = depth = 0
    quoted = escaped = False
    for place, letter in enumerate(text):
        if quoted:
            quoted, escaped = escaped or letter != '"', letter == "\\" and not escaped
        elif depth and letter == '"':
            quoted = True
        elif letter in "{}":
            depth = max(depth + (1 if letter == "{" else -1), 0)
        elif not depth and letter in ";\n":
            yield text[start:place]
            start = place + 1
    yield text[start:]


def merged(verdicts: Iterable[RecordAnswer]) -> RecordAnswer:
    """What several verdicts about one record say together, oldest first: of each field, the latest
    that judges it; of a list, the latest that judges it as a whole with what was said of single
    entries since."""
    said: dict[str, FieldValue | None] = {}
    entries: list[EntryVerdict] = []
    for verdict in verdicts:
        whole = dict.fromkeys(verdict.absent) | dict(verdict.values)
        said |= whole
        entries = [one for one in entries if one.name not in whole]
        for one in verdict.entries:
            if one.name in said:
                said[one.name] = _with_entry(said[one.name], one)
            else:
                entries = _with_verdict(entries, one)
    return RecordAnswer(
        tuple((name, value) for name, value in said.items() if value is not None),
        absent=tuple(name for name, value in said.items() if value is None),
        entries=tuple(entries),
    )


def _with_verdict(entries: Sequence[EntryVerdict], one: EntryVerdict) -> list[EntryVerdict]:
    """The verdicts with one more, which stands in place of an earlier one about the same entry."""
    same = [
        number
        for number, before in enumerate(entries)
        if (before.name, before.anchor) == (one.name, one.anchor)
        or (before.name == one.name and one.stood == before.corrected)
    ]
    if not same:
        return [*entries, one]
    before = entries[same[0]]
    kept = [*entries]
    kept[same[0]] = joined(before, one)
    return kept


def _with_entry(held: FieldValue | None, one: EntryVerdict) -> FieldValue | None:
    """A list that was judged as a whole, with a verdict about one entry of it: that which shares
    most values with what was judged, half of them at least."""
    entries = list(held) if isinstance(held, tuple) else []
    shares = [_shared(entry, one.anchor) for entry in entries]
    place = shares.index(max(shares)) if shares and max(shares) >= _ENOUGH_SHARED else None
    if place is None:
        return (*entries, one.corrected) if one.there else held
    if not one.there:
        return (*entries[:place], *entries[place + 1 :]) or None
    entries[place] = overridden(entries[place], one.said)
    return tuple(entries)


def _shared(first: RecordAnswer, second: RecordAnswer) -> float:
    """The share of the values of two entries that both have, in [0, 1]."""
    a, b = set(first.values), set(second.values)
    return len(a & b) / len(a | b) if a or b else 1.0
