"""Estimates of scores as one, as far as they held on items that they had not seen."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_STANDARD_ERRORS = 1.5
_MOST = 1.5


@dataclass(frozen=True)
class Blend:
    """expected = overall + level of the item + contrast of the service on the item.

    ``overall`` (K,) are the services' mean scores. Each of two estimates (n, K), that of trees and
    a linear one, is parted into its item's level, which all services share, and the contrasts
    between services; ``levels`` (2,) and ``contrasts`` (2,) weigh them. The contrasts alone decide
    who is better on an item.
    """

    overall: Floats
    levels: Floats
    contrasts: Floats

    def __call__(self, trees: Floats, linear: Floats) -> Floats:
        """(n, K) expected scores in [0, 1]."""
        level, contrast = _parts(trees, linear, self.overall)
        scores: Floats = np.clip(
            self.overall + level @ self.levels + contrast @ self.contrasts, 0.0, 1.0
        )
        return scores


def fit_blend(trees: Floats, linear: Floats, scores: Floats, weights: Floats) -> Blend:
    """By least squares on estimates (n, K) of items that they have not seen.

    ``scores`` (n, K) with NaN where unknown, ``weights`` (n,). Trees come first; the linear
    estimate has a part only where it lowers the squared error beyond noise. Weights are shrunk as
    far as they may be due to chance, to 0 within 1.5 standard errors: what does not tell services
    apart leaves the overall scores.
    """
    known = ~np.isnan(scores)
    weighted = known * weights[:, None]
    sums = np.where(known, scores, 0.0) * weighted
    overall = sums.sum(axis=0) / np.maximum(weighted.sum(axis=0), 1e-12)
    residual = np.where(known, scores - overall, 0.0)
    counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
    item_level = residual.sum(axis=1, keepdims=True) / counts
    level, contrast = _parts(trees, linear, overall)
    by_item = (weights * known.sum(axis=1))[:, None]
    return Blend(
        overall,
        _weights(level, item_level, by_item),
        _weights(contrast, np.where(known, residual - item_level, 0.0), weighted),
    )


def _parts(trees: Floats, linear: Floats, overall: Floats) -> tuple[Floats, Floats]:
    """The levels (n, 1, 2) and contrasts (n, K, 2) of both estimates."""
    deviations = np.stack([trees, linear], axis=2) - overall[:, None]
    level = deviations.mean(axis=1, keepdims=True)
    return level, deviations - level


def _weights(parts: Floats, target: Floats, weights: Floats) -> Floats:
    """(2,) weights, at least 0, of parts (n, outputs, 2) for the target (n, outputs)."""
    from scipy.optimize import nnls

    root = np.sqrt(weights)
    design = (parts * root[:, :, None]).reshape(-1, 2)
    aim = (target * root).ravel()
    alone = np.array([nnls(design[:, :1], aim)[0][0], 0.0])
    both = nnls(design, aim)[0]
    items = len(target)
    errors = [
        ((aim - design @ found) ** 2).reshape(items, -1).sum(axis=1) for found in (alone, both)
    ]
    gain = errors[0] - errors[1]
    beyond_noise = gain.sum() > _STANDARD_ERRORS * np.sqrt((gain**2).sum())
    found = both if beyond_noise else alone
    fitted = design @ found
    power = float(fitted @ fitted)
    if power <= 0.0:
        return np.zeros(2)
    # outcomes of one item hang together, so chance is counted by items
    by_item = ((aim - fitted) * fitted).reshape(items, -1).sum(axis=1)
    chance = (_STANDARD_ERRORS / power) ** 2 * float((by_item**2).sum())
    shrunk: Floats = found * max(0.0, 1.0 - chance) * min(1.0, _MOST / float(found.sum()))
    return shrunk
