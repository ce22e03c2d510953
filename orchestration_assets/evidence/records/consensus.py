"""What stands of several records of one item, value by value."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField

Models = Mapping[str, tuple[tuple[str, ...], FieldModel]]
"""Pattern -> the services that a model knows, in its order, and the model."""

NO_MODELS: Final[Models] = {}


@dataclass(frozen=True, slots=True)
class CellConsensus:
    """What stands of one cell.

    ``value``: None where the item most probably has none. ``risk``: the probability in [0, 1] that
    this is wrong. ``supporters`` gave the value (or none, where None stands), ``dissenters``
    another one, ``missing`` none where a value stands; all by name.
    """

    cell: Cell
    value: Leaf | None
    risk: float
    supporters: tuple[str, ...]
    dissenters: tuple[str, ...]
    missing: tuple[str, ...]


def groups_of(cell: Cell) -> tuple[dict[str, int], list[Leaf]]:
    """Service -> its group of equal values, from 1 in the order of names, 0 for none; and the
    value of each group: as most services write it, else the first of these by name."""
    groups: dict[str, int] = {}
    first: list[Leaf] = []
    spelled: list[list[Leaf]] = []
    for name in sorted(cell.values):
        value = cell.values[name]
        if value is None:
            groups[name] = ABSENT
            continue
        number = next(
            (n for n, known in enumerate(first) if same_value(known, value, cell.field)), None
        )
        if number is None:
            number = len(first)
            first.append(value)
            spelled.append([])
        spelled[number].append(value)
        groups[name] = number + 1
    return groups, [Counter(values).most_common(1)[0][0] for values in spelled]


def codes_of(groups: Mapping[str, int], services: Sequence[str]) -> list[int]:
    """The groups of one cell in the order of the ``services``."""
    return [groups.get(name, NOT_ASKED) for name in services]


def settle(
    cells: Sequence[Cell],
    confidences: Mapping[str, float | None],
    models: Models = NO_MODELS,
    stands: str | None = None,
) -> list[CellConsensus]:
    """What stands of each cell: by the model of its pattern where it knows all who answered, else
    by what services state of themselves. ``stands``: whose values stand, whatever others say."""
    return [_settled(cell, confidences, models.get(cell.pattern), stands) for cell in cells]


def _settled(
    cell: Cell,
    confidences: Mapping[str, float | None],
    known: tuple[tuple[str, ...], FieldModel] | None,
    stands: str | None,
) -> CellConsensus:
    groups, values = groups_of(cell)
    stated: Floats | None = None
    if known is not None and set(cell.values) <= set(known[0]):
        services, model = known
    else:
        services = tuple(sorted(cell.values))
        model = prior_model(len(services))
        named = [confidences.get(name) for name in services]
        stated = np.array([[np.nan if one is None else one for one in named]])
    codes: Ints = np.array([codes_of(groups, services)], np.int64)
    told = model.posterior(codes, stated)[0]
    # a value that nobody gave can stand nowhere
    best = int(np.argmax(told[: len(values) + 1])) if stands is None else groups.get(stands, ABSENT)
    given = [name for name in groups if groups[name] != ABSENT]
    return CellConsensus(
        cell,
        values[best - 1] if best else None,
        float(1.0 - told[best]),
        tuple(name for name in groups if groups[name] == best),
        tuple(name for name in given if groups[name] != best),
        tuple(name for name in groups if best and groups[name] == ABSENT),
    )


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
    settled = standing_first(
        without_fallen(settle(cells_of(records, fields), confidences, models, stands))
    )
    return built(settled, fields), settled


def without_fallen(settled: Sequence[CellConsensus]) -> list[CellConsensus]:
    """The cells without those that are part of an entry that does not stand; an entry of which no
    value stands does not stand either."""
    held = [one.cell.path for one in settled if one.value is not None and not one.cell.is_entry]
    kept: list[CellConsensus] = []
    fallen: tuple[str, ...] = ()
    for one in settled:
        path = one.cell.path
        if path.startswith(fallen):
            continue
        stands = one.value is not None
        if one.cell.is_entry:
            stands = stands and any(inside.startswith(f"{path}.") for inside in held)
            if not stands:
                fallen = (*fallen, f"{path}.")
        kept.append(one if stands else replace(one, value=None))
    return kept


_ENTRY: Final = re.compile(r"\[\d+\]")


def standing_first(settled: Sequence[CellConsensus]) -> list[CellConsensus]:
    """The cells with the entries of each list that stand counted first, the others after them: so
    the path of a value that stands is its path in the record that stands."""
    numbers: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for stands in (True, False):
        for one in settled:
            path = one.cell.path
            if path.endswith("]") and (one.value is not None) is stands:
                of_list = path[: path.rindex("[")]
                numbers[path] = f"[{counts[of_list]}]"
                counts[of_list] += 1

    def moved(path: str) -> str:
        return _ENTRY.sub(lambda match: numbers[path[: match.end()]], path)

    renamed = [replace(one, cell=replace(one.cell, path=moved(one.cell.path))) for one in settled]
    # what is part of an entry follows it, entries by their number
    first = {one.cell.path: place for place, one in enumerate(renamed)}
    lists: dict[str, int] = {}
    for path, place in first.items():
        if path.endswith("]"):
            lists.setdefault(path[: path.rindex("[")], place)

    def order(path: str) -> tuple[int, ...]:
        key: list[int] = []
        for match in _ENTRY.finditer(path):
            key += (lists[path[: match.start()]], int(match[0][1:-1]))
        return (*key, first[path])

    return sorted(renamed, key=lambda one: order(one.cell.path))
