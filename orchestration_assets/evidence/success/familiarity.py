"""How near an item is to the items that a model was learned from."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.item_inputs import Floats32
from orchestration_assets.evidence.item_terms import ItemTerms
from orchestration_assets.evidence.recorded_answers import Floats

_MOST_REFERENCES = 1_500
_NEAREST = 5
_BLOCK_ROWS = 1_024


@dataclass(frozen=True)
class Familiarity:
    """``references`` (R, D) are items learned from, at length 1; ``nearness`` (Q,), ascending, is
    how near those are to each other."""

    references: Floats32
    nearness: Floats

    def __call__(self, shape: Floats, topics: Floats, terms: ItemTerms | None) -> Floats:
        """(n,) shares of the items learned from that are at most as near to the others."""
        if not len(self.nearness):
            return np.ones(len(shape))
        near = _nearness(_points(shape, topics), self.references, _NEAREST)
        shares: Floats = np.searchsorted(self.nearness, near, side="right") / len(self.nearness)
        return shares


def fit_familiarity(shape: Floats, topics: Floats, seed: int) -> Familiarity:
    """From the rows (n, features) and (n, D) of the items learned from."""
    order = np.random.default_rng(seed).permutation(len(shape))[:_MOST_REFERENCES]
    points = _points(shape[order], topics[order])
    if len(points) <= _NEAREST:
        return Familiarity(points, np.zeros(0))
    # each is the nearest to itself
    return Familiarity(points, np.sort(_nearness(points, points, _NEAREST + 1, skip=1)))


def _points(shape: Floats, topics: Floats) -> Floats32:
    rows = np.hstack([topics, 0.1 * shape / np.sqrt(max(shape.shape[1], 1))])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


def _nearness(points: Floats32, references: Floats32, nearest: int, skip: int = 0) -> Floats:
    near = np.empty(len(points))
    count = min(nearest, len(references))
    for begin in range(0, len(points), _BLOCK_ROWS):
        cosines = points[begin : begin + _BLOCK_ROWS] @ references.T
        top = np.sort(np.partition(cosines, -count, axis=1)[:, -count:], axis=1)
        near[begin : begin + _BLOCK_ROWS] = top[:, : count - skip].mean(axis=1)
    return near
