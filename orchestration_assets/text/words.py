"""Extracts the words of a content for keywords, titles and vectors.

Linear in the at most 16,384 characters that are read. Words are lower-case; identifiers of code
and data are split at underscores, digits and capitals; markup is taken away first. Chinese and
Japanese write no spaces: their longer runs of ideographs come as overlapping pairs, the most
common length of a word.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.prose import PROSE_CHARS, prose_of

_WORD = re.compile(r"[^\W\d_]+")
# HTTPServer -> HTTP, Server; fileName -> file, Name
_PART = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]")
# what parts of names consist of, all else a space: most stand alone and need no pattern
_LETTERS: Final = bytes(n if chr(n).isascii() and chr(n).isalpha() else 32 for n in range(256))
_LONGEST_NAME: Final = 64
_APOSTROPHE = re.compile(r"(?:n['\u2019]t|['\u2019](?:s|re|ve|ll|d|m))\b", re.IGNORECASE)
_IDEOGRAPHS = re.compile("[\u3400-\u9fff\uf900-\ufaff]+|[\u30a0-\u30ff]{2,}")
_CJK = re.compile("[\u3040-\uabff]")
_CJK_FROM: Final = "\u3040"
_CJK_TO: Final = "\uac00"
# A run of ideographs up to this long is taken for one word.
_WHOLE_RUN: Final = 3

_MIN_ASCII: Final = 3
_MIN_OTHER: Final = 2
_MAX_LETTERS: Final = 24
_MIN_STEM: Final = 3


# several services read the words of one item one after the other
@lru_cache(maxsize=16)
def words_of(text: str, family: str) -> tuple[str, ...]:
    """The words of a content in reading order, lower-case, repeated as often as they occur."""
    if family in (Family.CODE, Family.DATA):
        return tuple(_parts_of_names(text[:PROSE_CHARS]))
    return tuple(prose_words(prose_of(text, family)))


@lru_cache(maxsize=4)
def word_counts(text: str, family: str) -> Mapping[str, int]:
    """How often each of the :func:`words_of` a content occurs, in the order of first occurrence."""
    head = text[:PROSE_CHARS]
    if family not in (Family.CODE, Family.DATA) or not head.isascii():
        return Counter(words_of(text, family))
    counts: dict[str, int] = {}
    for name, count in Counter(_runs_of_letters(head)).items():
        for word in (name,) if name.islower() else _parts_of(name):
            counts[word] = counts.get(word, 0) + count
    return counts


def _parts_of_names(text: str) -> list[str]:
    if not text.isascii():
        # no part holds a space; all are made lower-case at once
        parts = " ".join(_PART.findall(text)).lower()
        return ideographs_split(parts, parts.split())
    words: list[str] = []
    for name in _runs_of_letters(text):
        if name.islower():
            words.append(name)
        else:
            words += _parts_of(name)
    return words


def _runs_of_letters(text: str) -> list[str]:
    """Of an ASCII text: a search with a pattern takes three times as long."""
    return text.encode().translate(_LETTERS).decode().split()


def _parts_of(name: str) -> Sequence[str]:
    return _split(name) if len(name) <= _LONGEST_NAME else _split.__wrapped__(name)


# names come again, in one item and in the next
@lru_cache(maxsize=1 << 14)
def _split(name: str) -> Sequence[str]:
    return tuple(part.lower() for part in _PART.findall(name))


def prose_words(prose: str) -> list[str]:
    """The words of a piece of prose, lower-case, without 's and n't."""
    if prose.isascii():
        return _runs_of_letters((_APOSTROPHE.sub(" ", prose) if "'" in prose else prose).lower())
    lowered = _APOSTROPHE.sub(" ", prose).lower()
    return ideographs_split(lowered, _WORD.findall(lowered))


def ideographs_split(text: str, words: list[str]) -> list[str]:
    """The ``words`` of a text, those that are runs of ideographs split."""
    if text.isascii() or not _CJK.search(text):
        return words
    split: list[str] = []
    for word in words:
        if _CJK_FROM <= word[0] < _CJK_TO:
            for run in _IDEOGRAPHS.findall(word):
                whole = len(run) <= _WHOLE_RUN or run[0] < "\u3400"
                split += [run] if whole else [first + second for first, second in pairwise(run)]
        else:
            split.append(word)
    return split


def is_term(word: str) -> bool:
    """Whether a word can be a key word: neither a letter or two nor a run of junk."""
    return (_MIN_ASCII if word.isascii() else _MIN_OTHER) <= len(word) <= _MAX_LETTERS


def singular_words(words: Sequence[str]) -> list[str]:
    """The words with a plural in -s given as the singular, where that occurs beside it."""
    singular = singulars(Counter(words))
    return [singular.get(word, word) for word in words] if singular else list(words)


def singulars(words: Mapping[str, int]) -> dict[str, str]:
    """Plural in -s -> singular, of those words whose singular is among them too."""
    return {
        word: word[:-1]
        for word in words
        if word[-1] == "s" and len(word) > _MIN_STEM and word[:-1] in words
    }
