"""Vectors of an item's words by feature hashing: no model, no vocabulary, deterministic."""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from orchestration_assets.text.murmur_hashes import murmur_hashes
from orchestration_assets.text.word_memory import WordMemory

DIMENSIONS: Final = 512
MAX_CHARS: Final = 16_384


_WORD: Final = re.compile(r"\w+")


def _signed_places(words: Sequence[str]) -> Sequence[int]:
    """1 + the place of each word, negative where its sign is."""
    hashes = murmur_hashes(words).astype(np.int64)
    places = np.abs(hashes) % DIMENSIONS + 1
    signed: list[int] = np.where(hashes >= 0, places, -places).tolist()
    return signed


# texts whose sums are there at once: what is computed of them stays in the processor's cache
_AT_ONCE: Final = 64
# some MB in each process
_PLACES: Final = WordMemory(1 << 16, _signed_places)


def _places(texts: Sequence[Sequence[str]]) -> Any:
    """Of every word of the texts, one after the other; int64, see :func:`_signed_places`."""
    known = _PLACES.of(chain.from_iterable(texts))
    count = sum(map(len, texts))
    return np.fromiter(map(known.__getitem__, chain.from_iterable(texts)), np.int64, count)


def hashed_words(texts: Sequence[str]) -> Any:
    """Vectors of the texts' first 16,384 characters, shape (texts, 512), float32.

    Each word is added, with the sign that its hash gives it, at the place that its hash gives it
    (Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning); a sum x becomes
    sign(x) ln(1 + |x|), so that frequent words do not drown the others; then the vector is brought
    to length 1. A text without words stays at 0.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for start in range(0, len(texts), _AT_ONCE):
        vectors[start : start + _AT_ONCE] = _hashed_words(texts[start : start + _AT_ONCE])
    return vectors


def _hashed_words(texts: Sequence[str]) -> Any:
    worded = [_WORD.findall(text[:MAX_CHARS].lower()) for text in texts]
    places = _places(worded)
    rows = np.repeat(np.arange(len(texts)), np.fromiter(map(len, worded), np.int64, len(texts)))
    cells = rows * DIMENSIONS + np.abs(places) - 1
    sums = np.bincount(cells, np.sign(places), len(texts) * DIMENSIONS)
    sums = sums.reshape(len(texts), DIMENSIONS)
    dampened = np.sign(sums) * np.log1p(np.abs(sums))
    lengths = np.linalg.norm(dampened, axis=1, keepdims=True)
    return dampened / np.where(lengths > 0, lengths, 1.0)


def embedded_words(texts: Sequence[str]) -> Any:
    """Word embeddings, averaged, at length 1, by the optional extra ``semantic``; float32.

    Raises MissingExtraError, with the command that installs it, when the extra is missing.
    """
    from orchestration_assets.services.embedding.semantic_embedding import embed

    vectors = embed([text[:MAX_CHARS] for text in texts])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
