"""Whether probabilities hold what they say, and how to make them."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.logistic import fit_logistic, sigmoid
from orchestration_assets.evidence.recorded_answers import Bools, Floats

_TINY = 1e-9


def logit(probabilities: Floats) -> Floats:
    """Log-odds; probabilities of 0 and 1 are kept finite."""
    inside = np.clip(probabilities, _TINY, 1.0 - _TINY)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds


@dataclass(frozen=True, slots=True)
class Platt:
    """p -> sigmoid(slope logit(p) + offset); the slope is positive, so the order stays."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, probabilities: Floats) -> Floats:
        return sigmoid(self.slope * logit(probabilities) + self.offset)


def fit_platt(
    probabilities: Floats, right: Bools, ridge: float = 1.0, weights: Floats | None = None
) -> Platt:
    """Maximum likelihood with a ridge of ``ridge`` towards leaving the probabilities as they are.

    A slope that would turn the order round is held at a small positive value.
    """
    odds = logit(probabilities)
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    start = np.array([1.0, 0.0])
    at = fit_logistic(design, right.astype(np.float64), np.full(2, ridge), start, weights)
    return Platt(max(float(at[0]), 1e-3), float(at[1]))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Equal-mass bins of stated probability: mean stated, share right, items in each."""

    stated: Floats
    observed: Floats
    counts: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: the mean gap, weighted by items, in [0, 1]."""
        gaps = np.abs(self.stated - self.observed) * self.counts
        return float(gaps.sum() / max(self.counts.sum(), 1.0))


def reliability(probabilities: Floats, right: Bools, n_bins: int = 15) -> Reliability:
    """Stated against observed, in up to ``n_bins`` bins of about equal size."""
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return Reliability(
        np.array([probabilities[part].mean() for part in parts]),
        np.array([right[part].mean() for part in parts]),
        np.array([float(len(part)) for part in parts]),
    )


def brier(probabilities: Floats, right: Bools) -> float:
    """Mean squared gap of probability and outcome, in [0, 1]; 0 is best."""
    return float(np.mean((probabilities - right) ** 2)) if len(right) else 0.0
