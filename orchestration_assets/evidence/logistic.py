"""Logistic regression with a ridge towards given coefficients."""

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_MAX_ITERATIONS = 50
_MIN_CURVATURE = 1e-9
_TOLERANCE = 1e-8


def sigmoid(log_odds: Floats) -> Floats:
    """Probabilities of log-odds."""
    probabilities: Floats = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return probabilities


def fit_logistic(
    design: Floats, target: Floats, ridge: Floats, centre: Floats, weights: Floats | None = None
) -> Floats:
    """(p,) coefficients of maximum likelihood with a penalty of ridge (coefficient - centre)^2 / 2.

    ``design`` (n, p), ``target`` (n,) in [0, 1]: a share stands for as many of both sides;
    ``ridge`` (p,) at least 0, ``centre`` (p,), ``weights`` (n,) of the rows, else 1. By Newton's
    method; a direction in which neither data nor ridge decide keeps its ``centre``.
    """
    row_weights = np.ones(len(design)) if weights is None else weights

    def loss(point: Floats) -> float:
        score = design @ point
        log_loss = (row_weights * (np.logaddexp(0.0, score) - target * score)).sum()
        return float(log_loss + 0.5 * (ridge * (point - centre) ** 2).sum())

    coefficients = centre.astype(np.float64)
    floor = _MIN_CURVATURE * np.eye(len(coefficients))
    for _ in range(_MAX_ITERATIONS):
        fitted = sigmoid(design @ coefficients)
        gradient = design.T @ (row_weights * (fitted - target)) + ridge * (coefficients - centre)
        hessian = design.T @ (design * (row_weights * fitted * (1.0 - fitted))[:, None])
        step = np.linalg.solve(hessian + np.diag(ridge) + floor, gradient)
        current_loss = loss(coefficients)
        # far from the optimum a whole Newton step may overshoot, and never come back
        while loss(coefficients - step) > current_loss and np.abs(step).max() > _TOLERANCE:
            step = 0.5 * step
        coefficients = coefficients - step
        if np.abs(step).max() < _TOLERANCE:
            break
    return coefficients
