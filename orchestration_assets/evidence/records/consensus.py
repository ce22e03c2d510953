"""What stands of several records of one item, value by value."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from math import prod
from typing import Final

import numpy as np

from orchestration_assets.evidence.distances.record_values import Leaf, same_value
from orchestration_assets.evidence.records.cells import Cell, cells_of
from orchestration_assets.evidence.records.field_model import (
    ABSENT,
    NOT_ASKED,
    FieldModel,
    Floats,
    Ints,
    prior_model,
)
from orchestration_assets.evidence.records.standing_cells import (
    CellConsensus,
    standing_first,
    without_fallen,
)
from orchestration_assets.evidence.records.stated_confidence import Scales
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField


@dataclass(frozen=True)
class Models:
    """What is known of the fields of a task.

    ``by_pattern``: pattern -> the services that a model knows, in its order, and the model.
    ``scales``: how the confidences of services are read where a model is known. ``seldom``:
    services and fields of the record of which they give little: that they leave one out says
    nothing, where no model is known.
    """

    by_pattern: Mapping[str, tuple[tuple[str, ...], FieldModel]] = member(default_factory=dict)
    scales: Scales = member(default_factory=dict)
    seldom: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.by_pattern)

    def shifts(
        self, services: Sequence[str], confidences: Mapping[str, float | None]
    ) -> Floats | None:
        """(1, K) what the confidences in a record add to the log-odds of its values; None where
        they tell nothing."""
        found = [
            self.scales[name].shift(confidences.get(name)) if name in self.scales else 0.0
            for name in services
        ]
        return np.array([found]) if any(found) else None


NO_MODELS: Final = Models()
_DIGITS: Final = 9
_FIELD: Final = re.compile(r"[.\[]")


def groups_of(cell: Cell) -> dict[str, int]:
    """Service -> its group of equal values, from 1 in the order of names, 0 for none.

    A value is equal to all of its group: what is equal to two different values, as a year is to two
    days of it, joins the first of them and does not make them one.
    """
    groups: dict[str, int] = {}
    members: list[list[Leaf]] = []
    for name in _surest_first(cell):
        value = cell.values[name]
        if value is None:
            groups[name] = ABSENT
            continue
        number = next(
            (
                n
                for n, known in enumerate(members)
                if all(same_value(one, value, cell.field) for one in known)
            ),
            None,
        )
        if number is None:
            number = len(members)
            members.append([])
        members[number].append(value)
        groups[name] = number + 1
    return _numbered(groups)


def _surest_first(cell: Cell) -> list[str]:
    """The services by name; those whose date says less after those that say more."""
    names = sorted(cell.values)
    if cell.field.type is not FieldType.DATE:
        return names
    return sorted(names, key=lambda name: -len(str(cell.values[name] or "")))


def _numbered(groups: Mapping[str, int]) -> dict[str, int]:
    """The groups numbered anew, in the order of the names of their services."""
    numbers = {ABSENT: ABSENT}
    return {name: numbers.setdefault(groups[name], len(numbers)) for name in sorted(groups)}


def _spelled(cell: Cell, members: Sequence[str], weights: Mapping[str, float]) -> Leaf:
    """The value of a group as the services write it that are right most surely; of two that weigh
    the same the one that says more, then the first by name."""
    votes: dict[Leaf, float] = {}
    for name in members:
        value = cell.values[name]
        if value is not None:
            votes[value] = votes.get(value, 0.0) + weights[name]
    return max(votes, key=lambda value: (round(votes[value], _DIGITS), len(str(value))))


def codes_of(groups: Mapping[str, int], services: Sequence[str]) -> list[int]:
    """The groups of one cell in the order of the ``services``."""
    return [groups.get(name, NOT_ASKED) for name in services]


def settle(
    cells: Sequence[Cell],
    confidences: Mapping[str, float | None],
    models: Models = NO_MODELS,
    stands: str | None = None,
) -> list[CellConsensus]:
    """What stands of each cell: by the model of its pattern where it knows all who answered,
    shifted by what they state of themselves; else by that alone. ``stands``: whose values stand,
    whatever others say."""
    settled: dict[int, CellConsensus] = {}
    # cells that are settled alike are settled together
    together: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, cell in enumerate(cells):
        services = tuple(sorted(cell.values))
        known = models.by_pattern.get(cell.pattern)
        learned = known is not None and set(services) <= set(known[0])
        together.setdefault((cell.pattern if learned else "", services), []).append(place)
    for (pattern, services), places in together.items():
        if pattern:
            # in the order of the model
            services, model = models.by_pattern[pattern]  # noqa: PLW2901
            stated, shifts = None, models.shifts(services, confidences)
        else:
            model = prior_model(len(services))
            named = [confidences.get(name) for name in services]
            stated = np.array([[np.nan if one is None else one for one in named]])
            shifts = None
        alike = [cells[place] for place in places]
        seldom = frozenset[tuple[str, str]]() if pattern else models.seldom
        told = _settled(alike, services, model, stated, shifts, stands, seldom)
        settled |= zip(places, told, strict=True)
    return [settled[place] for place in range(len(cells))]


def _settled(
    cells: Sequence[Cell],
    services: Sequence[str],
    model: FieldModel,
    stated: Floats | None,
    shifts: Floats | None,
    stands: str | None,
    seldom: Collection[tuple[str, str]],
) -> Iterator[CellConsensus]:
    grouped = [groups_of(cell) for cell in cells]
    codes: Ints = np.array(
        [
            _heard(codes_of(groups, services), services, cell, seldom)
            for cell, groups in zip(cells, grouped, strict=True)
        ],
        np.int64,
    )
    if stated is not None:
        stated = np.broadcast_to(stated, codes.shape)
    told = model.posterior(codes, stated, shifts)
    right, wrong = model.of_given(codes, stated, shifts)
    sureness = np.log1p(right / wrong)
    for row, (cell, groups) in enumerate(zip(cells, grouped, strict=True)):
        best = _best(told[row], groups) if stands is None else groups.get(stands, ABSENT)
        supporters = tuple(name for name in groups if groups[name] == best)
        weights = dict(zip(services, sureness[row].tolist(), strict=True))
        yield CellConsensus(
            cell,
            _spelled(cell, supporters, weights) if best else None,
            float(1.0 - told[row, best]),
            supporters,
            tuple(name for name in groups if groups[name] not in (ABSENT, best)),
            tuple(name for name in groups if best and groups[name] == ABSENT),
        )


def _heard(
    codes: Sequence[int],
    services: Sequence[str],
    cell: Cell,
    seldom: Collection[tuple[str, str]],
) -> list[int]:
    """The codes without the silence of those that seldom give the field."""
    if not seldom or ABSENT not in codes:
        return list(codes)
    name = _FIELD.split(cell.path, maxsplit=1)[0]
    return [
        NOT_ASKED if code == ABSENT and (service, name) in seldom else code
        for service, code in zip(services, codes, strict=True)
    ]


def _best(told: Floats, groups: Mapping[str, int]) -> int:
    """The most probable of what was said: a value, or none where a service says nothing."""
    said = sorted(set(groups.values()))
    return max(said, key=lambda group: (float(told[group]), group > ABSENT, -group))


def record_risk(settled: Sequence[CellConsensus]) -> float:
    """The probability in [0, 1] that anything in a record is wrong, its values taken as
    independent."""
    return 1.0 - prod(1.0 - one.risk for one in settled)


def built(settled: Sequence[CellConsensus], fields: Sequence[RecordField]) -> RecordAnswer:
    """The record that the settled cells make up; empty where no value stands."""
    return _built({one.cell.path: one.value for one in settled}, fields, "")


def _built(
    values: Mapping[str, Leaf | None], fields: Sequence[RecordField], path: str
) -> RecordAnswer:
    found: list[tuple[str, FieldValue]] = []
    for field in fields:
        here = f"{path}.{field.name}" if path else field.name
        if field.type is not FieldType.LIST:
            value = values.get(here)
            if value is not None:
                found.append((field.name, value))
            continue
        entries: list[RecordAnswer] = []
        number = 0
        while (place := f"{here}[{number}]") in values:
            number += 1
            value = values[place]
            if value is None:
                continue
            if field.plain:
                entries.append(RecordAnswer(((ENTRY, value),)))
            elif entry := _built(values, field.fields, place):
                entries.append(entry)
        if entries:
            found.append((field.name, tuple(entries)))
    return RecordAnswer(tuple(found))


def settled_record(
    records: Mapping[str, RecordAnswer],
    confidences: Mapping[str, float | None],
    fields: Sequence[RecordField],
    models: Models = NO_MODELS,
    stands: str | None = None,
) -> tuple[RecordAnswer, list[CellConsensus]]:
    """The record that stands of several services' records, and what it stands on."""
    cells = cells_of(records, fields)

    def stood(whose: str | None) -> tuple[RecordAnswer, list[CellConsensus]]:
        settled = standing_first(without_fallen(settle(cells, confidences, models, whose)))
        return built(settled, fields), settled

    answer, settled = stood(stands)
    if not answer and stands is None and records:
        # each value is doubted by somebody, but there is an answer: that of the surest service
        surest = max(sorted(records), key=lambda name: confidences.get(name) or 0.0)
        answer, settled = stood(surest)
    return answer, settled
