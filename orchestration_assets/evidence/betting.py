"""Tests that may be looked at after every observation: wealth won by betting against a mean.

A gambler who stakes a share f of what is left on every observation x in [-1, 1] against "its
mean, given those before, is at most m" multiplies his wealth by 1 + f (x - m) / (1 + m). Were that
so, his wealth would gain nothing on average, and by Ville's inequality it would ever reach 1 / a
with a probability of at most a, however often one looks and whenever one stops. Several stakes at
once are averaged, which needs no knowledge of how far off the mean is. Nothing else is assumed:
neither a distribution nor a number of observations.

Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, Journal of
the Royal Statistical Society B 86 (2024), section 4; Ville 1939; Robbins 1970 for the mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STAKES: Final = (0.15, 0.3, 0.5, 0.9)
"""Shares of the most that may be staked: small ones see a small excess, large ones a landslide."""


@dataclass(frozen=True, slots=True)
class Wealth:
    """Logarithms of what bets have won, against each of K means with each of the stakes.

    ``above``: against means of at most the value, ``below``: of at least it; both of shape
    (K, ``len(STAKES)``). Of parts of one sequence of observations they add up.
    """

    above: Floats
    below: Floats

    def __add__(self, other: "Wealth") -> "Wealth":
        return Wealth(self.above + other.above, self.below + other.below)


def no_wealth(count: int) -> Wealth:
    """Before the first bet against so many means."""
    return Wealth(np.zeros((count, len(STAKES))), np.zeros((count, len(STAKES))))


def gains(observations: Floats, means: Floats) -> Wealth:
    """What each bet on observations wins against each of K means, of shape (..., K, stakes).

    ``observations``: in [-1, 1], of shape (..., K), the k-th held against the k-th mean, or
    (..., 1), each held against all. ``means``: shape (K,), in (-1, 1).
    """
    excess = observations - means
    stakes = np.array(STAKES)
    above = np.log1p((excess / (1.0 + means))[..., None] * stakes)
    below = np.log1p((-excess / (1.0 - means))[..., None] * stakes)
    return Wealth(above, below)


def bets(observations: Floats, means: Floats) -> Wealth:
    """What bets on all observations, of shape (n,) or (n, K), win together; see :func:`gains`."""
    seen = observations[:, None] if observations.ndim == 1 else observations
    each = gains(seen, means)
    return Wealth(each.above.sum(axis=0), each.below.sum(axis=0))


def log_evidence(wealth: Floats) -> Floats:
    """The logarithm of the mean wealth over all stakes, shape (..., K) of (..., K, stakes)."""
    most = wealth.max(axis=-1)
    mean: Floats = np.exp(wealth - most[..., None]).mean(axis=-1)
    found: Floats = most + np.log(mean)
    return found


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the mean lies by what was seen: None where nothing is ruled out on that side."""

    low: float | None
    high: float | None


def shown_by(wealth: Wealth, alarm: float) -> tuple[Bools, Bools]:
    """Which of the K means the observations are shown to lie above, and below.

    Each side is wrong with a probability of at most ``alarm``, over all looks together.
    """
    wanted = -np.log(alarm)
    return log_evidence(wealth.above) >= wanted, log_evidence(wealth.below) >= wanted


def bounds(values: Sequence[float], is_above: Bools, is_below: Bools) -> Bounds:
    """Between which of the values, rising, the mean lies, by which of them it was shown to be above
    and below."""
    above = np.logical_and.accumulate(is_above)
    below = np.logical_and.accumulate(is_below[::-1])[::-1]
    low = values[int(above.sum()) - 1] if above.any() else None
    high = values[len(values) - int(below.sum())] if below.any() else None
    return Bounds(low, high)
