"""Several services' evidence as one distribution over labels, correlated services discounted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats, Ints

_MOST_ITERATIONS = 30
_SETTLED = 1e-6


@dataclass(frozen=True)
class Stack:
    """p(c) proportional to exp(w0 log prior + sum over services of w_k said_k + v_k sure_k).

    ``weights`` holds w0, then each service's w, then each service's v. All ones is naive Bayes.
    """

    services: tuple[int, ...]
    weights: Floats

    def __call__(self, prior: Floats, said: Floats, sure: Floats) -> Floats:
        """(n, L) distributions from the log prior (L,) and the scores (n, K, L) of all services."""
        n = len(self.services)
        chosen = list(self.services)
        score = np.broadcast_to(self.weights[0] * prior, (len(said), len(prior))).copy()
        score += np.einsum("k,nkl->nl", self.weights[1 : 1 + n], said[:, chosen])
        score += np.einsum("k,nkl->nl", self.weights[1 + n :], sure[:, chosen])
        return softmax(score)


def softmax(scores: Floats) -> Floats:
    """Rows of scores as distributions."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def fit_stack(
    services: Sequence[int],
    prior: Floats,
    said: Floats,
    sure: Floats,
    gold: Ints,
    ridge: float = 4.0,
    centre: Floats | None = None,
) -> Stack:
    """Conditional logit (McFadden 1974), by Newton's method, with a ridge towards ``centre``: the
    weights of a :class:`Stack` that are right if the labels teach nothing; None: all ones.

    ``prior`` (L,), ``said`` and ``sure`` (n, K, L) should be out of fold: scores of tables that
    have not seen the item. ``gold`` (n,) are label codes.
    """
    chosen = list(services)
    n_items, n_labels = len(gold), len(prior)
    every = np.broadcast_to(prior, (n_items, 1, n_labels))
    features = np.concatenate([every, said[:, chosen], sure[:, chosen]], axis=1)
    n_weights = features.shape[1]
    start = np.ones(n_weights) if centre is None else centre.astype(np.float64)
    weights = start
    at_gold = features[np.arange(n_items), :, gold].sum(axis=0)

    def loss(at: Floats) -> float:
        score = np.einsum("w,nwl->nl", at, features)
        top = score.max(axis=1)
        total = top + np.log(np.exp(score - top[:, None]).sum(axis=1))
        missed = (total - score[np.arange(n_items), gold]).sum()
        return float(missed + 0.5 * ridge * ((at - start) ** 2).sum())

    for _ in range(_MOST_ITERATIONS):
        p = softmax(np.einsum("w,nwl->nl", weights, features))
        weighted = features * p[:, None, :]
        expected = weighted.sum(axis=2)
        slope = expected.sum(axis=0) - at_gold + ridge * (weights - start)
        flat = weighted.transpose(1, 0, 2).reshape(n_weights, -1)
        curve = flat @ features.transpose(1, 0, 2).reshape(n_weights, -1).T
        curve += ridge * np.eye(n_weights) - expected.T @ expected
        step = np.linalg.solve(curve, slope)
        # far from the optimum a whole Newton step may overshoot, and never come back
        reached = loss(weights)
        while loss(weights - step) > reached and np.abs(step).max() > _SETTLED:
            step = 0.5 * step
        weights = weights - step
        if np.abs(step).max() < _SETTLED:
            break
    return Stack(tuple(chosen), weights)
