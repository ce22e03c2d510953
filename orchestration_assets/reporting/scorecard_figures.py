"""What is known of the services over all batches: scorecards, calibration, drift."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from orchestration_assets.schemas.enums import Triage

BATCHES = 60


@dataclass(frozen=True, slots=True)
class CardFigures:
    """The services of one task."""

    task: str
    cards: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """One task over the latest batches, oldest first: mean error risk, share accepted, and share
    that stands against dissent, each in [0, 1]."""

    task: str
    batches: tuple[str, ...]
    risk: tuple[float, ...]
    accepted: tuple[float, ...]
    disputed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LearningFigures:
    """Everything on the page of the services."""

    tasks: tuple[CardFigures, ...]
    calibrations: tuple[dict[str, Any], ...]
    drift: tuple[DriftFigures, ...]
    thresholds: tuple[dict[str, Any], ...] = ()

    @property
    def odd_ones(self) -> int:
        """Services that repeat another or are broken."""
        cards = [card for task in self.tasks for card in task.cards]
        return sum(bool(card["broken"] or card["clone_of"]) for card in cards)


def learning_figures(
    cards: pa.Table,
    calibrations: pa.Table | None,
    batches: Iterable[tuple[str, pa.Table]],
    thresholds: pa.Table | None = None,
) -> LearningFigures:
    """From service_scorecards, calibration and vector_thresholds (None before they were made), and
    the columns task, error_risk, triage and dissenters of each batch's resolutions, oldest batch
    first."""
    by_task: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in cards.to_pylist():
        by_task[row["task"]].append(row)
    return LearningFigures(
        tuple(CardFigures(task, tuple(rows)) for task, rows in sorted(by_task.items())),
        tuple(calibrations.to_pylist()) if calibrations is not None else (),
        _drift(list(batches)[-BATCHES:]),
        tuple(thresholds.to_pylist()) if thresholds is not None else (),
    )


def _drift(batches: list[tuple[str, pa.Table]]) -> tuple[DriftFigures, ...]:
    points: defaultdict[str, list[tuple[str, float, float, float]]] = defaultdict(list)
    for batch, resolutions in batches:
        rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in resolutions.to_pylist():
            if row["error_risk"] is not None:
                rows[row["task"]].append(row)
        for task, of_task in rows.items():
            n = len(of_task)
            points[task].append(
                (
                    batch,
                    sum(row["error_risk"] for row in of_task) / n,
                    sum(row["triage"] == Triage.ACCEPT for row in of_task) / n,
                    sum(bool(row["dissenters"]) for row in of_task) / n,
                )
            )
    found = []
    for task, listed in sorted(points.items()):
        names, risk, accepted, disputed = zip(*listed, strict=True)
        found.append(DriftFigures(task, names, risk, accepted, disputed))
    return tuple(found)
