"""Measures of label tasks: how answers are spread, and which conflicts recur."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    AnswerCount,
    CappedCounts,
    answer_counts,
    column_counts,
    grouped,
    numbers,
    sums_of,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind

_ANSWERS = 12
_CONFLICTS = 10


@dataclass(frozen=True, slots=True)
class ConflictFigures:
    """One pair of answers by one pair of services that recurs over items.

    ``stands_a`` and ``stands_b`` count the items where that side's answer stands.
    """

    service_a: str
    answer_a: str
    service_b: str
    answer_b: str
    items: int
    stands_a: int
    stands_b: int
    severity: float
    example: str


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """The answers of a label task. Columns of ``by_service`` follow ``services``."""

    services: tuple[str, ...]
    standing: int
    given: tuple[int, ...]
    answers: CappedCounts[AnswerCount]
    conflicts: CappedCounts[ConflictFigures]
    kind: AnswerKind = AnswerKind.LABEL


def label_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disputes: pa.Table
) -> LabelFigures:
    """The measures of one task's answers, standing answers and disputes."""
    standing = column_counts(resolved["answer"])
    by_service = [
        column_counts(readings["answer"].filter(pc.equal(readings["service"], service)))
        for service in services
    ]
    return LabelFigures(
        services=services,
        standing=resolved.num_rows,
        given=tuple(sum(counts.values()) for counts in by_service),
        answers=answer_counts(standing, by_service, _ANSWERS),
        conflicts=_conflicts(resolved, disputes),
    )


def _conflicts(resolved: pa.Table, disputes: pa.Table) -> CappedCounts[ConflictFigures]:
    sides = ("service_a", "answer_a", "service_b", "answer_b")
    concerned = resolved.filter(pc.is_in(resolved["item_id"], pc.unique(disputes["item_id"])))
    standing = dict(values(concerned, "item_id", "answer"))
    rows = list(values(disputes, "item_id", "path"))
    alike = dict(sorted(grouped(values(disputes, *sides)).items()))
    severities = sums_of(alike.values(), numbers(disputes["severity"])).tolist()
    figures = []
    for ((service_a, answer_a, service_b, answer_b), places), severity in zip(
        alike.items(), severities, strict=True
    ):
        items, paths = zip(*(rows[place] for place in places), strict=True)
        stand = [standing.get(item) for item in items]
        figures.append(
            ConflictFigures(
                service_a=service_a,
                answer_a=answer_a,
                service_b=service_b,
                answer_b=answer_b,
                items=len(places),
                stands_a=stand.count(answer_a),
                stands_b=stand.count(answer_b),
                # the last digits of a mean say nothing, and must not decide a tie
                severity=float(np.round(severity / len(places), 9)),
                example=min(paths),
            )
        )
    # ties stay in the order of the answers
    figures.sort(key=lambda one: (-one.items, -one.severity))
    return CappedCounts(tuple(figures[:_CONFLICTS]), len(figures))
