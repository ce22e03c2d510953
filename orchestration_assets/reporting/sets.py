"""Measures of set tasks: which members are named, how far lists overlap, who alone names what."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    AnswerCount,
    CappedCounts,
    Count,
    answer_counts,
    capped_counts,
    column_counts,
    share,
)
from orchestration_assets.schemas.enums import AnswerKind

_MEMBERS = 12
_MAX_EXCLUSIVE = 6


@dataclass(frozen=True, slots=True)
class OverlapFigures:
    """Two services' lists: their mean overlap, and what only one of them names where they differ.

    The overlap of two lists is the share of their members that both name.
    """

    a: str
    b: str
    compared: int
    overlap: float
    equal: int
    only_a: CappedCounts[Count]
    only_b: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """The answers of a set task. ``sizes`` is the mean length of each service's lists."""

    services: tuple[str, ...]
    given: tuple[int, ...]
    sizes: tuple[float, ...]
    standing: int
    members: CappedCounts[AnswerCount]
    overlaps: tuple[OverlapFigures, ...]
    kind: AnswerKind = AnswerKind.SET


def set_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> SetFigures:
    """The measures of one task's answers, standing answers and disputes."""
    given = column_counts(readings["service"])
    stands = _member_counts(resolved["answer_set"])
    by_service = [
        _member_counts(readings["answer_set"].filter(pc.equal(readings["service"], service)))
        for service in services
    ]
    counts = tuple(given.get(service, 0) for service in services)
    return SetFigures(
        services=services,
        given=counts,
        sizes=tuple(
            share(sum(members.values()), count)
            for members, count in zip(by_service, counts, strict=True)
        ),
        standing=resolved.num_rows,
        members=answer_counts(stands, by_service, _MEMBERS),
        overlaps=tuple(_overlaps(services, readings, disputes)),
    )


def _member_counts(lists: pa.ChunkedArray) -> dict[str, int]:
    return column_counts(pc.list_flatten(lists))


def _overlaps(
    services: tuple[str, ...], readings: pa.Table, disputes: pa.Table
) -> list[OverlapFigures]:
    lists = readings["answer_set"].combine_chunks()
    of_reading = pc.list_parent_indices(lists).to_numpy()
    members = pc.list_flatten(lists).dictionary_encode()
    items = readings["item_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    size = max(1, len(members.dictionary))
    # an item and a member as one number
    keys = items[of_reading].astype(np.int64) * size + members.indices.to_numpy()
    of_service = {
        service: np.unique(keys[pc.equal(readings["service"], service).to_numpy()[of_reading]])
        for service in services
    }
    figures = []
    for a, b in combinations(services, 2):
        first, second = of_service[a], of_service[b]
        overlap = _overlap_by_item(
            first // size, second // size, np.intersect1d(first, second) // size
        )
        of_pair = pc.and_(pc.equal(disputes["service_a"], a), pc.equal(disputes["service_b"], b))
        rows = disputes.filter(of_pair)
        if overlap.size:
            figures.append(
                OverlapFigures(
                    a,
                    b,
                    int(overlap.size),
                    float(overlap.mean()),
                    int((overlap >= 1.0).sum()),
                    _exclusive_members(rows.column("only_a")),
                    _exclusive_members(rows.column("only_b")),
                )
            )
    return figures


def _overlap_by_item(
    first: "np.ndarray[Any, Any]", second: "np.ndarray[Any, Any]", shared: "np.ndarray[Any, Any]"
) -> "np.ndarray[Any, Any]":
    """Shared members over all members, of each item that both services have a list for."""
    length = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    a, b, both = (np.bincount(items, minlength=length) for items in (first, second, shared))
    compared = (a > 0) & (b > 0)
    return both[compared] / (a + b - both)[compared]


def _exclusive_members(members: pa.ChunkedArray) -> CappedCounts[Count]:
    return capped_counts(_member_counts(members), _MAX_EXCLUSIVE)
