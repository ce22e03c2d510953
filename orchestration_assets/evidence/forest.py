"""Extremely randomised trees as plain arrays, whose leaves are averaged over any target values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.recorded_answers import Bools, Floats

_LEAF = -1
_BLOCK_ROWS = 4_096
_FEW_ROWS = 64
_CHECK_STEPS = 5

Nodes = NDArray[np.int32]


@dataclass(frozen=True)
class Forest:
    """``T`` binary trees in one table of ``N`` nodes.

    Node ``i`` sends a row on to ``children[i, 0]`` when its ``feature[i]`` is at most
    ``threshold[i]``, else to ``children[i, 1]``; both children of a leaf are the leaf itself.
    ``roots`` (T,) are where the trees begin; ``depth`` steps reach every leaf.
    """

    feature: Nodes
    threshold: NDArray[np.float32]
    children: Nodes
    roots: Nodes
    depth: int

    @property
    def n_nodes(self) -> int:
        return len(self.feature)

    def leaves(self, rows: Floats) -> Nodes:
        """(n, T) the leaf that each of the rows (n, features) reaches in each tree."""
        values = np.ascontiguousarray(rows, dtype=np.float32)
        leaves = np.empty((len(rows), len(self.roots)), dtype=np.int32)
        for begin in range(0, len(rows), _BLOCK_ROWS):
            part = values[begin : begin + _BLOCK_ROWS]
            descend = self._walk if len(part) > _FEW_ROWS else self._walk_few
            leaves[begin : begin + _BLOCK_ROWS] = descend(part)
        return leaves

    def _walk_few(self, values: NDArray[np.float32]) -> Nodes:
        """All trees at once: for few rows, what a call to numpy takes is what counts."""
        begin = np.arange(len(values), dtype=np.int32)[:, None] * np.int32(values.shape[1])
        at: Nodes = np.repeat(self.roots[None, :], len(values), axis=0)
        flat, pairs = values.ravel(), self.children.ravel()
        for _ in range(self.depth):
            higher = flat.take(begin + self.feature.take(at)) > self.threshold.take(at)
            below = pairs.take(2 * at + higher)
            if (below == at).all():
                break
            at = below
        return at

    def _walk(self, values: NDArray[np.float32]) -> Nodes:
        at: Nodes = np.repeat(self.roots[:, None], len(values), axis=1)
        begin = np.arange(len(values), dtype=np.int32) * np.int32(values.shape[1])
        flat, pairs = values.ravel(), self.children.ravel()
        for tree in range(len(self.roots)):
            here, rows, start = at[tree], np.arange(len(values)), begin
            for done in range(0, self.depth, _CHECK_STEPS):
                now = before = here.take(rows)
                for _ in range(min(_CHECK_STEPS, self.depth - done)):
                    before = now
                    higher = flat.take(start + self.feature.take(now)) > self.threshold.take(now)
                    now = pairs.take(2 * now + higher)
                here[rows] = now
                # most rows reach their leaf long before the deepest one does
                moved = now != before
                rows, start = rows[moved], start[moved]
                if not len(rows):
                    break
        return at.T


def grow_forest(
    rows: Floats,
    targets: Floats,
    n_trees: int,
    min_leaf: int,
    seed: int,
    weights: Floats | None = None,
    max_features: float = 0.7,
) -> tuple[Forest, Bools]:
    """A forest of extremely randomised trees (Geurts et al. 2006) on bootstrap samples.

    ``rows`` (n, features) without NaN, ``targets`` (n, outputs), ``weights`` (n,) of the rows,
    else 1; each split looks at a share ``max_features`` of the features. Also gives (n, T) which
    rows each tree was grown on, so that estimates can be made from trees that have not seen a row.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    outputs = targets[:, 0] if targets.shape[1] == 1 else targets
    fitted = ExtraTreesRegressor(
        n_estimators=n_trees,
        min_samples_leaf=min_leaf,
        max_features=max_features,
        bootstrap=True,
        random_state=seed,
        n_jobs=1,
    ).fit(rows.astype(np.float32), outputs, sample_weight=weights)
    in_bag = np.zeros((len(rows), n_trees), dtype=np.bool_)
    features, thresholds, children, roots = [], [], [], []
    offset = depth = 0
    samples = zip(fitted.estimators_, fitted.estimators_samples_, strict=True)
    for number, (estimator, sample) in enumerate(samples):
        in_bag[sample, number] = True
        tree = estimator.tree_
        leaf = tree.children_left == _LEAF
        itself = np.arange(tree.node_count)
        pair = [np.where(leaf, itself, side) for side in (tree.children_left, tree.children_right)]
        children.append(np.stack(pair, axis=1) + offset)
        features.append(np.where(leaf, 0, tree.feature))
        thresholds.append(tree.threshold)
        roots.append(offset)
        offset += tree.node_count
        depth = max(depth, tree.max_depth)
    forest = Forest(
        np.concatenate(features).astype(np.int32),
        np.concatenate(thresholds).astype(np.float32),
        np.concatenate(children).astype(np.int32),
        np.array(roots, dtype=np.int32),
        depth,
    )
    return forest, in_bag


