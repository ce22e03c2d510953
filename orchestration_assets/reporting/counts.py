"""The small shapes that every figure is made of: counts, capped lists, histograms."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)
Numbers = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.int64]]

BINS = 24
# a range wider than this multiple of the median is drawn on a logarithmic axis
_LOG_SPREAD = 12.0


@dataclass(frozen=True, slots=True)
class Count:
    """How many of a total carry one name."""

    name: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class CappedCounts(Generic[T]):
    """The first of many, and how many there are in all."""

    shown: tuple[T, ...]
    total: int

    @property
    def hidden(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """One answer or member: how often it stands, and how often each service gave it."""

    name: str
    standing: int
    by_service: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One entry or item named as an example, with what is known about it in words."""

    path: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """The distribution of one column; ``marked`` counts a subset of each bin."""

    name: str
    meaning: str
    unit: str
    log: bool
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    marked: tuple[int, ...]
    missing: int
    low: float
    median: float
    high: float

    @property
    def values(self) -> int:
        """How many values were counted."""
        return sum(self.counts)


def share(part: float, whole: float) -> float:
    """``part`` of ``whole``, where nothing of nothing is 0."""
    return part / whole if whole else 0.0


def numbers(column: pa.ChunkedArray) -> Numbers:
    """A column of numbers; nulls are NaN."""
    found: Numbers = column.cast(pa.float64(), safe=False).to_numpy()
    return found


def question_places(table: pa.Table, questions: pa.Table) -> Places:
    """For each row of ``table``, the first row of ``questions`` with its item and task, or -1."""
    # neither holds a line break
    keys, among = (
        pc.binary_join_element_wise(rows["item_id"], rows["task"], "\n")
        for rows in (table, questions)
    )
    found: Places = pc.fill_null(pc.index_in(keys, value_set=among), -1).to_numpy()
    return found


def sums_of(groups: Collection[Sequence[int]], amounts: Numbers) -> Numbers:
    """The sum of the amounts of each group of their places; each place is in one group.

    Where groups lie one after another in their order, they are added as they lie; else one amount
    after another, with what rounding took given back (:func:`compensated_sum`).
    """
    if not groups:
        return np.zeros(0)
    placed = np.array([place for places in groups for place in places], dtype=np.int64)
    bounds = np.cumsum([0, *(len(places) for places in groups)])
    if (np.diff(placed) > 0).all():
        lying: Numbers = np.add.reduceat(amounts, bounds[:-1])
        return lying
    parts = np.split(amounts[placed], bounds[1:-1])
    return np.array([compensated_sum(part.tolist()) for part in parts])


def compensated_sum(amounts: Iterable[float]) -> float:
    """The sum with what rounding took from each step given back in the next one (W. Kahan,
    "Further remarks on reducing truncation errors", 1965)."""
    total = lost = 0.0
    for amount in amounts:
        given = amount - lost
        larger = total + given
        lost = larger - total - given
        total = larger
    return total


def grouped(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """The places of each key, in the order of places; keys as they first come."""
    found: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return found


def where(table: pa.Table, chosen: pa.ChunkedArray) -> pa.Table:
    """The chosen rows; the table itself, and no copy of it, where that is all of them."""
    # a null chooses nothing
    return table if pc.all(pc.fill_null(chosen, False)).as_py() else table.filter(chosen)


def few(table: pa.Table, indices: Sequence[int], *columns: str) -> Iterator[tuple[Any, ...]]:
    """The named columns of a few rows, in the order of ``indices``."""
    return values(table.select(list(columns)).take(pa.array(indices, pa.int64())), *columns)


def value_counts(values: Iterable[str]) -> dict[str, int]:
    """Occurrences by value, most frequent first, ties by name."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def column_counts(column: pa.ChunkedArray) -> dict[str, int]:
    """What :func:`value_counts` finds, of a column of words of a table; nulls are left out."""
    counted = {one["values"]: one["counts"] for one in column.value_counts().to_pylist()}
    named = ((name, count) for name, count in counted.items() if name is not None)
    return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))


def capped_counts(counts: Mapping[str, int], limit: int) -> CappedCounts[Count]:
    """The first ``limit`` counts, each as a share of all."""
    total = sum(counts.values())
    rows = tuple(Count(name, count, total) for name, count in list(counts.items())[:limit])
    return CappedCounts(rows, len(counts))


def answer_counts(
    standing: Mapping[str, int], by_service: Sequence[Mapping[str, int]], limit: int
) -> CappedCounts[AnswerCount]:
    """The ``limit`` answers that stand most often, then those that were given most often."""
    names = {name for counts in (standing, *by_service) for name in counts}
    rows = sorted(
        (
            AnswerCount(name, standing.get(name, 0), tuple(c.get(name, 0) for c in by_service))
            for name in names
        ),
        key=lambda row: (-row.standing, -sum(row.by_service), row.name),
    )
    return CappedCounts(tuple(rows[:limit]), len(rows))


def histogram(
    name: str,
    values: Iterable[float | None],
    *,
    marked: Iterable[bool] | None = None,
    meaning: str = "",
    unit: str = "",
    span: tuple[float, float] | None = None,
) -> Histogram | None:
    """The distribution of ``values`` in equal bins, or None when there is no finite value.

    ``span`` is the least that the axis covers; without it the axis covers the data, and is
    logarithmic when that is non-negative and spread over orders of magnitude.
    """
    every = np.asarray(list(values), dtype=float)
    kept = np.isfinite(every)
    data = every[kept]
    if not data.size:
        return None
    low, median, high = float(data.min()), float(np.median(data)), float(data.max())
    log = span is None and low >= 0 and high > _LOG_SPREAD * max(median, 1.0)
    if span is not None:
        edges = np.linspace(min(span[0], low), max(span[1], high), BINS + 1)
    elif log:
        # zero has no place on a logarithmic axis: it shares the first bin with one
        edges = np.geomspace(max(low, 1.0), high, BINS + 1)
        data = np.maximum(data, edges[0])
    else:
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    # geomspace may end a rounding error below the maximum
    edges[-1] = max(edges[-1], high)
    flags = np.zeros(data.size, bool) if marked is None else np.asarray(list(marked), bool)[kept]
    return Histogram(
        name,
        meaning,
        unit,
        log,
        tuple(edges.tolist()),
        tuple(np.histogram(data, edges)[0].tolist()),
        tuple(np.histogram(data[flags], edges)[0].tolist()),
        int(every.size - data.size),
        low,
        median,
        high,
    )
