"""Measures of label tasks: how answers are spread, and which conflicts recur."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    AnswerCount,
    CappedCounts,
    answer_counts,
    column_counts,
    frame,
)
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
    sides = ["service_a", "answer_a", "service_b", "answer_b"]
    rows = frame(disputes, "item_id", *sides, "severity", "path")
    concerned = resolved.filter(pc.is_in(resolved["item_id"], pc.unique(disputes["item_id"])))
    standing = frame(concerned, "item_id", "answer").set_index("item_id")["answer"]
    answer = standing.reindex(rows["item_id"]).reset_index(drop=True)
    rows["stands_a"] = (rows["answer_a"] == answer).fillna(False)
    rows["stands_b"] = (rows["answer_b"] == answer).fillna(False)
    grouped = rows.groupby(sides).agg(
        items=("severity", "size"),
        stands_a=("stands_a", "sum"),
        stands_b=("stands_b", "sum"),
        severity=("severity", "mean"),
        example=("path", "min"),
    )
    # sums differ in their last digits with the order of rows, and must not decide a tie
    grouped["severity"] = grouped["severity"].round(9)
    first = grouped.sort_values(["items", "severity"], ascending=False, kind="stable")
    shown = first.head(_CONFLICTS).reset_index().to_dict("records")
    return CappedCounts(
        tuple(
            ConflictFigures(
                service_a=str(row["service_a"]),
                answer_a=str(row["answer_a"]),
                service_b=str(row["service_b"]),
                answer_b=str(row["answer_b"]),
                items=int(row["items"]),
                stands_a=int(row["stands_a"]),
                stands_b=int(row["stands_b"]),
                severity=float(row["severity"]),
                example=str(row["example"]),
            )
            for row in shown
        ),
        len(grouped),
    )
