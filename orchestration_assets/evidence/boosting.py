"""Gradient-boosted trees (Friedman 2001) as plain arrays: a stored model is data, never code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.forest import Forest
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import Bools, Floats

_ROUNDS = 60


@dataclass(frozen=True)
class BoostedTrees:
    """p = sigmoid(``start`` + the sum of ``values`` (N,) over the leaves that a row reaches)."""

    forest: Forest
    values: Floats
    start: float

    def __call__(self, rows: Floats) -> Floats:
        """(n,) probabilities of rows (n, features)."""
        leaves = self.forest.leaves(rows)
        return sigmoid(self.start + self.values.take(leaves).sum(axis=1))


def fit_boosted(
    rows: Floats,
    positive: Bools,
    seed: int,
    weights: Floats | None = None,
    directions: Sequence[int] = (),
) -> BoostedTrees:
    """Histogram gradient boosting on the log-loss; rows (n, features) without NaN, ``positive``
    and ``weights`` (n,), else 1.

    ``directions`` of the first features: the probability never falls (1) or never rises (-1) as
    the feature rises; 0 or left out: either.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    if positive.all() or not positive.any():
        return _constant(
            float(np.clip(positive.mean(), 1e-4, 1.0 - 1e-4)) if len(positive) else 0.5
        )
    if weights is not None and (weights == 1.0).all():
        weights = None  # the quantiles of the histograms take ten times as long with weights
    fitted = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=30,
        l2_regularization=5.0,
        early_stopping=False,
        monotonic_cst=[*directions, *[0] * (rows.shape[1] - len(directions))],
        random_state=seed,
    ).fit(rows.astype(np.float32), positive, sample_weight=weights)
    features, thresholds, children, values, roots = [], [], [], [], []
    offset = depth = 0
    for (tree,) in fitted._predictors:  # the only place where scikit-learn keeps these trees
        nodes = tree.nodes
        leaf = nodes["is_leaf"].astype(np.bool_)
        itself = np.arange(len(nodes))
        pair = [np.where(leaf, itself, nodes[side]) for side in ("left", "right")]
        children.append(np.stack(pair, axis=1) + offset)
        features.append(np.where(leaf, 0, nodes["feature_idx"]))
        thresholds.append(np.where(leaf, 0.0, nodes["num_threshold"]))
        values.append(np.where(leaf, nodes["value"], 0.0))
        roots.append(offset)
        offset += len(nodes)
        depth = max(depth, int(nodes["depth"].max()))
    forest = Forest(
        np.concatenate(features).astype(np.int32),
        np.concatenate(thresholds).astype(np.float32),
        np.concatenate(children).astype(np.int32),
        np.array(roots, dtype=np.int32),
        depth,
    )
    start = float(np.ravel(fitted._baseline_prediction)[0])
    return BoostedTrees(forest, np.concatenate(values).astype(np.float64), start)


def _constant(share: float) -> BoostedTrees:
    single_leaf = Forest(
        np.zeros(1, dtype=np.int32),
        np.zeros(1, dtype=np.float32),
        np.zeros((1, 2), dtype=np.int32),
        np.zeros(1, dtype=np.int32),
        0,
    )
    return BoostedTrees(single_leaf, np.zeros(1), float(np.log(share / (1.0 - share))))
