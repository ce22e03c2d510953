"""A test of a mean that may be looked at after every observation up to a planned number of them.

Bets (:mod:`orchestration_assets.evidence.betting`) may go on for ever, and pay for that: they need
more observations than a test that ends. This one spends its probability of a false alarm within
``planned`` observations, little of it early: what is seen of n of them must reach c / sqrt(n /
planned) standard errors. With c the normal quantile of 1 - alarm / 2, a Brownian motion reaches
that at any time up to the end with a probability of exactly ``alarm`` (reflection principle).

Sums of few failures are skewed, so the statistic is Johnson's corrected t; where the skewness is
too large for that it says nothing. That rests on the central limit theorem and is no guarantee for
every distribution: how often it is wrong is simulated (``python -m benchmarks canary``).

Sources: O'Brien and Fleming, Biometrics 35 (1979), and Lan and DeMets, Biometrika 70 (1983), for
the boundary; Johnson, Modified t tests and confidence intervals for asymmetrical populations,
Journal of the American Statistical Association 73 (1978), for the statistic.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.betting import Floats

FIRST_LOOK: Final = 0.1
"""Before this share of the planned observations nothing is said: bets see what is plain by then."""
MOST_SKEWED: Final = 0.25
"""Of the sum, the skewness beyond which it is not taken for normal, even when corrected."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Over how many observations the probability ``alarm`` of a false alarm is spent."""

    items: int
    alarm: float

    def needed(self, count: Floats) -> Floats:
        """How many standard errors show something after so many observations; infinite outside of
        the plan."""
        # a sixth of a second, for the few batches with a roll-out
        from scipy.special import ndtri

        part = np.asarray(count, dtype=np.float64) / self.items
        open_now = (part >= FIRST_LOOK) & (part <= 1.0)
        at_the_end = -ndtri(self.alarm / 2.0)
        now = at_the_end / np.sqrt(np.maximum(part, FIRST_LOOK))
        found: Floats = np.where(open_now, now, np.inf)
        return found


def power_sums(excess: Floats) -> Floats:
    """Sums of the first three powers of observations less the mean that they are held against:
    (n, K) to (K, 3). Of parts of one sequence they add up."""
    sums: Floats = np.stack([excess, excess**2, excess**3], axis=-1).sum(axis=0)
    return sums


def standard_errors(sums: Floats, count: Floats) -> Floats:
    """How many standard errors the mean lies above the one it is held against, by Johnson's t.

    ``sums``: shape (..., 3), see :func:`power_sums`, of ``count`` observations each, shape (...).
    0 where nothing can be said: of nothing, of what does not vary, and of what is too skewed.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square, cube = (sums[..., power] / count for power in range(3))
        variance = square - mean**2
        third = cube - 3.0 * mean * square + 2.0 * mean**3
        skewness = third / (variance**1.5 * np.sqrt(count))
        shifted = mean + third / (6.0 * variance * count) + third * (mean / variance) ** 2 / 3.0
        found = shifted / np.sqrt(variance / count)
    usable = (count > 1) & (variance > 1e-12) & (np.abs(skewness) <= MOST_SKEWED)
    known: Floats = np.where(usable, found, 0.0)
    return known
