"""Learns which service does well on which items, from outcomes of earlier items."""

from collections.abc import Sequence

import numpy as np

from orchestration_assets.evidence.forest import LeafMeans, grow_forest
from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.blend import fit_blend
from orchestration_assets.evidence.success.familiarity import fit_familiarity
from orchestration_assets.evidence.success.item_space import fit_item_space
from orchestration_assets.evidence.success.predictor import SuccessPredictor

_TREES = 100
_MIN_LEAF = 5
_RIDGE = 20.0


def fit_success(
    items: ItemInputs, scores: Floats, weights: Floats, services: Sequence[str], seed: int = 0
) -> tuple[SuccessPredictor, Floats]:
    """The predictor, and (n, K) what it expects of each item when it has not seen its outcome.

    ``scores`` (n, K) lie in [0, 1], NaN where unknown; ``weights`` (n,), above 0, say how much
    each item counts. Raises ValueError when shapes do not fit together, without an item, and for
    scores outside [0, 1].
    """
    _check(items, scores, weights, services)
    space = fit_item_space(items, seed)
    shape, topics = space.shape(items), space.topics(items)
    rows = np.hstack([shape, topics])
    filled = _filled(scores, weights)
    forest, in_bag = grow_forest(rows, filled, _TREES, min(_MIN_LEAF, len(rows)), seed)
    leaves = LeafMeans(forest.leaves(rows), in_bag, forest.n_nodes)
    leaf_means = leaves.means(filled)
    slopes, left_out = _linear(rows, filled, weights)
    unseen = [leaves.out_of_bag(leaf_means), left_out]
    blend = fit_blend(unseen, scores, weights)
    predictor = SuccessPredictor(
        tuple(services),
        space,
        forest,
        leaf_means,
        slopes,
        blend,
        fit_familiarity(shape, topics, seed),
    )
    return predictor, blend(unseen)


def _check(items: ItemInputs, scores: Floats, weights: Floats, services: Sequence[str]) -> None:
    if not len(items) or not services:
        raise ValueError("no item or no service to learn from")
    if scores.shape != (len(items), len(services)) or weights.shape != (len(items),):
        raise ValueError(
            f"scores {scores.shape} and weights {weights.shape} do not fit to {len(items)} items "
            f"and {len(services)} services"
        )
    stated = scores[~np.isnan(scores)]
    if stated.size and not (stated.min() >= 0.0 and stated.max() <= 1.0):
        raise ValueError("scores must lie in [0, 1]")


def _filled(scores: Floats, weights: Floats) -> Floats:
    """Scores (n, K); where one is unknown, the service's mean, moved by the item's level."""
    known = ~np.isnan(scores)
    weighted = known * weights[:, None]
    zeroed = np.where(known, scores, 0.0)
    overall = (zeroed * weighted).sum(axis=0) / np.maximum(weighted.sum(axis=0), 1e-12)
    residual = np.where(known, scores - overall, 0.0)
    level = residual.sum(axis=1, keepdims=True) / (known.sum(axis=1, keepdims=True) + 1.0)
    filled: Floats = np.where(known, scores, np.clip(overall + level, 0.0, 1.0))
    return filled


def _linear(rows: Floats, targets: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """(F + 1, K) slopes of ridge regression, and its estimates (n, K) with each item left out."""
    design = np.column_stack([rows, np.ones(len(rows))])
    # directions of terms vary less than standardised features: a ridge of equal size shrinks more
    penalty = np.append(np.full(rows.shape[1], _RIDGE), 1e-6)
    weighted = design * weights[:, None]
    inverse = np.linalg.inv(design.T @ weighted + np.diag(penalty))
    slopes = inverse @ (weighted.T @ targets)
    leverage = np.minimum(np.einsum("nf,fg,ng->n", design, inverse, weighted), 0.999)[:, None]
    left_out: Floats = (design @ slopes - leverage * targets) / (1.0 - leverage)
    return slopes, left_out
