"""The words of a text, and what is counted of them: letters, capitals, syllables.

The words of ASCII text are found, and their letters counted, in passes over its bytes; other text
is read by a pattern, with the same result.
"""

import re
from collections import Counter
from functools import lru_cache
from operator import mul
from typing import Final, NamedTuple

# Chinese characters and Japanese syllables, one word each: the scripts put no space between words.
_CJK_RANGES: Final = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff"
)
# Combining marks belong to the word around them, though \w leaves them out: accents, the points
# of Hebrew and Arabic, the vowels of Indic scripts, Thai and its neighbours.
_MARK_RANGES: Final = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963"
    "\u0971-\u0d7f\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
    "\u1dc0-\u1dff\u20d0-\u20ff"
)
WORD: Final = re.compile(
    rf"[{_CJK_RANGES}]|(?:[^\W_{_CJK_RANGES}]|[{_MARK_RANGES}])+(?:['\u2019](?:[^\W_{_CJK_RANGES}]|[{_MARK_RANGES}])+)*"
)
"""A word, in any script."""
CJK: Final = re.compile(f"[{_CJK_RANGES}]")
"""A Chinese character or a Japanese syllable: a word by itself."""
MARKS: Final = re.compile(f"[{_MARK_RANGES}]")
"""A combining mark: part of the word around it."""
_LATIN = re.compile("[\\sa-z0-9'\u2019\u00c0-\u024f]+")
_VOWEL_GROUP = re.compile("[aeiouy\u00e0-\u00e6\u00e8-\u00ef\u00f2-\u00f6\u00f8-\u00fd]+")
_SILENT_E = re.compile(r"[aeiouy][^aeiouy\W\d]+e\b")
_LONG_WORD: Final = 7

_APOSTROPHE: Final = ord("'")
_LOOSE_APOSTROPHE = re.compile(b"'(?:(?![A-Za-z0-9])|(?<![A-Za-z0-9]'))")
_VOWELS: Final = b"aeiouy"
_LETTERS: Final = bytes(range(ord("a"), ord("z") + 1))
_DIGITS: Final = b"0123456789"


def _kinds(**kinds: bytes) -> bytes:
    """A table from bytes to the letter of their kind, and to a space from all others."""
    kind_of = {one: kind for kind, members in kinds.items() for one in members}
    return bytes(ord(kind_of.get(one, " ")) for one in range(256))


_ALL: Final = _LETTERS + _LETTERS.upper() + _DIGITS + b"'"
_IN_WORD: Final = bytes(one if one in _ALL else ord(" ") for one in range(256))
_WORD_CHARS: Final = _kinds(a=_ALL)
_CASES: Final = _kinds(A=_LETTERS.upper(), a=_LETTERS + _DIGITS, j=b"'")
_VOWEL_OR_NOT: Final = _kinds(v=_VOWELS)
_CONSONANTS: Final = bytes(one for one in _LETTERS if one not in _VOWELS)
_SOUNDS: Final = _kinds(v=b"aiouy", e=b"e", c=_CONSONANTS, d=_DIGITS)
# the e of a word without another vowel before it
_SPOKEN_E = re.compile(b"[ d]c++e(?= )")


class Words(NamedTuple):
    """The words of a text.

    ``lower`` are the words in lower case, in their order, and ``counts`` how often each occurs;
    ``chars`` are the characters of all, ``long`` how many have at least 7, and ``names`` how many
    begin with a capital and are more than a lone letter. ``spaced`` is ASCII text with a space
    around each word and nothing else, in lower case; None for others.
    """

    lower: list[str]
    counts: Counter[str]
    chars: int
    long: int
    names: int
    spaced: bytes | None


def words_in(text: str) -> Words:
    """The words of ``text``: runs of letters, digits and combining marks with inner apostrophes;
    each Chinese or Japanese character is a word."""
    return _ascii_words(text) if text.isascii() else _words_by_pattern(text)


def _spaced(text: str) -> bytes:
    """ASCII text with its words as they are, and nothing but spaces around them."""
    data = text.encode("ascii")
    if _APOSTROPHE in data:
        data = _LOOSE_APOSTROPHE.sub(b" ", data)
    return b" %b " % data.translate(_IN_WORD)


def _ascii_words(text: str) -> Words:
    spaced = _spaced(text)
    lower = spaced.lower()
    words = lower.decode("ascii").split()
    cases = spaced.translate(_CASES)
    return Words(
        lower=words,
        counts=Counter(words),
        chars=len(spaced) - spaced.count(b" "),
        long=spaced.translate(_WORD_CHARS).count(b" " + b"a" * _LONG_WORD),
        names=cases.count(b" Aa") + cases.count(b" AA"),
        spaced=lower,
    )


def _words_by_pattern(text: str) -> Words:
    words = WORD.findall(text)
    # No word has white space, so they can be lowered as one string.
    lower = " ".join(words).lower().split(" ") if words else []
    lengths = list(map(len, words))
    cased = [word for word, plain in zip(words, lower, strict=True) if word != plain]
    return Words(
        lower=lower,
        counts=Counter(lower),
        chars=sum(lengths),
        long=sum(map(_LONG_WORD.__le__, lengths)),
        names=sum([word[0].isupper() and is_name(word) for word in cased]),
        spaced=None,
    )


def is_name(capitalised: str) -> bool:
    """Whether what begins with a capital is more than a lone letter: not "I", "I'm", "A"."""
    return capitalised[1:2].isalnum()


def syllable_count(words: Words) -> int | None:
    """How many syllables English words have: their groups of vowels without silent e, at least one
    a word. None where more than 5 % of the characters are neither Latin letters nor digits."""
    if words.spaced is not None:
        return _ascii_syllables(words.spaced, len(words.lower))
    counts = words.counts
    joined = " ".join(counts)
    if not joined.isascii():
        few = 0.05 * sum(map(mul, map(len, counts), counts.values()))
        foreign = 0
        for word, count in counts.items():
            foreign += len(_LATIN.sub("", word)) * count
            if foreign > few:
                return None
    syllables: int = sum(map(mul, map(_syllables, counts), counts.values()))
    return syllables


# The words of a language come again in every item.
@lru_cache(maxsize=1 << 15)
def _syllables(word: str) -> int:
    return max(len(_VOWEL_GROUP.findall(word)) - len(_SILENT_E.findall(word)), 1)


def _ascii_syllables(spaced: bytes, words: int) -> int:
    """The sum of :func:`_syllables` over all words at once.

    An e that is silent has a vowel before it, so only words without any vowel have to be raised.
    """
    groups = spaced.translate(_VOWEL_OR_NOT).count(b" v")
    with_vowel = spaced.translate(_VOWEL_OR_NOT, _CONSONANTS + _DIGITS + b"'").count(b" v")
    sounds = spaced.translate(_SOUNDS)
    silent = sounds.count(b"ce ") - len(_SPOKEN_E.findall(sounds))
    return groups - silent + words - with_vowel
