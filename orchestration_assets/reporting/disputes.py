"""Figures of dispute kinds, of the basis of error risks, and the questions for people."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.disagreement.kinds.rule_precision import MEASURED, RulePrecision
from orchestration_assets.reporting.counts import CappedCounts, Count, Example
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import DISPUTE_KINDS, REVIEW_QUEUE, ReviewRow
from orchestration_assets.schemas.enums import Triage
from orchestration_assets.schemas.policy import Disagreement

_EXAMPLES = 5
_QUESTIONS = 200


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of dispute: how many questions of each task show it, and the plainest cases.

    ``measured``: how far its rule can be relied on, None where nobody else's cases tell; ``on``
    says whether it is looked for unless the policy says otherwise.
    """

    kind: str
    measured: RulePrecision | None
    on: bool
    tasks: tuple[Count, ...]
    examples: CappedCounts[Example]


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """One label task: what the risk of its answers rests on, and what becomes of them."""

    task: str
    bases: tuple[Count, ...]
    bands: tuple[Count, ...]


def kind_figures(kinds: pa.Table, *, quotes: bool = True) -> tuple[KindFigures, ...]:
    """Every kind, found or not, the most frequent first.

    What was seen may quote the content: it is left out without ``quotes``.
    """
    rows = list(DISPUTE_KINDS.rows(kinds))
    figures = []
    for kind, measured in MEASURED.items():
        of_kind = [row for row in rows if row.kind is kind]
        clearest = sorted(of_kind, key=lambda row: (-row.score, row.path, row.task))
        tasks = Counter(row.task for row in of_kind)
        examples = tuple(
            Example(row.path, " and ".join(row.services) + (f": {row.evidence}" if quotes else ""))
            for row in clearest[:_EXAMPLES]
        )
        figures.append(
            KindFigures(
                kind=kind.value,
                measured=measured,
                on=kind in Disagreement().kinds,
                tasks=tuple(Count(task, n, len(of_kind)) for task, n in sorted(tasks.items())),
                examples=CappedCounts(examples, len(of_kind)),
            )
        )
    return tuple(sorted(figures, key=lambda one: (-one.examples.total, one.kind)))


def risk_figures(resolutions: pa.Table) -> tuple[RiskFigures, ...]:
    """Every task with answers that carry a risk, by name."""
    bases: defaultdict[str, Counter[str]] = defaultdict(Counter)
    bands: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for task, basis, band in values(resolutions, "task", "risk_basis", "triage"):
        if band is not None:
            bases[task][basis or ""] += 1
            bands[task][band] += 1
    return tuple(
        RiskFigures(
            task,
            tuple(Count(name, n, bases[task].total()) for name, n in bases[task].most_common()),
            tuple(Count(band, bands[task][band], bands[task].total()) for band in Triage),
        )
        for task in sorted(bases)
    )


def questions_for_people(queue: pa.Table) -> CappedCounts[ReviewRow]:
    """The questions in the order of asking."""
    asked = (row for row in REVIEW_QUEUE.rows(queue) if row.probability is None)
    rows = sorted(asked, key=lambda row: row.place)
    return CappedCounts(tuple(rows[:_QUESTIONS]), len(rows))
