"""What stands of the cells of an item, and under which paths."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestration_assets.evidence.distances.record_values import Leaf
from orchestration_assets.evidence.records.cells import Cell, cells_of
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import RecordField

_ENTRY: Final = re.compile(r"\[\d+\]")


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


def without_fallen(settled: Sequence[CellConsensus]) -> list[CellConsensus]:
    """The cells without those that are part of an entry that does not stand; an entry of which no
    value stands does not stand either."""
    holding = {
        entry
        for one in settled
        if one.value is not None and not one.cell.is_entry
        for entry in _entries_around(one.cell.path)
    }
    kept: list[CellConsensus] = []
    fallen: set[str] = set()
    for one in settled:
        path = one.cell.path
        if not fallen.isdisjoint(_entries_around(path)):
            continue
        stands = one.value is not None
        if one.cell.is_entry:
            stands = stands and path in holding
            if not stands:
                fallen.add(path)
        kept.append(one if stands else replace(one, value=None))
    return kept


def _entries_around(path: str) -> list[str]:
    """The entries that a value is part of: of ``a[0].b[1].c``, ``a[0]`` and ``a[0].b[1]``."""
    return [path[: match.end()] for match in _ENTRY.finditer(path) if match.end() < len(path)]


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
    order = _place_among([one.cell.path for one in renamed])
    return sorted(renamed, key=lambda one: order(one.cell.path))


def _place_among(paths: Sequence[str]) -> Callable[[str], tuple[int, ...]]:
    """Where a path comes: what is part of an entry follows it, entries by their number."""
    first = {path: place for place, path in enumerate(paths)}
    lists: dict[str, int] = {}
    for path, place in first.items():
        if path.endswith("]"):
            lists.setdefault(path[: path.rindex("[")], place)

    def order(path: str) -> tuple[int, ...]:
        key: list[int] = []
        for match in _ENTRY.finditer(path):
            key += (lists[path[: match.start()]], int(match[0][1:-1]))
        return (*key, first[path])

    return order


# sorts after every service, so that entries are aligned as without it
_STANDING: Final = "\U0010ffff"


def cells_named_as_standing(
    records: Mapping[str, RecordAnswer], standing: RecordAnswer, fields: Sequence[RecordField]
) -> list[Cell]:
    """The cells of several services' records, under the paths that values have in the record that
    stands; entries that do not stand are counted after those, as :func:`standing_first` has it."""
    numbers: dict[str, str] = {}
    counts: Counter[str] = Counter()
    cells = cells_of({**records, _STANDING: standing}, fields)
    entries = [one for one in cells if one.path.endswith("]")]
    for one in entries:
        of_list = one.path[: one.path.rindex("[")]
        if _STANDING in one.own:
            numbers[one.path] = one.own[_STANDING][one.own[_STANDING].rindex("[") :]
            counts[of_list] += 1
    for one in entries:
        if one.path not in numbers:
            of_list = one.path[: one.path.rindex("[")]
            numbers[one.path] = f"[{counts[of_list]}]"
            counts[of_list] += 1

    def moved(path: str) -> str:
        return _ENTRY.sub(lambda match: numbers[path[: match.end()]], path)

    named = [
        replace(
            one,
            path=moved(one.path),
            values={name: value for name, value in one.values.items() if name != _STANDING},
            own={name: path for name, path in one.own.items() if name != _STANDING},
        )
        for one in cells
    ]
    order = _place_among([one.path for one in named])
    return sorted(named, key=lambda one: order(one.path))
