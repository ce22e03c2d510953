"""Vectors of an item's words by feature hashing: no model, no vocabulary, deterministic."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

DIMENSIONS: Final = 512
MAX_CHARS: Final = 16_384


@cache
def _hashing() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    words = {"token_pattern": r"\w+", "norm": None, "alternate_sign": True}
    return HashingVectorizer(n_features=DIMENSIONS, **words)


def hashed_words(texts: Sequence[str]) -> Any:
    """Vectors of the texts' first 16,384 characters, shape (texts, 512), float32.

    Each word is added, with the sign that its hash gives it, at the place that its hash gives it
    (Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning); a sum x becomes
    sign(x) ln(1 + |x|), so that frequent words do not drown the others; then the vector is brought
    to length 1. A text without words stays at 0.
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), np.float32)
    sums = _hashing().transform([text[:MAX_CHARS] for text in texts]).toarray()
    dampened = np.sign(sums) * np.log1p(np.abs(sums))
    lengths = np.linalg.norm(dampened, axis=1, keepdims=True)
    return (dampened / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def embedded_words(texts: Sequence[str]) -> Any:
    """Word embeddings, averaged, at length 1, by the optional extra ``semantic``; float32.

    Raises MissingExtraError, with the command that installs it, when the extra is missing.
    """
    from orchestration_assets.services.embedding.semantic_embedding import embed

    vectors = embed([text[:MAX_CHARS] for text in texts])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
