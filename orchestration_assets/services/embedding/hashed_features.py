"""Signed feature hashing, as both hashed vectors use it."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration_assets.services.embedding.vector_readings import DIMENSIONS
from orchestration_assets.text.word_memory import WordMemory


def _word_hashes(words: Sequence[str]) -> Sequence[int]:
    from orchestration_assets.text.murmur_hashes import murmur_hashes

    hashes: list[int] = murmur_hashes(words).tolist()
    return hashes


_HASHES = WordMemory(1 << 16, _word_hashes)


def hashed_vector(features: Mapping[str, float]) -> Any:
    """A vector of 256 sums: each feature's value in the place, and with the sign, of its hash.

    The hashing that scikit-learn's HashingVectorizer applies to counts (Weinberger et al. 2009),
    for values that are already dampened.
    """
    import numpy as np

    size = len(features)
    known = _HASHES.of(features)
    hashes = np.fromiter(map(known.__getitem__, features), np.int32, size)
    return vector_of_hashes(hashes, np.fromiter(features.values(), np.float64, size))


def vector_of_hashes(hashes: Any, weights: Any) -> Any:
    """The same vector, of features that are given by their hashes (int32) and weights."""
    import numpy as np

    wide = hashes.astype(np.int64)
    signed = np.where(wide >= 0, weights, -weights)
    return np.bincount(np.abs(wide) % DIMENSIONS, signed, DIMENSIONS)
