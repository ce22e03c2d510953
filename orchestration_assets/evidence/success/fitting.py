"""Learns which service does well on which items, from outcomes of earlier items."""

from collections.abc import Sequence

import numpy as np

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.alike_items import fit_alike_items
from orchestration_assets.evidence.success.blend import fit_blend
from orchestration_assets.evidence.success.familiarity import fit_familiarity
from orchestration_assets.evidence.success.item_space import fit_item_space
from orchestration_assets.evidence.success.linear_scores import fit_linear
from orchestration_assets.evidence.success.predictor import SuccessPredictor
from orchestration_assets.evidence.success.tree_scores import fit_tree_scores

# how many, the least items at a leaf, and the share of coordinates that a split looks at
_TREES = (100, 5, 1.0)
_LATER_TREES = (60, 10, 0.3)


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
    rows, filled = np.hstack([shape, topics]), _filled(scores, weights)
    trees, first = fit_tree_scores(rows, scores, filled, weights, *_TREES, seed)
    later_trees, later = fit_tree_scores(
        np.hstack([rows, first]), scores, filled, weights, *_LATER_TREES, seed + 1
    )
    alike, around = fit_alike_items(first, scores, weights, seed)
    slopes, linear = fit_linear(rows, filled, weights)
    unseen = (first + later + around) / 3.0
    blend = fit_blend(unseen, linear, scores, weights)
    known = fit_familiarity(shape, topics, seed)
    predictor = SuccessPredictor(
        tuple(services), space, trees, later_trees, alike, slopes, blend, known
    )
    return predictor, blend(unseen, linear)


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
