"""Several services' records of one item, laid side by side: who says what of which value.

Lists are aligned between all of them. Services come in the order of their names, and each entry
joins the thing that the entries before it are most similar to, on average over these, or is a new
one; so the cells of an item do not depend on the order in which services were asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import NamedTuple

import numpy as np

from orchestration_assets.evidence.distances.entry_alignment import Floats, matched, similarities
from orchestration_assets.evidence.distances.record_values import Leaf
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a record, as services give it.

    ``path`` names it (``lines[2].amount``), ``pattern`` all values of its field
    (``lines[].amount``). ``values``: service -> what it says, None where it says nothing; services
    that know nothing of the entry that the value is part of are left out. A cell that is an entry
    itself (``lines[2]``) holds True for services that have the entry, or its text, as a field of
    type text, where entries are plain. ``own``: service -> the path
    of the value in its own record, whose entries may stand in another order.
    """

    path: str
    pattern: str
    field: RecordField
    values: Mapping[str, Leaf | None]
    own: Mapping[str, str]

    @property
    def is_entry(self) -> bool:
        """Whether it says that an entry with fields of its own is there at all."""
        return self.field.type is FieldType.LIST


def cells_of(
    records: Mapping[str, RecordAnswer], fields: Sequence[RecordField]
) -> tuple[Cell, ...]:
    """Every cell of an item in the order of the fields and entries."""
    whole = {name: _Part("", records[name]) for name in sorted(records)}
    return tuple(_cells(whole, fields, "", ""))


class _Part(NamedTuple):
    """A record, or an entry of one, with its path within the record of its service."""

    path: str
    record: RecordAnswer


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _cells(
    parts: Mapping[str, _Part], fields: Sequence[RecordField], path: str, pattern: str
) -> Iterator[Cell]:
    for field in fields:
        here, named = _within(path, field.name), _within(pattern, field.name)
        values = {name: part.record.get(field.name) for name, part in parts.items()}
        if field.type is not FieldType.LIST:
            leaves = {name: one for name, one in values.items() if not isinstance(one, tuple)}
            own = {name: _within(part.path, field.name) for name, part in parts.items()}
            if any(value is not None for value in leaves.values()):
                yield Cell(here, named, field, leaves, own)
            continue
        lists = {
            name: [
                _Part(f"{_within(parts[name].path, field.name)}[{number}]", entry)
                for number, entry in enumerate(value if isinstance(value, tuple) else ())
            ]
            for name, value in values.items()
        }
        for number, thing in enumerate(_things(lists, field.fields)):
            place, of_list = f"{here}[{number}]", f"{named}[]"
            own = {name: part.path for name, part in thing.items()}
            # plain texts are compared as the texts that they are
            held = field.fields[0] if field.plain else field
            said = {name: _held(thing.get(name), field) for name in parts}
            yield Cell(place, of_list, held, said, own)
            if not field.plain:
                yield from _cells(thing, field.fields, place, of_list)


def _held(part: _Part | None, field: RecordField) -> Leaf | None:
    """What a service says of one thing of a list: that it is there, or its text."""
    if part is None:
        return None
    if not field.plain:
        return True
    text = part.record.get(ENTRY)
    return None if isinstance(text, tuple) else text


def _things(
    lists: Mapping[str, Sequence[_Part]], fields: Sequence[RecordField]
) -> list[dict[str, _Part]]:
    """Service -> its entry, for each thing that any list has an entry of, in the order in which
    the lists have them."""
    things: list[dict[str, _Part]] = []
    places: list[list[int]] = []
    for name, entries in lists.items():
        similar = _similar_to_things(things, [part.record for part in entries], fields)
        taken = {entry: thing for thing, entry in matched(similar)}
        for number, entry in enumerate(entries):
            if number not in taken:
                taken[number] = len(things)
                things.append({})
                places.append([])
            things[taken[number]][name] = entry
            places[taken[number]].append(number)
    order = sorted(range(len(things)), key=lambda one: (median_low(places[one]), one))
    return [things[one] for one in order]


def _similar_to_things(
    things: Sequence[Mapping[str, _Part]],
    entries: Sequence[RecordAnswer],
    fields: Sequence[RecordField],
) -> Floats:
    """The mean similarity of each thing's entries to each new entry."""
    if not things or not entries:
        return np.zeros((len(things), len(entries)))
    known = [part.record for thing in things for part in thing.values()]
    sizes = np.array([len(thing) for thing in things])
    of_each = similarities(known, entries, fields)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    means: Floats = np.add.reduceat(of_each, starts, axis=0) / sizes[:, None]
    return means
