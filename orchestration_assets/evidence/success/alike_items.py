"""Scores of the items that services did about as well on, as far as one can expect."""

from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.item_inputs import Floats32
from orchestration_assets.evidence.recorded_answers import Floats

_ALIKE = 100
_LEAST_PARTS = 4
_MOST_PLACES = 400
_NEAREST = 3
_BLOCK_ROWS = 1_024


@dataclass(frozen=True)
class AlikeItems:
    """``places`` (C, K) are expectations that items of training had, ``means`` (C, K) the mean
    scores of the items whose expectations were the nearest to each.

    Trees average few items each, so what they expect is uncertain; items of which they expect the
    same are many more, of the same kind or not.
    """

    places: Floats32
    means: Floats32

    def __call__(self, expected: Floats) -> Floats:
        """(n, K) from the expectations (n, K) of items: the means of the three nearest places."""
        points = expected.astype(np.float32)
        scores = np.empty_like(expected)
        count = min(_NEAREST, len(self.places))
        for begin in range(0, len(points), _BLOCK_ROWS):
            distances = _squared_distances(points[begin : begin + _BLOCK_ROWS], self.places)
            nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
            closeness = 1.0 / (np.take_along_axis(distances, nearest, axis=1) + 1e-4)
            closeness /= closeness.sum(axis=1, keepdims=True)
            scores[begin : begin + _BLOCK_ROWS] = np.einsum(
                "nc,nck->nk", closeness, self.means[nearest]
            )
        return scores


def fit_alike_items(
    expected: Floats, scores: Floats, weights: Floats, seed: int
) -> tuple[AlikeItems, Floats]:
    """The items' places, and (n, K) the means around each item without itself.

    ``expected`` (n, K) of items that were not seen, ``scores`` (n, K) with NaN where unknown.
    """
    count = max(1, min(_ALIKE, len(expected) // _LEAST_PARTS))
    points = expected.astype(np.float32)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(points))[:_MOST_PLACES])
    means = _means_around(points[drawn], points, scores, weights, count)
    if len(points) == 1:
        return AlikeItems(points, means.astype(np.float32)), means
    left_out = _means_around(points, points, scores, weights, count, itself=True)
    return AlikeItems(points[drawn], means.astype(np.float32)), left_out


def _means_around(
    at: Floats32,
    points: Floats32,
    scores: Floats,
    weights: Floats,
    count: int,
    itself: bool = False,
) -> Floats:
    known = ~np.isnan(scores)
    weighted = known * weights[:, None]
    sums = np.where(known, scores, 0.0) * weights[:, None]
    overall = sums.sum(axis=0) / np.maximum(weighted.sum(axis=0), 1e-12)
    means = np.empty((len(at), scores.shape[1]))
    for begin in range(0, len(at), _BLOCK_ROWS):
        distances = _squared_distances(at[begin : begin + _BLOCK_ROWS], points)
        if itself:
            rows = np.arange(len(distances))
            distances[rows, begin + rows] = np.inf
        nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
        total = weighted[nearest].sum(axis=1)
        means[begin : begin + _BLOCK_ROWS] = (sums[nearest].sum(axis=1) + overall) / (total + 1.0)
    return means


def _squared_distances(points: Floats32, places: Floats32) -> Floats32:
    squares = (points**2).sum(axis=1)[:, None] + (places**2).sum(axis=1)
    distances: Floats32 = np.maximum(squares - 2.0 * points @ places.T, 0.0)
    return distances
