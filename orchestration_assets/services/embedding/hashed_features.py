"""Signed feature hashing, as both hashed vectors use it."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final

from orchestration_assets.services.embedding.vector_readings import DIMENSIONS

_MOST_WORDS: Final = 1 << 16


def hashed_vector(features: Mapping[str, float]) -> Any:
    """A vector of 256 sums: each feature's value in the place, and with the sign, of its hash.

    The hashing that scikit-learn's HashingVectorizer applies to counts (Weinberger et al. 2009),
    for values that are already dampened.
    """
    import numpy as np

    weights = np.fromiter(features.values(), np.float64, len(features))
    return vector_of_hashes(_hashes(features), weights)


@cache
def _remembered() -> list[dict[str, int]]:
    """One dict, word -> its hash; it only grows, and a full one is replaced."""
    return [{}]


def _hashes(words: Collection[str]) -> Any:
    """The words of a language come again in every item."""
    import numpy as np

    from orchestration_assets.text.murmur_hashes import murmur_hashes

    known = _remembered()[0]
    new = [word for word in words if word not in known]
    if new and len(known) + len(new) > _MOST_WORDS:
        known = _remembered()[0] = {}
        new = list(words)
    if new:
        known.update(zip(new, murmur_hashes(new).tolist(), strict=True))
    return np.fromiter(map(known.__getitem__, words), np.int32, len(words))


def vector_of_hashes(hashes: Any, weights: Any) -> Any:
    """The same vector, of features that are given by their hashes (int32) and weights."""
    import numpy as np

    wide = hashes.astype(np.int64)
    signed = np.where(wide >= 0, weights, -weights)
    return np.bincount(np.abs(wide) % DIMENSIONS, signed, DIMENSIONS)
