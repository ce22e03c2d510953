"""Scores as a linear function of where items lie."""

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_RIDGE = 20.0


def fit_linear(rows: Floats, targets: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """(F + 1, K) slopes of ridge regression of targets (n, K) on rows (n, F), the constant last;
    and its estimates (n, K) with each item left out."""
    design = np.column_stack([rows, np.ones(len(rows))])
    weighted = design * weights[:, None]
    penalty = np.append(np.full(rows.shape[1], _RIDGE), 1e-6)
    inverse = np.linalg.inv(design.T @ weighted + np.diag(penalty))
    slopes = inverse @ (weighted.T @ targets)
    leverage = np.minimum(np.einsum("nf,nf->n", design @ inverse, weighted), 0.999)[:, None]
    left_out: Floats = (design @ slopes - leverage * targets) / (1.0 - leverage)
    return slopes, left_out


def linear_scores(rows: Floats, slopes: Floats) -> Floats:
    """(n, K) from rows (n, F) and slopes (F + 1, K)."""
    scores: Floats = rows @ slopes[:-1] + slopes[-1]
    return scores
