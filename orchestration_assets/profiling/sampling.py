"""Which sections of a long item are read: its beginning, and those that tell most about the rest.

A text is cut into sections at its blank lines, but not within a fence or a multi-line string, as
far as their marks tell; where it has none for long, at any line.
The beginning is always read, since imports, titles and front matter stand there. Of the others a
systematic sample is taken in which a section's chance is proportional to its TF-IDF weight
(importance sampling: Horvitz and Thompson 1952): it comes from all over the text, and passages of
rare words more often than those that repeat what others say. Equal texts give equal sections.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A text longer than this is first thinned out to pieces at equal distances.
_SCANNED_CHARS: Final = 49_152
_PIECE_CHARS: Final = 4096
_SECTION_CHARS: Final = 512
# Sections longer than so many shortest ones are cut at any line.
_LONGEST: Final = 4
# How much of a section is looked at to tell what it is about.
_READ_CHARS: Final = 256

_PAIRED: Final = ('"""', "'''", "```")

Span = tuple[int, int]
Choice = Callable[[str, Sequence[Span], int], list[int]]
"""The order in which sections are to be read; those that no longer fit are left out."""


@dataclass(frozen=True, slots=True)
class TextSample:
    """What was chosen of a text: its sections in the text's order."""

    sections: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sections as one text."""
        return "".join(self.sections)


def lead(text: str, chars: int) -> TextSample:
    """The beginning of ``text``."""
    return TextSample((text[:chars],))


def sample(text: str, chars: int) -> TextSample:
    """The sections of ``text``, ``chars`` characters at most, that tell most about all of it."""
    return by(important)(text, chars)


def by(choice: Choice) -> Callable[[str, int], TextSample]:
    """A sampler that reads the beginning of a text and then sections in the order of ``choice``."""

    def chosen(text: str, chars: int) -> TextSample:
        spans = sections(text)
        head = text[: min(spans[0][1], chars)]
        left = chars - len(head)
        kept = [(0, len(head))]
        for number in choice(text, spans, chars):
            start, end = spans[number]
            if number and end - start <= left:
                kept.append((start, end))
                left -= end - start
        return TextSample(tuple(text[start:end] for start, end in sorted(kept)))

    return chosen


def sections(text: str) -> list[Span]:
    """Where the sections of ``text`` begin and end; all of a text of up to 49,152 characters,
    else those within 12 pieces of it."""
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
    while (place := text.find("\n\n", checked + _SECTION_CHARS, end) + 2) >= 2:
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


def weights(text: str, spans: Sequence[Span]) -> NDArray[np.float64]:
    """The TF-IDF weight of each section: the length of the vector of its first words."""
    counts = [Counter(text[a : min(b, a + _READ_CHARS)].split()) for a, b in spans]
    occurs = Counter(word for count in counts for word in count)
    # log(1 + sections / sections that have the word)
    idf = {word: log1p(len(spans) / times) for word, times in occurs.items()}
    squares = [sum([(n * idf[word]) ** 2 for word, n in count.items()]) for count in counts]
    return np.array(np.sqrt(squares), np.float64)


def important(text: str, spans: Sequence[Span], chars: int) -> list[int]:
    """Sections at equal distances in the sum of the weights, then the others by their weight."""
    # A section without a word weighs next to nothing, but something.
    weight = weights(text, spans) + 1e-9
    wanted = max(chars * len(spans) // len(text), 1)
    places = (np.arange(wanted) + 0.5) / wanted
    # The last sum may fall short of 1 by a rounding.
    picked = np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), places), len(spans) - 1)
    return list(dict.fromkeys([*picked.tolist(), *np.argsort(-weight, kind="stable").tolist()]))


def evenly(text: str, chars: int, pieces: int = 16) -> str:
    """About ``chars`` characters of a text that is longer, in pieces at equal distances."""
    size = chars // pieces
    return "".join(
        text[start : start + size]
        for start in (number * (len(text) - size) // (pieces - 1) for number in range(pieces))
    )
