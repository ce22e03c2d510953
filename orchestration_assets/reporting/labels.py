"""Measures of label tasks: how answers are spread, and which conflicts recur."""

from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.reporting.counts import CappedCounts, frame, share, value_counts
from orchestration_assets.schemas.enums import AnswerKind

_ANSWERS = 12
_CONFLICTS = 10


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """One label: how often it stands, and how often each service gave it."""

    answer: str
    standing: int
    by_service: tuple[int, ...]


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
    answers: CappedCounts[AnswerFigures]
    conflicts: CappedCounts[ConflictFigures]
    kind: AnswerKind = AnswerKind.LABEL

    def standing_share(self, answer: AnswerFigures) -> float:
        """Share of the standing answers."""
        return share(answer.standing, self.standing)

    def given_share(self, answer: AnswerFigures, column: int) -> float:
        """Share of one service's answers."""
        return share(answer.by_service[column], self.given[column])


def label_figures(
    services: tuple[str, ...], readings: pa.Table, resolved: pa.Table, disagreements: pa.Table
) -> LabelFigures:
    """The measures of one task's answers, standing answers and disagreements."""
    standing = value_counts(frame(resolved, "answer")["answer"])
    rows = frame(readings, "service", "answer")
    by_service = [
        value_counts(rows.loc[rows["service"] == service, "answer"]) for service in services
    ]
    names = {name for counts in (standing, *by_service) for name in counts}
    every = sorted(
        (
            AnswerFigures(
                name, standing.get(name, 0), tuple(counts.get(name, 0) for counts in by_service)
            )
            for name in names
        ),
        key=lambda one: (-one.standing, -sum(one.by_service), one.answer),
    )
    return LabelFigures(
        services=services,
        standing=resolved.num_rows,
        given=tuple(sum(counts.values()) for counts in by_service),
        answers=CappedCounts(tuple(every[:_ANSWERS]), len(every)),
        conflicts=_conflicts(resolved, disagreements),
    )


def _conflicts(resolved: pa.Table, disagreements: pa.Table) -> CappedCounts[ConflictFigures]:
    sides = ["service_a", "answer_a", "service_b", "answer_b"]
    rows = frame(disagreements, "item_id", *sides, "severity", "path")
    standing = frame(resolved, "item_id", "answer").set_index("item_id")["answer"]
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
