"""Shares and means from answers that came in with unequal probabilities, with their intervals.

The weights are inverse probabilities. A mean is stabilised by their sum (Hajek 1971); its variance
is that of the linearised ratio (Sarndal, Swensson and Wretman 1992, 5.5).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.intervals import wilson_of_share
from orchestration_assets.evidence.recorded_answers import Bools, Floats, effective_count

ENOUGH_EFFECTIVE: Final = 30.0
"""Verdicts, as many as an even sample would have to hold, below which nothing is decided."""
MOST_OF_ONE: Final = 0.2
"""Share of all weight above which one verdict alone would decide."""

_LEVEL: Final = 0.975
_PRIOR: Final = 15.0  # answers by whose weight the variance is drawn to that of an even sample


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ``mean`` with its 95 % interval from ``low`` to ``high``, from ``count`` answers that tell
    as much as ``effective`` of an even sample."""

    mean: float
    low: float
    high: float
    count: int
    effective: float

    @property
    def in_points(self) -> str:
        """A difference of two shares in percentage points, with its interval."""
        low, mean, high = (100.0 * one for one in (self.low, self.mean, self.high))
        return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def insufficiency(weights: Floats, least: float = ENOUGH_EFFECTIVE) -> str | None:
    """Why answers of these weights are too few or too uneven to decide by; None if they are not."""
    effective = effective_count(weights)
    if effective < least:
        return (
            f"{len(weights)} verdicts tell as much as {effective:.0f} of an even sample, "
            f"{least:.0f} are needed"
        )
    if float(weights.max() / weights.sum()) > MOST_OF_ONE:
        return f"one of {len(weights)} verdicts holds more than {MOST_OF_ONE:.0%} of all weight"
    return None


def weighted_mean(values: Floats | Bools, weights: Floats) -> float:
    """The mean of values (n,) under weights (n,); 0 without any."""
    total = float(weights.sum())
    return float((weights * values).sum() / total) if total > 0.0 else 0.0


def share_estimate(hits: Bools | Floats, weights: Floats) -> Estimate | None:
    """The share of ``hits`` (n,), or the mean of scores in [0, 1], under weights (n,); None without
    any answer.

    The interval is Wilson's on the sample size that an even sample of this variance would have
    (Korn and Graubard 1998), at Student's quantile for the degrees of freedom that the weights
    leave. The variance is drawn to that of evenly weighed answers at a share drawn in by two
    successes and two failures (Agresti and Coull 1998): by itself it rests on the few answers of
    the highest weight, and is nought in a sample without failures.
    """
    if not len(hits) or not float(weights.sum()) > 0.0:
        return None
    kish = effective_count(weights)
    share = weighted_mean(hits, weights)
    inner = (share * kish + 2.0) / (kish + 4.0)
    seen = _linearised(hits, weights)[1] ** 2
    even = inner * (1.0 - inner) / kish
    variance = (kish * seen + _PRIOR * even) / (kish + _PRIOR)
    size = min(inner * (1.0 - inner) / variance, float(len(hits)))
    low, high = wilson_of_share(share, max(size, 1.0), student(max(kish - 1.0, 1.0)))
    return Estimate(share, low, high, len(hits), kish)


def difference_estimate(
    differences: Floats, weights: Floats, unseen: float = 1.0
) -> Estimate | None:
    """The mean of differences (n,) of two outcomes, each in [-1, 1], under weights (n,); None
    without any answer.

    One more answer for each side, of mean weight, keeps the interval honest where few answers
    differ (Bonett and Price 2012): it differs by ``unseen``, 1 where outcomes are right or wrong.
    """
    if not len(differences) or not float(weights.sum()) > 0.0:
        return None
    kish = effective_count(weights)
    mean, error = _linearised(differences, weights)
    extra = 2.0 * (unseen / (kish + 2.0)) ** 2
    half = student(max(kish - 1.0, 1.0)) * math.sqrt(error**2 + extra)
    return Estimate(mean, max(-1.0, mean - half), min(1.0, mean + half), len(differences), kish)


def error_cost_estimate(
    right: Bools, costs: Floats, costs_of_errors: Floats, weights: Floats
) -> Estimate | None:
    """The mean of ``costs`` (n,) where answers are ``right`` (n,), and of ``costs_of_errors`` (n,)
    where they are not, under weights (n,); None without any answer.

    Its interval is that of the share of errors, times what an error adds on average: a sample
    without errors does not show how costly they are.
    """
    share = share_estimate(right, weights)
    if share is None:
        return None
    mean = weighted_mean(np.where(right, costs, costs_of_errors), weights)
    added = weighted_mean(costs_of_errors - costs, weights)
    possible = np.concatenate([costs, costs_of_errors])
    ends = np.clip(
        [mean, *(mean + added * (share.mean - end) for end in (share.low, share.high))],
        possible.min(),
        possible.max(),
    ).tolist()
    return Estimate(mean, min(ends), max(ends), share.count, share.effective)


def _linearised(values: Floats | Bools, weights: Floats) -> tuple[float, float]:
    """The weighted mean and its standard error."""
    mean = weighted_mean(values, weights)
    kish = effective_count(weights)
    squares = float((weights**2 * (values - mean) ** 2).sum()) / float(weights.sum()) ** 2
    return mean, math.sqrt(squares * kish / max(kish - 1.0, 1.0))


def student(degrees: float) -> float:
    """The 97.5 % quantile of Student's t; ``degrees`` of freedom at least 1."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, _LEVEL))
