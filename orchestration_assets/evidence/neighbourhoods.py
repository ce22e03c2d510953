"""Nearest neighbours in a space of vectors, and how far two spaces differ in them.

Spaces of different services have nothing in common but the contents in them, so neighbourhoods
are compared, not the vectors themselves.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.recorded_answers import Floats, Ints

Float32Array = NDArray[np.float32]

NEIGHBOURS: Final = 10
# below this, two unrelated spaces share a third of the neighbours by chance
MIN_ITEMS: Final = 3 * NEIGHBOURS
WINDOW: Final = 2_048  # similarities within a window only: its square is 16 MB, whatever the batch
_TIE_STEP: Final = np.float32(1e-7)


def similarities(vectors: Float32Array) -> Float32Array:
    """The cosine of every two of (n, d) vectors, (n, n); -inf of each with itself.

    Equal ones go to the earlier row, so that copies of one content are ranked alike everywhere: a
    later row loses 1e-7 a place. A zero vector is at right angles to all.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(norms > 0.0, norms, 1.0)
    similar: Float32Array = (directions @ directions.T).astype(np.float32, copy=False)
    similar -= _TIE_STEP * np.arange(len(directions), dtype=np.float32)
    np.fill_diagonal(similar, -np.inf)
    return similar


def nearest(similar: Float32Array) -> Ints:
    """The rows of the 10 nearest of each row, (n, 10), nearest first; n is 11 or more."""
    unordered = np.argpartition(-similar, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    order = np.argsort(-np.take_along_axis(similar, unordered, axis=1), axis=1, kind="stable")
    ordered: Ints = np.take_along_axis(unordered, order, axis=1)
    return ordered


def overlap_distance(near: Ints, other: Ints) -> Floats:
    """1 - the share of its 10 nearest that both spaces have in common, (n,)."""
    shared = (near[:, :, None] == other[:, None, :]).any(axis=2).sum(axis=1)
    distance: Floats = 1.0 - shared / NEIGHBOURS
    return distance


def shift(
    near: Ints, similar: Float32Array, other_near: Ints, other_similar: Float32Array
) -> Floats:
    """How far down the nearest of one space rank in the other, (n,) in [0, 1].

    The mean of 1 - trustworthiness and 1 - continuity (Venna and Kaski 2001), item by item: 0
    where both name the same ten, about one half where the spaces have nothing in common, 1 where
    the nearest of each are the farthest of the other. Unlike the overlap it still tells when no
    neighbour is shared, which in a large window is usual. n is 30 or more.
    """
    n = len(similar)
    largest_excess = NEIGHBOURS * (2 * n - 3 * NEIGHBOURS - 1) / 2
    shifts: Floats = (_excess_ranks(near, other_similar) + _excess_ranks(other_near, similar)) / (
        2 * largest_excess
    )
    return shifts


def _excess_ranks(near: Ints, similar: Float32Array) -> Floats:
    """The sum of the ranks beyond the tenth that the rows of ``near`` have in this space."""
    excess = np.zeros(len(near))
    for column in near.T:
        similarity = np.take_along_axis(similar, column[:, None], axis=1)
        ahead = (similar > similarity).sum(axis=1)
        excess += np.maximum(ahead + 1 - NEIGHBOURS, 0)
    return excess
