"""Scores by trees: the mean scores of the items that share a leaf."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.forest import Forest, LeafMeans, forest_means, grow_forest
from orchestration_assets.evidence.item_inputs import Floats32
from orchestration_assets.evidence.recorded_answers import Floats

_PRIOR_SHARE = 0.05


@dataclass(frozen=True)
class TreeScores:
    """``leaf_means`` (N, K) are mean scores at the nodes of ``forest``."""

    forest: Forest
    leaf_means: Floats32

    def __call__(self, rows: Floats) -> Floats:
        """(n, K) expected scores of rows (n, features)."""
        return forest_means(self.forest.leaves(rows), self.leaf_means)


def fit_tree_scores(
    rows: Floats,
    scores: Floats,
    filled: Floats,
    weights: Floats,
    n_trees: int,
    min_leaf: int,
    max_features: float,
    seed: int,
) -> tuple[TreeScores, Floats]:
    """The trees, and (n, K) what the trees that have not seen an item expect of it.

    ``scores`` (n, K) with NaN where unknown; ``filled`` the same with estimates there, by which
    the trees are parted. Means are of known scores alone.
    """
    leaf_size = min(min_leaf, max(len(rows) // 4, 1))
    forest, in_bag = grow_forest(rows, filled, n_trees, leaf_size, seed, weights, max_features)
    leaves = LeafMeans(forest.leaves(rows), in_bag, forest.n_nodes, weights)
    known = ~np.isnan(scores)
    if known.all():
        means = leaves.means(scores)
    else:
        # a leaf with few known scores of a service stays near what was filled in
        shares = leaves.means(known.astype(np.float64))
        sums = leaves.means(np.where(known, scores, 0.0))
        prior = leaves.means(filled)
        means = (sums + _PRIOR_SHARE * prior) / (shares + _PRIOR_SHARE)
    return TreeScores(forest, means), leaves.out_of_bag(means)
