"""Measures of score tasks: where each service's scores lie, and how far two services part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    Histogram,
    Numbers,
    grouped,
    histogram,
    numbers,
    share,
    sums_of,
    value_counts,
)
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
    families: Mapping[str, str],
) -> ScoreFigures:
    """The measures of one task's answers and standing answers."""
    items, scores = _by_item(services, readings)
    low, high = _span(numbers(readings["answer_score"]))
    drawn = (
        histogram(service, scores[service], span=(low, high), meaning="scores given")
        for service in services
    )
    pairs = (
        _pair(items, scores, a, b, disputes, (low, high)) for a, b in combinations(services, 2)
    )
    return ScoreFigures(
        services=services,
        low=low,
        high=high,
        distributions=tuple(one for one in drawn if one is not None),
        pairs=tuple(one for one in pairs if one is not None),
        families=_families(items, scores, resolved, families),
    )


def _by_item(
    services: tuple[str, ...], readings: pa.Table
) -> tuple[tuple[str, ...], dict[str, Numbers]]:
    """The items in their order, and of each service its score of each, NaN without one."""
    items = tuple(sorted(pc.unique(readings["item_id"]).to_pylist()))
    scores = {service: np.full(len(items), np.nan) for service in services}
    for service, found in scores.items():
        own = readings.filter(pc.equal(readings["service"], service))
        places = pc.index_in(own["item_id"], value_set=pa.array(items, pa.string()))
        found[places.to_numpy()] = numbers(own["answer_score"])
    return items, scores


def _span(scores: Numbers) -> tuple[float, float]:
    """The range of the scores, or a usual scale that they fit, so that pages compare."""
    if not scores.size:
        return _SCALES[0]
    low, high = float(scores.min()), float(scores.max())
    fitting = (scale for scale in _SCALES if scale[0] <= low and high <= scale[1])
    return next(fitting, (low, high if high > low else low + 1.0))


def _pair(
    items: Sequence[str],
    scores: Mapping[str, Numbers],
    a: str,
    b: str,
    disputes: pa.Table,
    span: tuple[float, float],
) -> ScorePair | None:
    both = ~(np.isnan(scores[a]) | np.isnan(scores[b]))
    if not both.any():
        return None
    first, second = scores[a][both], scores[b][both]
    counted, _, _ = np.histogram2d(first, second, bins=GRID, range=[span, span])
    gaps = second - first
    of_pair = pc.and_(pc.equal(disputes["service_a"], a), pc.equal(disputes["service_b"], b))
    apart = frozenset(disputes["item_id"].filter(of_pair).to_pylist())
    marked = [item in apart for item, scored in zip(items, both, strict=True) if scored]
    widest = float(max(np.abs(gaps).max(), (span[1] - span[0]) / 2))
    drawn = histogram("gap", gaps, marked=marked, meaning=f"{b} minus {a}", span=(-widest, widest))
    assert drawn is not None  # there is a gap for every item that both scored
    return ScorePair(
        a, b, gaps.size, _cells(counted), drawn, float(gaps.mean()), int((gaps > 0).sum())
    )


def _cells(counted: "np.ndarray[Any, Any]") -> tuple[ScoreCell, ...]:
    # the root spreads the shades: else one crowded cell would wash out all others
    shades = np.ceil(SHADES * np.sqrt(counted / counted.max())).astype(int)
    return tuple(
        ScoreCell(int(x), int(y), int(shades[x, y]))
        for x, y in zip(*np.nonzero(counted), strict=True)
    )


def _families(
    items: Sequence[str],
    scores: Mapping[str, Numbers],
    resolved: pa.Table,
    families: Mapping[str, str],
) -> tuple[FamilyScores, ...]:
    of_item = [families.get(item, NO_FAMILY) for item in items]
    of_answer = [families.get(item, NO_FAMILY) for item in resolved["item_id"].to_pylist()]
    stands = _means(of_answer, numbers(resolved["answer_score"]))
    means = [_means(of_item, given) for given in scores.values()]
    return tuple(
        FamilyScores(name, count, tuple(mean.get(name) for mean in means), stands.get(name))
        for name, count in value_counts(of_item).items()
    )


def _means(families: Sequence[str], scores: Numbers) -> dict[str, float]:
    """Of the scores that were given, by the family beside each."""
    given = ~np.isnan(scores)
    places = dict(sorted(grouped(compress(families, given)).items()))
    sums = sums_of(places.values(), scores[given]).tolist()
    return {name: total / len(places[name]) for name, total in zip(places, sums, strict=True)}