class LeafMeans:
    """Averages over the rows that grew each leaf, for any values of those rows.

    ``leaves`` (n, T) and ``in_bag`` (n, T) of the growing rows; ``weights`` (n,) of them, above 0,
    else 1.
    """

    def __init__(
        self, leaves: Nodes, in_bag: Bools, n_nodes: int, weights: Floats | None = None
    ) -> None:
        from scipy.sparse import csr_matrix

        rows, trees = np.nonzero(in_bag)
        at = leaves[rows, trees]
        counted = np.ones(len(rows)) if weights is None else weights.take(rows)
        counts = np.bincount(at, weights=counted, minlength=n_nodes)
        self._means = csr_matrix((counted / counts[at], (at, rows)), shape=(n_nodes, len(leaves)))
        rows, trees = np.nonzero(~in_bag)
        counts = np.bincount(rows, minlength=len(leaves))
        self._unseen = csr_matrix(
            (1.0 / counts[rows], (rows, leaves[rows, trees])), shape=(len(leaves), n_nodes)
        )

    def means(self, values: Floats) -> NDArray[np.float32]:
        """(N, outputs) leaf averages of values (n, outputs)."""
        means: NDArray[np.float32] = (self._means @ values).astype(np.float32)
        return means

    def out_of_bag(self, means: NDArray[np.float32]) -> Floats:
        """(n, outputs) each growing row's estimate, from the trees that have not seen it."""
        estimates: Floats = self._unseen @ means.astype(np.float64)
        return estimates


def forest_means(leaves: Nodes, means: NDArray[np.float32]) -> Floats:
    """(n, outputs) averages over trees of the leaf averages at ``leaves`` (n, T)."""
    estimates = np.empty((len(leaves), means.shape[1]))
    for output in range(means.shape[1]):
        estimates[:, output] = means[:, output].take(leaves).mean(axis=1)
    return estimates


def pack_forest(name: str, forest: Forest, arrays: dict[str, NDArray[Any]]) -> None:
    """Puts the forest's arrays under names that begin with ``name``."""
    arrays[f"{name}.feature"] = forest.feature.astype(np.int16)
    arrays[f"{name}.threshold"] = forest.threshold
    arrays[f"{name}.children"] = forest.children
    arrays[f"{name}.roots"] = forest.roots
    arrays[f"{name}.depth"] = np.array(forest.depth)


def unpack_forest(name: str, arrays: Mapping[str, NDArray[Any]]) -> Forest:
    """What :func:`pack_forest` stored."""
    return Forest(
        arrays[f"{name}.feature"].astype(np.int32),
        arrays[f"{name}.threshold"],
        arrays[f"{name}.children"],
        arrays[f"{name}.roots"],
        int(arrays[f"{name}.depth"]),
    )
