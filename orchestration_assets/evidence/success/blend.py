"""Several estimates of scores as one, as far as they held on items that they had not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_LEVEL_RIDGE = 20.0
_STANDARD_ERRORS = 1.0


@dataclass(frozen=True)
class Blend:
    """expected = overall + level of the item + contrast of the service on the item.

    ``overall`` (K,) are the services' mean scores. Each of ``M`` estimates (n, K) is parted into
    its item's level, which all services share, and the contrasts between services; ``levels``
    (M,) and ``contrasts`` (M,), at least 0, weigh them. ``contrasts`` alone decide who is better.
    """

    overall: Floats
    levels: Floats
    contrasts: Floats

    def __call__(self, estimates: Sequence[Floats]) -> Floats:
        """(n, K) expected scores in [0, 1]."""
        level, contrast = _parts(estimates, self.overall)
        blended = (
            self.overall
            + np.tensordot(self.levels, level, axes=1)
            + np.tensordot(self.contrasts, contrast, axes=1)
        )
        scores: Floats = np.clip(blended, 0.0, 1.0)
        return scores


def fit_blend(estimates: Sequence[Floats], scores: Floats, weights: Floats) -> Blend:
    """Least squares on ``estimates`` (M of (n, K)) of items that they have not seen.

    ``scores`` (n, K) with NaN where unknown, ``weights`` (n,). A weight keeps only what it has
    beyond one standard error: estimates that do not tell services apart leave the overall scores.
    """
    known = ~np.isnan(scores)
    weighted = known * weights[:, None]
    overall = _ratio((np.where(known, scores, 0.0) * weighted).sum(axis=0), weighted.sum(axis=0))
    residual = np.where(known, scores - overall, 0.0)
    item_level = _ratio((residual * known).sum(axis=1), known.sum(axis=1))[:, None]
    level, contrast = _parts(estimates, overall)
    return Blend(
        overall,
        _fit(
            np.broadcast_to(level, (len(level), len(scores), 1)),
            item_level,
            (weights * known.sum(axis=1))[:, None],
        ),
        _fit(contrast, residual - item_level, weighted),
    )


def _parts(estimates: Sequence[Floats], overall: Floats) -> tuple[Floats, Floats]:
    deviations = np.stack(estimates) - overall
    level = deviations.mean(axis=2, keepdims=True)
    return level, deviations - level


def _ratio(sums: Floats, counts: Floats) -> Floats:
    ratio: Floats = np.divide(
        sums, counts, out=np.zeros_like(sums, dtype=np.float64), where=counts > 0
    )
    return ratio


def _fit(parts: Floats, target: Floats, weights: Floats) -> Floats:
    """(M,) weights of at least 0, and of at most 1 together, less a standard error."""
    from scipy.optimize import nnls

    root = np.sqrt(weights)
    design = (parts * root).reshape(len(parts), -1).T
    aim = (target * root).ravel()
    found, _ = nnls(design, aim)
    fitted = design @ found
    power = float(fitted @ fitted)
    if power <= 0.0:
        return np.zeros(len(parts))
    # of the blend as a whole: by items, since outcomes of one item hang together
    per_item = ((aim - fitted) * fitted).reshape(len(target), -1).sum(axis=1)
    error = float(np.sqrt((per_item**2).sum())) / power
    kept = max(0.0, 1.0 - _STANDARD_ERRORS * error**2)
    shrunk: Floats = found * kept / max(1.0, float(found.sum()))
    return shrunk
