"""Measures of score tasks: where each service's scores lie, and how far two services part."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration_assets.reporting.counts import Histogram, frame, histogram, share, value_counts
from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.schemas.enums import AnswerKind

GRID = 20
SHADES = 6
_SCALES = ((0.0, 1.0), (-1.0, 1.0))


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One cell of a grid, from the lower left; ``shade`` runs from 1 to :data:`SHADES`."""

    x: int
    y: int
    shade: int


@dataclass(frozen=True, slots=True)
class ScorePair:
    """Two services' scores of the same items. A gap is the second's score minus the first's."""

    a: str
    b: str
    compared: int
    cells: tuple[ScoreCell, ...]
    gaps: Histogram
    gap: float
    higher: int


@dataclass(frozen=True, slots=True)
class FamilyScores:
    """Mean scores of one content family: by service (None without any), and as they stand."""

    family: str
    items: int
    means: tuple[float | None, ...]
    standing: float | None


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """The answers of a score task. ``low`` and ``high`` span every score that was given."""

    services: tuple[str, ...]
    low: float
    high: float
    distributions: tuple[Histogram, ...]
    pairs: tuple[ScorePair, ...]
    families: tuple[FamilyScores, ...]
    kind: AnswerKind = AnswerKind.SCORE

    def place(self, score: float) -> float:
        """Where on the span a score lies, from 0 to 1."""
        return min(1.0, max(0.0, share(score - self.low, self.high - self.low)))


def score_figures(
    services: tuple[str, ...],
    readings: pa.Table,
    resolved: pa.Table,
    disputes: pa.Table,
    families: "pd.Series[str]",
) -> ScoreFigures:
    """The measures of one task's answers and standing answers."""
    rows = frame(readings, "item_id", "service", "answer_score")
    wide = rows.pivot(index="item_id", columns="service", values="answer_score").reindex(
        columns=list(services)
    )
    low, high = _span(rows["answer_score"])
    drawn = (
        histogram(service, wide[service], span=(low, high), meaning="scores given")
        for service in services
    )
    pairs = (_pair(wide, a, b, disputes, (low, high)) for a, b in combinations(services, 2))
    stands = frame(resolved, "item_id", "answer_score").set_index("item_id")["answer_score"]
    return ScoreFigures(
        services=services,
        low=low,
        high=high,
        distributions=tuple(one for one in drawn if one is not None),
        pairs=tuple(one for one in pairs if one is not None),
        families=_families(services, wide, stands, families),
    )


def _span(scores: "pd.Series[Any]") -> tuple[float, float]:
    """The range of the scores, or a usual scale that they fit, so that pages compare."""
    if scores.empty:
        return _SCALES[0]
    low, high = float(scores.min()), float(scores.max())
    fitting = (scale for scale in _SCALES if scale[0] <= low and high <= scale[1])
    return next(fitting, (low, high if high > low else low + 1.0))


def _pair(
    wide: pd.DataFrame, a: str, b: str, disputes: pa.Table, span: tuple[float, float]
) -> ScorePair | None:
    both = wide[[a, b]].dropna()
    if both.empty:
        return None
    counted, _, _ = np.histogram2d(both[a], both[b], bins=GRID, range=[span, span])
    gaps = (both[b] - both[a]).to_numpy()
    rows = frame(disputes, "item_id", "service_a", "service_b")
    apart = rows.loc[(rows["service_a"] == a) & (rows["service_b"] == b), "item_id"]
    widest = float(max(np.abs(gaps).max(), (span[1] - span[0]) / 2))
    drawn = histogram(
        "gap", gaps, marked=both.index.isin(apart), meaning=f"{b} minus {a}", span=(-widest, widest)
    )
    assert drawn is not None  # there is a gap for every item that both scored
    return ScorePair(
        a, b, len(both), _cells(counted), drawn, float(gaps.mean()), int((gaps > 0).sum())
    )


def _cells(counted: "np.ndarray[Any, Any]") -> tuple[ScoreCell, ...]:
    # the root spreads the shades: else one crowded cell would wash out all others
    shades = np.ceil(SHADES * np.sqrt(counted / counted.max())).astype(int)
    return tuple(
        ScoreCell(int(x), int(y), int(shades[x, y]))
        for x, y in zip(*np.nonzero(counted), strict=True)
    )


def _families(
    services: tuple[str, ...],
    wide: pd.DataFrame,
    stands: "pd.Series[Any]",
    families: "pd.Series[str]",
) -> tuple[FamilyScores, ...]:
    of_reading = families.reindex(wide.index).fillna(NO_FAMILY).to_numpy()
    of_answer = families.reindex(stands.index).fillna(NO_FAMILY).to_numpy()
    means = wide.groupby(of_reading).mean()
    standing = stands.groupby(of_answer).mean()
    return tuple(
        FamilyScores(
            name,
            count,
            tuple(_number(means.at[name, service]) for service in services),
            _number(standing.get(name)),
        )
        for name, count in value_counts(pd.Series(of_reading, dtype="str")).items()
    )


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
