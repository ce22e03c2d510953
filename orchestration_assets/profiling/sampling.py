"""Which sections of a long item are read: its beginning, and those that tell most about the rest.

A text is cut into sections where its own structure allows it: before a definition or a heading,
or after a blank line, and never within a fence or a multi-line string as far as their marks tell.
The beginning is always read, since imports, titles and front matter stand there. The others are
chosen one after the other so that the TF-IDF vector of what is read comes as near as it can to
that of the whole (kernel herding, Chen, Welling and Smola 2010): rare words weigh most, and a
section like one already chosen adds little. Equal texts give equal sections.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A text longer than this is first thinned out to pieces at equal distances.
_SCANNED_CHARS: Final = 65_536
_PIECE_CHARS: Final = 4096
_SECTION_CHARS: Final = 512
# Sections longer than so many shortest ones are cut at any line.
_LONGEST: Final = 4
# How much of a section is looked at to tell what it is about.
_READ_CHARS: Final = 320
_DIMENSIONS: Final = 256

_BREAK: Final = re.compile(
    r"\n(?=[ \t]{0,8}(?:@\w|(?:async )?def |class |(?:export |pub |static )?(?:async )?"
    r"(?:fn|func|function)\b)|#{1,6} )|\n[ \t]*\n(?=[^\s})\]#*\"'])"
)
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_PAIRED: Final = ('"""', "'''", "```")

Span = tuple[int, int]
Choice = Callable[[str, Sequence[Span], int], list[int]]
"""The order in which sections are to be read; those that no longer fit are left out."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was chosen of a text: its sections in the text's order."""

    sections: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sections as one text."""
        return "".join(self.sections)


def lead(text: str, chars: int) -> Sample:
    """The beginning of ``text``."""
    return Sample((text[:chars],))


def sample(text: str, chars: int) -> Sample:
    """The sections of ``text``, ``chars`` characters at most, whose words stand for all of it."""
    return by(herded)(text, chars)


def by(choice: Choice) -> Callable[[str, int], Sample]:
    """A sampler that reads the beginning of a text and then sections in the order of ``choice``."""

    def chosen(text: str, chars: int) -> Sample:
        spans = sections(text)
        head = text[: min(spans[0][1], chars)]
        left = chars - len(head)
        kept = [(0, len(head))]
        for number in choice(text, spans, chars):
            start, end = spans[number]
            if number and end - start <= left:
                kept.append((start, end))
                left -= end - start
        return Sample(tuple(text[start:end] for start, end in sorted(kept)))

    return chosen


def sections(text: str) -> list[Span]:
    """Where the sections of ``text`` begin and end; all of a text of up to 65,536 characters,
    else those within 16 pieces of it."""
    if len(text) <= _SCANNED_CHARS:
        return _sections_within(text, 0, len(text))
    pieces = _SCANNED_CHARS // _PIECE_CHARS
    step = (len(text) - _PIECE_CHARS) / (pieces - 1)
    found: list[Span] = []
    for number in range(pieces):
        start = int(number * step)
        inside = _sections_within(text, start, start + _PIECE_CHARS)
        # The first and the last were cut anywhere, but for the text's own beginning and end.
        found += inside[bool(start) : None if start + _PIECE_CHARS >= len(text) else -1] or inside
    return found


def _sections_within(text: str, start: int, end: int) -> list[Span]:
    found: list[Span] = []
    opened = dict.fromkeys(_PAIRED, False)
    begun = checked = start
    while match := _BREAK.search(text, checked + _SECTION_CHARS, end):
        place = match.end()
        for mark in _PAIRED:
            opened[mark] ^= text.count(mark, checked, place) % 2 == 1
        checked = place
        if not any(opened.values()):
            found += _cut(text, begun, place)
            begun = place
    return [*found, *_cut(text, begun, end)] if begun < end else found


def _cut(text: str, start: int, end: int) -> list[Span]:
    """A section, in several where it is too long."""
    found: list[Span] = []
    while end - start > _LONGEST * _SECTION_CHARS:
        place = text.find("\n", start + _SECTION_CHARS, start + 2 * _SECTION_CHARS) + 1
        place = place or start + _SECTION_CHARS
        found.append((start, place))
        start = place
    return [*found, (start, end)]


def tf_idf(text: str, spans: Sequence[Span]) -> NDArray[np.float64]:
    """A row a section: the TF-IDF of its first 320 characters, hashed to 256 signed dimensions."""
    counts = [Counter(_WORD.findall(text[a : min(b, a + _READ_CHARS)])) for a, b in spans]
    occurs = Counter(word for count in counts for word in count)
    # Numbered in the order of the text: no hash that differs from process to process.
    places = {word: number for number, word in enumerate(occurs)}
    weights = np.log1p(len(spans) / np.fromiter(occurs.values(), float, len(occurs)))
    rows = np.repeat(np.arange(len(spans)), [len(count) for count in counts])
    words = np.array([places[word] for count in counts for word in count], int)
    times = np.array([times for count in counts for times in count.values()], float)
    vectors = np.zeros((len(spans), _DIMENSIONS))
    if len(words):
        signs = np.where(words // _DIMENSIONS % 2, -1.0, 1.0)
        np.add.at(vectors, (rows, words % _DIMENSIONS), signs * times * weights[words])
    return vectors


def herded(text: str, spans: Sequence[Span], chars: int) -> list[int]:
    """Sections in the order in which the mean of those chosen stays nearest to the mean of all."""
    vectors = tf_idf(text, spans)
    sizes = np.array([end - start for start, end in spans], float)
    goal = vectors.mean(axis=0)
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    to_goal = vectors @ goal
    taken = vectors[0].copy()
    left = chars - sizes[0]
    order = [0]
    free = np.ones(len(spans), bool)
    free[0] = False
    while True:
        fits = free & (sizes <= left)
        if not fits.any():
            return order
        # |goal - (taken + v) / k|^2 without what all have in common
        k = len(order) + 1
        cost = (lengths + 2 * (vectors @ taken)) / k - 2 * to_goal
        best = int(np.argmin(np.where(fits, cost, np.inf)))
        order.append(best)
        taken += vectors[best]
        left -= sizes[best]
        free[best] = False


def evenly(text: str, chars: int, pieces: int = 16) -> str:
    """About ``chars`` characters of a text that is longer, in pieces at equal distances."""
    size = chars // pieces
    return "".join(
        text[start : start + size]
        for start in (number * (len(text) - size) // (pieces - 1) for number in range(pieces))
    )
