"""An item's terms: hashed words, pairs of words, parts of words and signs, with their counts."""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

import numpy as np

from orchestration_assets.features.vectors import MAX_CHARS

MAX_TERMS: Final = 512
COUNT_BITS: Final = 8
_MAX_COUNT: Final = (1 << COUNT_BITS) - 1
_ID_MASK: Final = (1 << (32 - COUNT_BITS)) - 1

_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
# marks that writers and converters of texts set, change and leave out at will
_LIGHT_MARKS: Final = frozenset(".,;:!?¡¿'\"`´()«»‹›·、。〈〉《》「」『』【】‐‑‒–—―‘’‚‛“”„‟•…′″-")  # noqa: RUF001 -- look-alike signs are what is folded
# the same tokens, light marks left out, of a text that is ASCII and has no capitals
_ASCII_TOKEN: Final = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9.,;:!?'\"`()-]")
_SCRIPT_WITHOUT_SPACES: Final = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_DIGIT: Final = re.compile(r"\d")
_SHORT_DIGITS: Final = 4
_LONG_WORD: Final = 6
_PART: Final = 4
_UTF_8: Final = ("utf-8", "surrogatepass")


def packed_terms(text: str) -> list[int]:
    """At most 512 terms of a text's first 16,384 characters, ascending; each is 32 bits: a hash of
    24 bits, then how often the term occurs, up to 255.

    Case, forms of compatibility (Unicode NFKC), white space and light punctuation do not matter.
    Terms are words, pairs of words that follow each other, the first and the last four letters of
    words of six and more, other signs, the text's first word and first pair; in scripts without
    spaces each character is a word; a number counts by how many digits it has. Where there are
    more terms, the most frequent stay; of equally frequent ones those of the lowest hash, so that
    items which share terms keep the same ones.
    """
    tokens = _tokens(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold())
    hashes = [number for token in tokens for number in _hashes_of(token)]
    words = [_encoded(token) for token in tokens]
    # the sum of a text that follows another goes on from that one's
    hashes += [crc32(second, spaced) for (_, spaced), (second, _) in pairwise(words)]
    hashes += [crc32(f"^{' '.join(tokens[:n])}".encode(*_UTF_8)) for n in (1, 2) if tokens]
    terms, times = np.unique(np.array(hashes, np.uint32) & _ID_MASK, return_counts=True)
    if len(terms) > MAX_TERMS:
        kept = np.sort(np.argsort(-times, kind="stable")[:MAX_TERMS])
        terms, times = terms[kept], times[kept]
    packed: list[int] = (terms << COUNT_BITS | np.minimum(times, _MAX_COUNT)).tolist()
    return packed


# The words of a language come again in every item.
@lru_cache(maxsize=1 << 15)
def _hashes_of(token: str) -> tuple[int, ...]:
    """Of a token, and of its first and last letters where it is long."""
    parts = (f"{token[:_PART]}-", f"-{token[-_PART:]}") if len(token) >= _LONG_WORD else ()
    return tuple(crc32(term.encode(*_UTF_8)) for term in (token, *parts))


@lru_cache(maxsize=1 << 15)
def _encoded(token: str) -> tuple[bytes, int]:
    """A token's bytes, and the checksum of them and a space."""
    encoded = token.encode(*_UTF_8)
    return encoded, crc32(b"%b " % encoded)


def _tokens(text: str) -> list[str]:
    if text.isascii():
        tokens, spaceless = _ASCII_TOKEN.findall(text), False
    else:
        tokens = [token for token in _TOKEN.findall(text) if token not in _LIGHT_MARKS]
        spaceless = _SCRIPT_WITHOUT_SPACES.search(text) is not None
    if not spaceless and _DIGIT.search(text) is None:
        return tokens
    split: list[str] = []
    for token in tokens:
        if token[0].isdigit():
            split.append(f"#{min(len(token), _SHORT_DIGITS)}")
        elif spaceless and _SCRIPT_WITHOUT_SPACES.search(token):
            split += token
        else:
            split.append(token)
    return split
