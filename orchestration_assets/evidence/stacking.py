"""Stacking (Wolpert 1992): several services' scores as one distribution over labels.

The weights discount services that are correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints

_MAX_ITERATIONS = 30
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class StackingModel:
    """p(c) ~ exp(w0 log prior + sum over services k of w_k answer score + v_k bin score).

    ``weights`` holds w0, then each service's w, then each service's v. All ones is naive Bayes.
    """

    services: tuple[int, ...]
    weights: Floats

    def __call__(self, log_prior: Floats, answer_scores: Floats, bin_scores: Floats) -> Floats:
        """(n, L) distributions from the log prior (L,) and the scores (n, K, L) of all services."""
        n = len(self.services)
        chosen = list(self.services)
        score = np.broadcast_to(
            self.weights[0] * log_prior, (len(answer_scores), len(log_prior))
        ).copy()
        score += np.einsum("k,nkl->nl", self.weights[1 : 1 + n], answer_scores[:, chosen])
        score += np.einsum("k,nkl->nl", self.weights[1 + n :], bin_scores[:, chosen])
        return softmax(score)


def softmax(scores: Floats) -> Floats:
    """Rows of scores as distributions."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    distributions: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return distributions


def fit_stacking(
    services: Sequence[int],
    log_prior: Floats,
    answer_scores: Floats,
    bin_scores: Floats,
    gold: Ints,
    ridge: float = 4.0,
    centre: Floats | None = None,
    weights: Floats | None = None,
) -> StackingModel:
    """Conditional logit (McFadden 1974), by Newton's method, with a ridge towards ``centre``: the
    weights of a :class:`StackingModel` before any label; None: all ones.

    ``log_prior`` (L,), ``answer_scores`` and ``bin_scores`` (n, K, L) should be out of fold: of
    tables that have not seen the item. ``gold`` (n,) are label codes; ``weights`` (n,) are those of
    the items, else 1.
    """
    columns = list(services)
    n_items, n_labels = len(gold), len(log_prior)
    log_priors = np.broadcast_to(log_prior, (n_items, 1, n_labels))
    features = np.concatenate(
        [log_priors, answer_scores[:, columns], bin_scores[:, columns]], axis=1
    )
    n_weights = features.shape[1]
    centre_weights = np.ones(n_weights) if centre is None else centre.astype(np.float64)
    item_weights = np.ones(n_items) if weights is None else weights
    found = centre_weights
    sum_at_gold = item_weights @ features[np.arange(n_items), :, gold]

    def loss(point: Floats) -> float:
        score = np.einsum("w,nwl->nl", point, features)
        highest = score.max(axis=1)
        total = highest + np.log(np.exp(score - highest[:, None]).sum(axis=1))
        log_loss = item_weights @ (total - score[np.arange(n_items), gold])
        return float(log_loss + 0.5 * ridge * ((point - centre_weights) ** 2).sum())

    for _ in range(_MAX_ITERATIONS):
        p = softmax(np.einsum("w,nwl->nl", found, features))
        weighted = features * p[:, None, :]
        expected = weighted.sum(axis=2)
        gradient = item_weights @ expected - sum_at_gold + ridge * (found - centre_weights)
        weighted *= item_weights[:, None, None]
        flattened = weighted.transpose(1, 0, 2).reshape(n_weights, -1)
        hessian = flattened @ features.transpose(1, 0, 2).reshape(n_weights, -1).T
        hessian += ridge * np.eye(n_weights) - expected.T @ (expected * item_weights[:, None])
        step = np.linalg.solve(hessian, gradient)
        # far from the optimum a whole Newton step may overshoot, and never come back
        current_loss = loss(found)
        while loss(found - step) > current_loss and np.abs(step).max() > _TOLERANCE:
            step = 0.5 * step
        found = found - step
        if np.abs(step).max() < _TOLERANCE:
            break
    return StackingModel(tuple(columns), found)
