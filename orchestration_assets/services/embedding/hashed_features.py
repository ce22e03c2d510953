"""Signed feature hashing, as both hashed vectors use it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestration_assets.services.embedding.vector_readings import DIMENSIONS


@cache
def _hasher() -> Any:
    from sklearn.feature_extraction import FeatureHasher

    return FeatureHasher(DIMENSIONS, input_type="dict", alternate_sign=True)


def hashed_vector(features: Mapping[str, float]) -> Any:
    """A vector of 256 sums: each feature's value in the place, and with the sign, of its hash.

    The hashing that scikit-learn's HashingVectorizer applies to counts (Weinberger et al. 2009),
    for values that are already dampened.
    """
    return _hasher().transform([features]).toarray()[0]


def vector_of_hashes(hashes: Any, weights: Any) -> Any:
    """The same vector, of features that are given by their hashes (int32) and weights."""
    import numpy as np

    wide = hashes.astype(np.int64)
    signed = np.where(wide >= 0, weights, -weights)
    return np.bincount(np.abs(wide) % DIMENSIONS, signed, DIMENSIONS)
