"""A text as hashed words, pairs of words, and character n-grams: what a taught model reads."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

BUCKETS: Final = 1 << 18
"""Places of each block of features; the places of the second block come after the first."""

_MAX_CHARS: Final = 4096
_TAIL_CHARS: Final = 1024
"""Of a longer text its beginning and its end are read: together no more than ``_MAX_CHARS``."""

# not the terms that are stored with an item's vectors: those are at most 512, without runs of
# characters within words, and kinds of source files are learned less well from them


@cache
def _hashers() -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer

    shared: dict[str, Any] = {"n_features": BUCKETS, "alternate_sign": False, "norm": None}
    words = HashingVectorizer(ngram_range=(1, 2), **shared | {"token_pattern": r"\w+|[^\w\s]"})
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **shared)
    return words, characters


def hashed_terms(texts: Sequence[str]) -> Any:
    """(n, 2 * ``BUCKETS``) sparse rows: 1 + ln(occurrences) of each word or pair of words, then of
    each run of 2 to 5 characters within words, lower-case, by their hashes (Weinberger et al.
    2009); each block as yet without a weight for rarity and without a norm."""
    from scipy.sparse import hstack

    shown = [_ends(text) for text in texts]
    blocks = [hasher.transform(shown) for hasher in _hashers()]
    for block in blocks:
        block.data = 1.0 + np.log(block.data)
    return hstack(blocks, format="csr")


def _ends(text: str) -> str:
    if len(text) <= _MAX_CHARS:
        return text
    return f"{text[: _MAX_CHARS - _TAIL_CHARS - 1]} {text[-_TAIL_CHARS:]}"
