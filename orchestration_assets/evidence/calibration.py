"""Calibration of probabilities: Platt scaling, reliability diagrams, the Brier score."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.logistic import fit_logistic, sigmoid
from orchestration_assets.evidence.recorded_answers import Bools, Floats

_EPSILON = 1e-9


def logit(probabilities: Floats) -> Floats:
    """Log-odds; probabilities of 0 and 1 are kept finite."""
    inside = np.clip(probabilities, _EPSILON, 1.0 - _EPSILON)
    log_odds: Floats = np.log(inside) - np.log1p(-inside)
    return log_odds


@dataclass(frozen=True, slots=True)
class PlattScaling:
    """p -> sigmoid(slope logit(p) + offset) (Platt 1999); the slope is positive: order stays."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, probabilities: Floats) -> Floats:
        return sigmoid(self.slope * logit(probabilities) + self.offset)


def fit_platt_scaling(
    probabilities: Floats, correct: Bools, ridge: float = 1.0, weights: Floats | None = None
) -> PlattScaling:
    """Maximum likelihood with a ridge of ``ridge`` towards the identity.

    A slope that would reverse the order is held at a small positive value.
    """
    log_odds = logit(probabilities)
    design = np.stack([log_odds, np.ones_like(log_odds)], axis=1)
    start = np.array([1.0, 0.0])
    coefficients = fit_logistic(
        design, correct.astype(np.float64), np.full(2, ridge), start, weights
    )
    return PlattScaling(max(float(coefficients[0]), 1e-3), float(coefficients[1]))


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram: mean stated probability, share right and items of each bin."""

    stated: Floats
    observed: Floats
    counts: Floats

    @property
    def expected_calibration_error(self) -> float:
        """Mean gap of stated and observed, weighted by items, in [0, 1] (Naeini et al. 2015)."""
        gaps = np.abs(self.stated - self.observed) * self.counts
        return float(gaps.sum() / max(self.counts.sum(), 1.0))


def reliability(
    probabilities: Floats, correct: Bools, n_bins: int = 15, weights: Floats | None = None
) -> Reliability:
    """Stated against observed, in up to ``n_bins`` bins of about as many items; ``weights`` (n,),
    above 0, say how many items each stands for, else 1."""
    counts = np.ones(len(probabilities)) if weights is None else weights
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return Reliability(
        np.array([np.average(probabilities[part], weights=counts[part]) for part in parts]),
        np.array([np.average(correct[part], weights=counts[part]) for part in parts]),
        np.array([float(counts[part].sum()) for part in parts]),
    )


def brier_score(probabilities: Floats, correct: Bools, weights: Floats | None = None) -> float:
    """Mean squared gap of probability and outcome, in [0, 1]; 0 is best (Brier 1950). ``weights``
    (n,), above 0, say how many items each stands for, else 1."""
    if not len(correct):
        return 0.0
    return float(np.average((probabilities - correct) ** 2, weights=weights))
