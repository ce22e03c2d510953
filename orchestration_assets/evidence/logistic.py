"""Logistic regression held near what is known beforehand."""

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_ITERATIONS = 50
_NEAR = 1e-9
_SETTLED = 1e-8


def sigmoid(odds: Floats) -> Floats:
    """Probabilities of log-odds."""
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * odds))
    return found


def fit_logistic(
    design: Floats, target: Floats, ridge: Floats, centre: Floats, weights: Floats | None = None
) -> Floats:
    """(p,) coefficients of maximum likelihood with a penalty of ridge (coefficient - centre)^2 / 2.

    ``design`` (n, p), ``target`` (n,) in [0, 1]: a share stands for as many of both sides;
    ``ridge`` (p,) at least 0, ``centre`` (p,), ``weights`` (n,) of the rows, else 1. By Newton's
    method; a direction in which neither data nor ridge decide is left as it was.
    """
    weight = np.ones(len(design)) if weights is None else weights

    def loss(at: Floats) -> float:
        score = design @ at
        fit = (weight * (np.logaddexp(0.0, score) - target * score)).sum()
        return float(fit + 0.5 * (ridge * (at - centre) ** 2).sum())

    at = centre.astype(np.float64)
    floor = _NEAR * np.eye(len(at))
    for _ in range(_ITERATIONS):
        fitted = sigmoid(design @ at)
        slope = design.T @ (weight * (fitted - target)) + ridge * (at - centre)
        curve = design.T @ (design * (weight * fitted * (1.0 - fitted))[:, None])
        step = np.linalg.solve(curve + np.diag(ridge) + floor, slope)
        reached = loss(at)
        # far from the optimum a whole Newton step may overshoot, and never come back
        while loss(at - step) > reached and np.abs(step).max() > _SETTLED:
            step = 0.5 * step
        at = at - step
        if np.abs(step).max() < _SETTLED:
            break
    return at
