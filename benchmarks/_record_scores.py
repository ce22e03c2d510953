"""Records against the truth, value by value: what is right, and how well risks say so."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.record_values import Leaf, same_value
from orchestration_assets.evidence.records.cells import Cell, cells_of
from orchestration_assets.evidence.records.consensus import groups_of
from orchestration_assets.evidence.records.standing_cells import (
    CellConsensus,
    without_fallen,
)
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField

BINS: Final = 15
_GIVEN, _TRUTH = "given", "truth"


def marks(
    given: RecordAnswer, truth: RecordAnswer, fields: Sequence[RecordField]
) -> Iterator[tuple[str, bool]]:
    """Pattern and whether it is right, for each value that a record should have.

    A field of the record is one value, right also where both have none. Entries of a list count
    where either has them; what stands in an entry counts where the truth has the entry, so that
    all who answer are measured on the same values.
    """
    for field in fields:
        if field.type is not FieldType.LIST:
            a, b = given.get(field.name), truth.get(field.name)
            yield field.name, _says(a, b, field)
    for cell in cells_of({_GIVEN: given, _TRUTH: truth}, fields):
        made_up = "]." in cell.path and _TRUTH not in cell.values
        if "[" in cell.path and not made_up:
            yield cell.pattern, _says(cell.values.get(_GIVEN), cell.values.get(_TRUTH), cell.field)


def _says(given: Any, truth: Any, field: RecordField) -> bool:
    if given is None or truth is None:
        return given is truth
    return field.type is FieldType.LIST or same_value(given, truth, field)


@dataclass(frozen=True, slots=True)
class Judged:
    """A value that stands, or that none does: its risk, and whether that is right."""

    pattern: str
    risk: float
    right: bool


def judged(
    settled: Sequence[CellConsensus], truth: RecordAnswer, fields: Sequence[RecordField]
) -> Iterator[Judged]:
    """Every cell that is part of the settled record against the truth; lists stand in no lists
    here. What stands in an entry that is made up is wrong too."""
    of_thing: defaultdict[str, defaultdict[str, list[CellConsensus]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in without_fallen(settled):
        name, _, inside = one.cell.path.partition("[")
        if not inside:
            right = _says(one.value, truth.get(name), one.cell.field)
            yield Judged(one.cell.pattern, one.risk, right)
        else:
            of_thing[name][one.cell.path.partition(".")[0]].append(one)
    for field in fields:
        if things := of_thing[field.name]:
            entries = _things(settled, list(things))
            yield from _judged_list(things, entries, truth.get(field.name) or (), field)


def _things(settled: Sequence[CellConsensus], places: Sequence[str]) -> list[RecordAnswer]:
    """What each thing of a list says, whether it stands or not."""
    held: dict[str, dict[str, Leaf]] = {place: {} for place in places}
    for one in settled:
        place, _, name = one.cell.path.partition(".")
        if place in held and not one.cell.is_entry:
            held[place][name or ENTRY] = _any_value(one)
    return [RecordAnswer(tuple(values.items())) for values in held.values()]


def _judged_list(
    things: Mapping[str, Sequence[CellConsensus]],
    entries: Sequence[RecordAnswer],
    truth: Any,
    field: RecordField,
) -> Iterator[Judged]:
    pairs = dict(aligned(entries, truth, field.fields))
    for number, cells in enumerate(things.values()):
        entry = truth[pairs[number]] if number in pairs else RecordAnswer(())
        for one in cells:
            name = one.cell.path.partition(".")[2]
            if name:
                right = bool(entry) and _says(one.value, entry.get(name), one.cell.field)
            elif field.plain:
                there = _says(_any_value(one), entry.get(ENTRY), one.cell.field)
                right = there == (one.value is not None)
            else:
                right = bool(entry) == (one.value is not None)
            yield Judged(one.cell.pattern, one.risk, right)


def _any_value(one: CellConsensus) -> Leaf:
    """The value that stands, or else what would."""
    given = (one.cell.values[name] for name in sorted(one.cell.values))
    return one.value if one.value is not None else next(v for v in given if v is not None)


def majority(cell: Cell, confidences: Mapping[str, float | None]) -> CellConsensus:
    """What most services say of a cell, none being a vote too; ties go to the surest. The risk is
    the share of the others."""
    groups = groups_of(cell)
    votes: defaultdict[int, list[str]] = defaultdict(list)
    for name, group in groups.items():
        votes[group].append(name)

    def weight(group: int) -> tuple[int, float]:
        return len(votes[group]), max(confidences.get(name) or 0.0 for name in votes[group])

    best = max(sorted(votes), key=weight)
    spelled = Counter(cell.values[name] for name in votes[best])
    risk = 1.0 - len(votes[best]) / len(groups)
    return CellConsensus(cell, spelled.most_common(1)[0][0], risk, (), (), ())


@dataclass(frozen=True, slots=True)
class FieldRiskFigures:
    """Of the values of one field: how many cells, their error, the expected calibration error of
    their risks, and at each threshold the share of cells below it and the error among these."""

    cells: int
    error: float
    stated: float
    calibration_error: float
    at_risk: Mapping[float, tuple[float, float]]


def risk_figures(cells: Sequence[Judged], thresholds: Sequence[float]) -> FieldRiskFigures:
    """The figures of some cells, of which there must be one at least."""
    risks = np.array([one.risk for one in cells])
    right = np.array([one.right for one in cells], bool)
    at_risk = {}
    for threshold in thresholds:
        below = risks < threshold
        error = float(1.0 - right[below].mean()) if below.any() else 0.0
        at_risk[threshold] = (float(below.mean()), error)
    ece = reliability(1.0 - risks, right, BINS).expected_calibration_error
    return FieldRiskFigures(
        len(cells), float(1.0 - right.mean()), float(risks.mean()), ece, at_risk
    )
