"""Whether probabilities hold what they say, and how to make them."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded import Bools, Floats

_TINY = 1e-9


def logit(probabilities: Floats) -> Floats:
    """Log-odds; probabilities of 0 and 1 are kept finite."""
    inside = np.clip(probabilities, _TINY, 1.0 - _TINY)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds


def sigmoid(odds: Floats) -> Floats:
    """The inverse of :func:`logit`."""
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * odds))
    return found


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

    Newton's method; a slope that would turn the order round is held at a small positive value.
    """
    odds = logit(probabilities)
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    target = right.astype(np.float64)
    weight = np.ones_like(odds) if weights is None else weights
    start = np.array([1.0, 0.0])
    at = start.copy()

    def loss(parameters: Floats) -> float:
        score = design @ parameters
        fit = (weight * (np.logaddexp(0.0, score) - target * score)).sum()
        return float(fit + 0.5 * ridge * ((parameters - start) ** 2).sum())

    for _ in range(50):
        fitted = sigmoid(design @ at)
        slope = design.T @ (weight * (fitted - target)) + ridge * (at - start)
        curve = design.T @ (design * (weight * fitted * (1.0 - fitted))[:, None])
        step = np.linalg.solve(curve + ridge * np.eye(2), slope)
        # far from the optimum a whole Newton step may overshoot, and never come back
        while loss(at - step) > loss(at) and np.abs(step).max() > 1e-9:
            step = 0.5 * step
        at = at - step
        if np.abs(step).max() < 1e-8:
            break
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
