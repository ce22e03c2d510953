"""The values of several services' records that a verdict judges, with the right ones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestration_assets.evidence.distances.record_values import Leaf, same_value
from orchestration_assets.evidence.records.cells import Cell, cells_of
from orchestration_assets.evidence.records.judged import (
    entry_verdicts,
    judged_as_a_whole,
    judged_fields,
)
from orchestration_assets.schemas.record_answers import (
    EntryVerdict,
    FieldValue,
    RecordAnswer,
    value_at,
)
from orchestration_assets.schemas.record_fields import ENTRY, RecordField

# sorts before every service, so that entries are aligned with those of the verdict first
_TRUTH: Final = ""
_NAME: Final = re.compile(r"[.\[]")
_PLACE: Final = re.compile(r"[^.\[]+\[(\d+)\]\.?(.*)")


@dataclass(frozen=True, slots=True)
class JudgedCell:
    """A value that some service gave, and the right one: None where the item has none."""

    cell: Cell
    truth: Leaf | None

    def is_right(self, value: Leaf | None) -> bool:
        """Whether a value, or that there is none, is what the verdict says."""
        if value is None or self.truth is None:
            return value is self.truth
        return self.cell.is_entry or same_value(value, self.truth, self.cell.field)


def judged_cells(
    records: Mapping[str, RecordAnswer], verdict: RecordAnswer, fields: Sequence[RecordField]
) -> list[JudgedCell]:
    """The cells of an item that a verdict judges, of those that any service gives a value for.

    What stands within an entry that should not be there is judged with that entry.
    """
    found = []
    made_up: set[str] = set()
    judged = judged_fields(verdict, fields)
    truth = RecordAnswer(tuple(_searched(verdict, field.name) for field in judged))
    for cell in cells_of({_TRUTH: truth, **records}, judged):
        if any(cell.path.startswith(f"{entry}.") for entry in made_up):
            continue
        values = {name: value for name, value in cell.values.items() if name != _TRUTH}
        if all(value is None for value in values.values()):
            continue
        said = entry_verdicts(verdict, _NAME.split(cell.path, maxsplit=1)[0])
        right = _said_of_entry(cell, said) if said else (cell.values.get(_TRUTH),)
        if right is None:
            continue
        if cell.is_entry and right[0] is None:
            made_up.add(cell.path)
        own = {name: path for name, path in cell.own.items() if name != _TRUTH}
        found.append(JudgedCell(Cell(cell.path, cell.pattern, cell.field, values, own), right[0]))
    return found


def _searched(verdict: RecordAnswer, name: str) -> tuple[str, FieldValue]:
    """The field as services' values are aligned with it: as it should be, or as it stood where
    single entries are judged."""
    if judged_as_a_whole(verdict, name):
        right = verdict.get(name)
        return name, () if right is None else right
    return name, tuple(one.anchor for one in entry_verdicts(verdict, name))


def _said_of_entry(cell: Cell, said: Sequence[EntryVerdict]) -> tuple[Leaf | None] | None:
    """The right value of a cell of a list of which single entries are judged; None where nothing
    is said of it."""
    place = _PLACE.match(cell.own.get(_TRUTH, ""))
    if place is None:
        return None
    one, inside = said[int(place[1])], place[2]
    if not inside:
        there = True if cell.is_entry else one.corrected.get(ENTRY)
        return (there if one.there and not isinstance(there, tuple) else None,)
    judged = one.said.get(inside) is not None or inside in one.said.absent
    right = value_at(one.corrected, inside)
    if not one.there or not judged or isinstance(right, tuple | RecordAnswer):
        return None
    return (right,)
