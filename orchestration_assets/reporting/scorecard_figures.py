"""What is known of the services over all batches: scorecards, calibration, drift."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.disputed import disputes_of
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
    CalibrationRow,
    FieldScore,
    ScorecardRow,
    VectorThresholdRow,
)
from orchestration_assets.schemas.enums import Triage
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, FrontierRow

BATCHES = 60
DriftMeans = Sequence[tuple[str, float, float, float]]
"""Of one batch: task, mean error risk, share accepted and share disputed, each in [0, 1]."""
DRIFT_COLUMNS: Final = ("item_id", "task", "error_risk", "triage")


@dataclass(frozen=True, slots=True)
class CardFigures:
    """The services of one task."""

    task: str
    cards: tuple[ScorecardRow, ...]

    @property
    def fields(self) -> dict[str, dict[str, FieldScore]]:
        """Records: field -> service -> what it did with it; empty for other kinds."""
        found: dict[str, dict[str, FieldScore]] = {}
        for card in self.cards:
            for one in card.fields or ():
                found.setdefault(one.pattern, {})[card.service] = one
        return found


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """One task over the latest batches, oldest first: mean error risk, share accepted, and share
    disputed, each in [0, 1]."""

    task: str
    batches: tuple[str, ...]
    risk: tuple[float, ...]
    accepted: tuple[float, ...]
    disputed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RegionFigures:
    """One kind of content: the service to ask there, and the ``others``, best first."""

    best: FrontierRow
    others: tuple[FrontierRow, ...]


@dataclass(frozen=True, slots=True)
class TaskRegions:
    """Who is best on what content in one task: over all of it, and by ``regions``."""

    task: str
    overall: RegionFigures
    regions: tuple[RegionFigures, ...]


@dataclass(frozen=True, slots=True)
class LearningFigures:
    """Everything on the page of the services."""

    tasks: tuple[CardFigures, ...]
    calibrations: tuple[CalibrationRow, ...]
    drift: tuple[DriftFigures, ...]
    thresholds: tuple[VectorThresholdRow, ...] = ()
    regions: tuple[TaskRegions, ...] = ()

    @property
    def odd_ones(self) -> int:
        """Services that repeat another or are broken."""
        cards = [card for task in self.tasks for card in task.cards]
        return sum(bool(card.broken or card.clone_of) for card in cards)


def learning_figures(
    cards: pa.Table,
    calibrations: pa.Table | None,
    batches: Iterable[tuple[str, DriftMeans]],
    thresholds: pa.Table | None = None,
    frontier: pa.Table | None = None,
) -> LearningFigures:
    """From service_scorecards, calibration, vector_thresholds and selection_frontier (None before
    they were made), and the :func:`drift_means` of each batch, oldest batch first."""
    by_task: defaultdict[str, list[ScorecardRow]] = defaultdict(list)
    for row in SERVICE_SCORECARDS.rows(cards):
        by_task[row.task].append(row)
    return LearningFigures(
        tuple(CardFigures(task, tuple(rows)) for task, rows in sorted(by_task.items())),
        tuple(CALIBRATION.rows(calibrations)) if calibrations is not None else (),
        _drift(list(batches)[-BATCHES:]),
        tuple(VECTOR_THRESHOLDS.rows(thresholds)) if thresholds is not None else (),
        _regions(frontier) if frontier is not None else (),
    )


def _regions(frontier: pa.Table) -> tuple[TaskRegions, ...]:
    rows = frontier.filter(pc.equal(frontier["view"], "region"))
    by_task: defaultdict[str, defaultdict[int, list[FrontierRow]]]
    by_task = defaultdict(lambda: defaultdict(list))
    for row in SELECTION_FRONTIER.rows(rows):
        by_task[row.task][row.place].append(row)
    return tuple(
        TaskRegions(
            task,
            _region(places[0]),
            tuple(_region(places[place]) for place in sorted(places) if place),
        )
        for task, places in sorted(by_task.items())
    )


def _region(rows: Iterable[FrontierRow]) -> RegionFigures:
    ranked = sorted(rows, key=lambda row: (row.policy != row.best, -row.accuracy, row.policy))
    return RegionFigures(ranked[0], tuple(ranked[1:]))


def _questions(rows: pa.Table) -> pa.ChunkedArray:
    """Item and task of each row as one word."""
    return pc.binary_join_element_wise(rows["item_id"], rows["task"], "\n")


def drift_means(resolutions: pa.Table, disagreements: pa.Table) -> DriftMeans:
    """How the questions of a batch went, by task: of its resolutions (columns item_id, task,
    error_risk, triage) that have a risk, and its disagreements (item_id, task, consequence)."""
    known = resolutions.filter(pc.is_valid(resolutions["error_risk"]))
    disputed_here = _questions(disputes_of(disagreements)).combine_chunks()
    accepted = pc.fill_null(pc.equal(known["triage"], Triage.ACCEPT.value), False)
    measures = pa.table(
        {
            "task": known["task"],
            "risk": known["error_risk"],
            "accepted": accepted.cast(pa.float64()),
            "disputed": pc.is_in(_questions(known), disputed_here).cast(pa.float64()),
        }
    )
    # one thread: sums of the same numbers in another order differ by a little
    grouped = measures.group_by("task", use_threads=False)
    means = grouped.aggregate([(name, "mean") for name in ("risk", "accepted", "disputed")])
    return list(values(means, "task", "risk_mean", "accepted_mean", "disputed_mean"))


def _drift(batches: Sequence[tuple[str, DriftMeans]]) -> tuple[DriftFigures, ...]:
    points: defaultdict[str, list[tuple[str, float, float, float]]] = defaultdict(list)
    for batch, means in batches:
        for task, risk, accepted, disputed in means:
            points[task].append((batch, risk, accepted, disputed))
    figures = []
    for task, listed in sorted(points.items()):
        figures.append(DriftFigures(task, *zip(*listed, strict=True)))
    return tuple(figures)
