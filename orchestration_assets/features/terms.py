"""An item's terms: hashed words, pairs of words, parts of words and signs, with their counts."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any, Final
from zlib import crc32

import numpy as np

from orchestration_assets.features.vectors import MAX_CHARS
from orchestration_assets.text.checksums import MOST_BYTES, continued_checksums

MAX_TERMS: Final = 512
COUNT_BITS: Final = 8
_MAX_COUNT: Final = (1 << COUNT_BITS) - 1
_ID_BITS: Final = 32 - COUNT_BITS
_ID_MASK: Final = (1 << _ID_BITS) - 1

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
# texts that are counted at once, which shares what they have in common
_AT_ONCE: Final = 64


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
    numbers: list[int] = next(packed_terms_of([text])).tolist()
    return numbers


def packed_terms_of(texts: Sequence[str]) -> Iterator[Any]:
    """The :func:`packed_terms` of each text, uint32: many at once take half the time."""
    for start in range(0, len(texts), _AT_ONCE):
        tokens = [
            _tokens(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold())
            for text in texts[start : start + _AT_ONCE]
        ]
        terms, times, bounds = _counted(tokens)
        packed = (terms << COUNT_BITS | np.minimum(times, _MAX_COUNT)).astype(np.uint32)
        for begin, end in pairwise(bounds):
            if end - begin > MAX_TERMS:
                most = np.argsort(-times[begin:end], kind="stable")[:MAX_TERMS]
                yield packed[begin + np.sort(most)]
            else:
                yield packed[begin:end]


def _counted(texts: Sequence[Sequence[str]]) -> tuple[Any, Any, Sequence[int]]:
    """The hashes of the terms of each text, ascending, and how often each occurs, int64; those of
    text ``n`` stand from bound ``n`` to the next one. ``texts`` are given by their tokens."""
    places: dict[str, int] = {}
    place_of = {
        token: places.setdefault(_folded(token), len(places))
        for token in dict.fromkeys(chain.from_iterable(texts))
    }
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    words = np.fromiter(map(place_of.__getitem__, chain.from_iterable(texts)), np.int64)
    of_text = np.repeat(np.arange(len(texts)) << _ID_BITS, sizes)
    distinct = list(places)
    hashed = np.array([_hashes(token) for token in distinct], np.int64).reshape(-1, 5)
    whole, spaced, size, first, last = hashed[words].T
    parts = np.flatnonzero(first >= 0)
    follows = np.flatnonzero(of_text[1:] == of_text[:-1])
    pairs = continued_checksums(
        spaced[follows], whole[follows + 1], np.minimum(size[follows + 1], MOST_BYTES)
    )
    for n in np.flatnonzero(size[follows + 1] > MOST_BYTES).tolist():
        second = distinct[words[follows[n] + 1]]
        pairs[n] = crc32(second.encode(*_UTF_8), int(spaced[follows[n]]))
    begins = [
        row << _ID_BITS | number & _ID_MASK
        for row, tokens in enumerate(texts)
        for number in _begins(tokens)
    ]
    found = np.concatenate(
        [
            of_text | whole & _ID_MASK,
            of_text[parts] | first[parts] & _ID_MASK,
            of_text[parts] | last[parts] & _ID_MASK,
            of_text[follows] | pairs & _ID_MASK,
            np.array(begins, np.int64),
        ]
    )
    terms, times = np.unique(found, return_counts=True)
    bounds: list[int] = np.searchsorted(terms, np.arange(len(texts) + 1) << _ID_BITS).tolist()
    return terms & _ID_MASK, times, bounds


def _begins(tokens: Sequence[str]) -> list[int]:
    """Checksums of the first word and of the first pair."""
    first = [_folded(token) for token in tokens[:2]]
    return [crc32(f"^{' '.join(first[:n])}".encode(*_UTF_8)) for n in (1, 2) if first]


# The words of a language come again in every item.
@lru_cache(maxsize=1 << 15)
def _hashes(token: str) -> tuple[int, int, int, int, int]:
    """Of a token: its checksum, that of it and a space, its size in bytes, and the checksums of its
    first and of its last letters, -1 where it is short."""
    encoded = token.encode(*_UTF_8)
    whole = crc32(encoded)
    parts = (f"{token[:_PART]}-", f"-{token[-_PART:]}") if len(token) >= _LONG_WORD else ()
    first, last = [crc32(part.encode(*_UTF_8)) for part in parts] or (-1, -1)
    return whole, crc32(b" ", whole), len(encoded), first, last


def _tokens(text: str) -> list[str]:
    """The tokens; ASCII's numbers are to be folded yet, others are."""
    if text.isascii():
        return _ASCII_TOKEN.findall(text)
    tokens = [token for token in _TOKEN.findall(text) if token not in _LIGHT_MARKS]
    spaceless = _SCRIPT_WITHOUT_SPACES.search(text) is not None
    if not spaceless and _DIGIT.search(text) is None:
        return tokens
    split: list[str] = []
    for token in tokens:
        if token[0].isdigit():
            split.append(_number(token))
        elif spaceless and _SCRIPT_WITHOUT_SPACES.search(token):
            split += token
        else:
            split.append(token)
    return split


def _folded(token: str) -> str:
    return _number(token) if "0" <= token[0] <= "9" else token


def _number(token: str) -> str:
    return f"#{min(len(token), _SHORT_DIGITS)}"
