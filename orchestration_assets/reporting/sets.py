"""Measures of set tasks: which members are named, how far lists overlap, who alone names what."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    capped_counts,
    frame,
    share,
    value_counts,
)
from orchestration_assets.schemas.enums import AnswerKind

_MEMBERS = 12
_ALONE = 6


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """One member: in how many standing answers it is, and how often each service named it."""

    member: str
    standing: int
    by_service: tuple[int, ...]


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
    members: CappedCounts[MemberFigures]
    overlaps: tuple[OverlapFigures, ...]
    kind: AnswerKind = AnswerKind.SET

    def standing_share(self, member: MemberFigures) -> float:
        """Share of the standing answers that hold it."""
        return share(member.standing, self.standing)

    def given_share(self, member: MemberFigures, column: int) -> float:
        """Share of one service's answers that hold it."""
        return share(member.by_service[column], self.given[column])


def set_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disagreements: pa.Table
) -> SetFigures:
    """The measures of one task's answers, standing answers and disagreements."""
    standing = _members(resolved)
    named = _members(readings)
    given = value_counts(frame(readings, "service")["service"])
    stands = value_counts(standing["member"])
    by_service = {
        service: value_counts(named.loc[named["service"] == service, "member"])
        for service in services
    }
    names = {name for counts in (stands, *by_service.values()) for name in counts}
    every = sorted(
        (
            MemberFigures(
                name,
                stands.get(name, 0),
                tuple(by_service[service].get(name, 0) for service in services),
            )
            for name in names
        ),
        key=lambda one: (-one.standing, -sum(one.by_service), one.member),
    )
    counts = tuple(given.get(service, 0) for service in services)
    return SetFigures(
        services=services,
        given=counts,
        sizes=tuple(
            share(sum(by_service[service].values()), count)
            for service, count in zip(services, counts, strict=True)
        ),
        standing=resolved.num_rows,
        members=CappedCounts(tuple(every[:_MEMBERS]), len(every)),
        overlaps=tuple(_overlaps(services, named, disagreements)),
    )


def _members(table: pa.Table) -> pd.DataFrame:
    """One row a member of an answer: its item and, in a table of readings, the service."""
    answers = table.column("answer_set").combine_chunks()
    parents = pc.list_parent_indices(answers)
    columns = [name for name in ("item_id", "service") if name in table.column_names]
    rows = frame(table.select(columns).take(parents), *columns)
    return rows.assign(member=pc.list_flatten(answers).to_pandas().to_numpy())


def _overlaps(
    services: tuple[str, ...], named: pd.DataFrame, disagreements: pa.Table
) -> list[OverlapFigures]:
    items, _ = pd.factorize(named["item_id"])
    members, vocabulary = pd.factorize(named["member"])
    size = max(1, len(vocabulary))
    keys = items.astype(np.int64) * size + members
    of_service = {
        service: np.unique(keys[(named["service"] == service).to_numpy()]) for service in services
    }
    alone = frame(disagreements, "service_a", "service_b")
    found = []
    for a, b in combinations(services, 2):
        first, second = of_service[a], of_service[b]
        overlap = _overlap_by_item(
            first // size, second // size, np.intersect1d(first, second) // size
        )
        ours = ((alone["service_a"] == a) & (alone["service_b"] == b)).to_numpy()
        rows = disagreements.filter(pa.array(ours))
        if overlap.size:
            found.append(
                OverlapFigures(
                    a,
                    b,
                    int(overlap.size),
                    float(overlap.mean()),
                    int((overlap >= 1.0).sum()),
                    _alone(rows.column("only_a")),
                    _alone(rows.column("only_b")),
                )
            )
    return found


def _overlap_by_item(
    first: "np.ndarray[Any, Any]", second: "np.ndarray[Any, Any]", shared: "np.ndarray[Any, Any]"
) -> "np.ndarray[Any, Any]":
    """Shared members over all members, of each item that both services have a list for."""
    length = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    a, b, both = (np.bincount(items, minlength=length) for items in (first, second, shared))
    compared = (a > 0) & (b > 0)
    return both[compared] / (a + b - both)[compared]


def _alone(members: pa.ChunkedArray) -> CappedCounts[Count]:
    return capped_counts(value_counts(pc.list_flatten(members).to_pandas()), _ALONE)
