"""Records against the truth, value by value: what is right, and how well risks say so."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.calibration import reliability
from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.record_values import Leaf, same_value
from orchestration_assets.evidence.records.cells import Cell, cells_of
from orchestration_assets.evidence.records.consensus import CellConsensus, groups_of
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
    """Every cell of a settled record against the truth; lists stand in no lists here.

    What stands in an entry counts where the entry stands; in one that is made up nothing is right.
    """
    by_list: defaultdict[str, list[CellConsensus]] = defaultdict(list)
    for one in settled:
        name = one.cell.path.partition("[")[0]
        if name != one.cell.path:
            by_list[name].append(one)
        else:
            value = truth.get(name)
            yield Judged(one.cell.pattern, one.risk, _says(one.value, value, one.cell.field))
    for field in fields:
        if field.name in by_list:
            yield from _judged_list(by_list[field.name], truth.get(field.name) or (), field)


def _judged_list(
    cells: Sequence[CellConsensus], truth: Any, field: RecordField
) -> Iterator[Judged]:
    things: dict[str, dict[str, Leaf]] = {}
    for one in cells:
        place, _, name = one.cell.path.partition(".")
        held = things.setdefault(place, {})
        if name or field.plain:
            held[name or ENTRY] = _any_value(one)
    entries = [RecordAnswer(tuple(held.items())) for held in things.values()]
    pairs = dict(aligned(entries, truth, field.fields))
    known = {place: pairs.get(number) for number, place in enumerate(things)}
    standing = {one.cell.path for one in cells if one.value is not None}
    for one in cells:
        place, _, name = one.cell.path.partition(".")
        at = known[place]
        entry = None if at is None else truth[at]
        if name:
            if place in standing:
                right = entry is not None and _says(one.value, entry.get(name), one.cell.field)
                yield Judged(one.cell.pattern, one.risk, right)
            continue
        if field.plain:
            there = entry is not None and _says(_any_value(one), entry.get(ENTRY), one.cell.field)
        else:
            there = entry is not None
        yield Judged(one.cell.pattern, one.risk, (one.value is not None) == there)


def _any_value(one: CellConsensus) -> Leaf:
    """The value that stands, or else what would."""
    given = (one.cell.values[name] for name in sorted(one.cell.values))
    return one.value if one.value is not None else next(v for v in given if v is not None)


def majority(cell: Cell, confidences: Mapping[str, float | None]) -> CellConsensus:
    """What most services say of a cell, none being a vote too; ties go to the surest. The risk is
    the share of the others."""
    groups, values = groups_of(cell)
    votes: defaultdict[int, list[str]] = defaultdict(list)
    for name, group in groups.items():
        votes[group].append(name)

    def weight(group: int) -> tuple[int, float]:
        return len(votes[group]), max(confidences.get(name) or 0.0 for name in votes[group])

    best = max(sorted(votes), key=weight)
    value = values[best - 1] if best else None
    return CellConsensus(cell, value, 1.0 - len(votes[best]) / len(groups), (), (), ())


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """Of the values of one field: how many cells, their error, the expected calibration error of
    their risks, and at each threshold the share of cells below it and the error among these."""

    cells: int
    error: float
    stated: float
    calibration_error: float
    at_risk: Mapping[float, tuple[float, float]]


def risk_figures(cells: Sequence[Judged], thresholds: Sequence[float]) -> RiskFigures:
    """The figures of some cells, of which there must be one at least."""
    risks = np.array([one.risk for one in cells])
    right = np.array([one.right for one in cells], bool)
    at_risk = {}
    for threshold in thresholds:
        below = risks < threshold
        error = float(1.0 - right[below].mean()) if below.any() else 0.0
        at_risk[threshold] = (float(below.mean()), error)
    ece = reliability(1.0 - risks, right, BINS).expected_calibration_error
    return RiskFigures(len(cells), float(1.0 - right.mean()), float(risks.mean()), ece, at_risk)
