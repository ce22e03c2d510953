"""How far the other texts on one question bear a text out, and which of its words they do not.

A text is taken as the set of its steps, pairs of neighbouring words with its beginning and its end
among them. How probable a step is, the other texts say by Laplace's rule of succession,
``q = (others with it + 1) / (others + 2)``. The surprise of the text is its negative log-likelihood
where each step is there or not, whatever the rest (the multivariate Bernoulli model of texts,
McCallum and Nigam 1998): ``-ln q`` for each of its steps, ``-ln (1 - q)`` for each step of the
others that it lacks. To this the same is added of its runs of six characters, a sixth of it as
each character stands in six: words that differ in an ending alone then differ less. It is a sum
and no mean, since each further word can be wrong: it grows with the length, and with what stands
alone.

Nothing is fitted, and no language is known: words are runs of letters, signs of scripts that write
no spaces stand for themselves. Wording is seen, not meaning, so a paraphrase of one's own surprises
as well; two services with the same error bear each other out.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import Final, TypeVar

_HALF: Final = 0.5
_RUN: Final = 6
"""Characters in a run: the longest that chrF compares (Popovic 2015)."""
_EDGE: Final = ""
"""Stands before the first word and after the last."""

# Thai, Lao, Tibetan, Burmese, Khmer, then Chinese and Japanese: no space parts their words
_UNSPACED: Final = (
    (0x0E00, 0x0F00),
    (0x0F00, 0x1000),
    (0x1000, 0x10A0),
    (0x1780, 0x1800),
    (0x3040, 0x3100),
    (0x3400, 0xA000),
    (0xF900, 0xFB00),
    (0x20000, 0x32000),
)
_APOSTROPHES: Final = "'\u2019"
# over a text's classes: a sign with its marks, or letters, marks and apostrophes between them
_WORDS: Final = re.compile(r"um*|w[wm]*(?:jw[wm]*)*")

_Part = TypeVar("_Part", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class TextSupport:
    """How the other texts bear one out.

    ``support`` in [0, 1]: how many of its steps the others have, in the mean, over the mean number
    of steps; 1 when all say the same. ``surprise`` in nats, above 0: see the module.
    ``unsupported``: the (start, end) places, in characters, of the words that fewer than half of
    the others write there, by the mean of the shares that have the step to the word and the step
    from it. Neighbouring words are one place; places are in order and do not overlap.
    """

    support: float
    surprise: float
    unsupported: tuple[tuple[int, int], ...]


def text_supports(texts: Sequence[str]) -> tuple[TextSupport, ...]:
    """Each text as all the others bear it out, in the order of the texts.

    Raises ValueError for a single one, which nothing can bear out.
    """
    others = len(texts) - 1
    if others < 1:
        raise ValueError("a text is borne out by others: give at least two")
    worded = [_words(text) for text in texts]
    stepped = [list(pairwise((_EDGE, *(key for key, *_ in words), _EDGE))) for words in worded]
    sets = [frozenset(steps) for steps in stepped]
    counts = Counter(step for steps in sets for step in steps)
    surprises = zip(_surprises(sets), _surprises(list(map(_runs, texts))), strict=True)
    total = sum(map(len, sets))
    found = []
    for words, steps, own, (by_steps, by_runs) in zip(
        worded, stepped, sets, surprises, strict=True
    ):
        shared = sum(counts[step] - 1 for step in own) / others
        found.append(
            TextSupport(
                2.0 * shared / (len(own) + (total - len(own)) / others),
                by_steps + by_runs / _RUN,
                _unsupported(words, [(counts[step] - 1) / others for step in steps]),
            )
        )
    return tuple(found)


def _surprises(texts: Sequence[frozenset[_Part]]) -> list[float]:
    """Each text's, in nats, where it is the set of its parts."""
    others = len(texts) - 1
    counts = Counter(chain.from_iterable(texts))
    present = [-math.log((1 + count) / (others + 2)) for count in range(others + 1)]
    absent = [-math.log1p(-(1 + count) / (others + 2)) for count in range(others + 1)]
    parts_by_count = Counter(counts.values())
    surprises = []
    for own in texts:
        # how many texts have the part, this one included -> how many of its parts
        given = Counter(map(counts.__getitem__, own))
        has = (number * present[count - 1] for count, number in given.items())
        lacks = (
            (number - given[count]) * absent[count]
            for count, number in parts_by_count.items()
            if count <= others
        )
        surprises.append(math.fsum(chain(has, lacks)))
    return surprises


def _runs(text: str) -> frozenset[str]:
    """The runs of six characters, letter case and kinds of white space aside; a shorter text is one
    run."""
    plain = f" {' '.join(text.casefold().split())} "
    return frozenset(plain[at : at + _RUN] for at in range(max(1, len(plain) - _RUN + 1)))


def _unsupported(
    words: Sequence[tuple[str, int, int]], shares: Sequence[float]
) -> tuple[tuple[int, int], ...]:
    """``shares`` of the others with each step: one more than words."""
    places: list[tuple[int, int]] = []
    joins = False
    for (_, start, end), (before, after) in zip(words, pairwise(shares), strict=True):
        alone = before + after < 2 * _HALF
        if alone and joins:
            places[-1] = (places[-1][0], end)
        elif alone:
            places.append((start, end))
        joins = alone
    return tuple(places)


def _words(text: str) -> list[tuple[str, int, int]]:
    """Each word as it is compared, and its place: letter case and forms of signs are ignored."""
    return [
        (unicodedata.normalize("NFKC", text[start:end]).casefold(), start, end)
        for start, end in (match.span() for match in _WORDS.finditer(text.translate(_classes())))
    ]


class _Classes(dict[int, str]):
    """What a character is in a word, found out once: u, a word of its own; w, a letter or digit;
    m, a mark on one; j, what may join two; a space, none of these."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _class(code)
        return found


@cache
def _classes() -> _Classes:
    return _Classes()


def _class(code: int) -> str:
    character = chr(code)
    if unicodedata.category(character).startswith("M"):
        return "m"
    if character in _APOSTROPHES:
        return "j"
    if not (character.isalnum() or character == "_"):
        return " "
    return "u" if any(first <= code < end for first, end in _UNSPACED) else "w"
