"""Sampling sections of a long item: its beginning, and others by their TF-IDF weight.

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
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A text longer than this is first thinned out to pieces at equal distances.
_SCANNED_CHARS: Final = 49_152
_PIECE_CHARS: Final = 4096
_SECTION_CHARS: Final = 512
# Sections longer than so many shortest ones are cut at any line.
_MAX_SECTION_RATIO: Final = 4
# How much of a section is looked at to tell what it is about.
_WEIGHED_CHARS: Final = 128

_PAIRED_MARKS: Final = ('"""', "'''", "```")

Span = tuple[int, int]
SectionOrder = Callable[[str, Sequence[Span], int], list[int]]
"""The order in which sections are to be read; those that no longer fit are left out."""


@dataclass(frozen=True, slots=True)
class TextSample:
    """The sampled sections of a text, in the text's order."""

    sections: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sections as one text."""
        return "".join(self.sections)


def sample_start(text: str, chars: int) -> TextSample:
    """The beginning of ``text``."""
    return TextSample((text[:chars],))


def sample(text: str, chars: int) -> TextSample:
    """A sample of the sections of ``text`` by TF-IDF weight, ``chars`` characters at most."""
    return sampler_by(order_by_weight)(text, chars)


def sampler_by(order: SectionOrder) -> Callable[[str, int], TextSample]:
    """A sampler that reads the beginning of a text and then sections in the order of ``order``."""

    def sampler(text: str, chars: int) -> TextSample:
        spans = sections(text)
        head = text[: min(spans[0][1], chars)]
        chars_left = chars - len(head)
        chosen = [(0, len(head))]
        for number in order(text, spans, chars):
            start, end = spans[number]
            if number and end - start <= chars_left:
                chosen.append((start, end))
                chars_left -= end - start
        return TextSample(tuple(text[start:end] for start, end in sorted(chosen)))

    return sampler


def sections(text: str) -> list[Span]:
    """Where the sections of ``text`` begin and end; all of a text of up to 49,152 characters,
    else those within 12 pieces of it."""
    if len(text) <= _SCANNED_CHARS:
        return _sections_within(text, 0, len(text))
    pieces = _SCANNED_CHARS // _PIECE_CHARS
    step = (len(text) - _PIECE_CHARS) / (pieces - 1)
    spans: list[Span] = []
    for number in range(pieces):
        start = int(number * step)
        inside = _sections_within(text, start, start + _PIECE_CHARS)
        # The first and the last were cut anywhere, but for the text's own beginning and end.
        spans += inside[bool(start) : None if start + _PIECE_CHARS >= len(text) else -1] or inside
    return spans


def _sections_within(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    # one character is found several times as fast as three
    marks = [mark for mark in _PAIRED_MARKS if text.find(mark[0], start, end) >= 0]
    is_open = [False] * len(marks)
    section_start = checked = start
    while (boundary := text.find("\n\n", checked + _SECTION_CHARS, end) + 2) >= 2:
        for number, mark in enumerate(marks):
            if text.count(mark, checked, boundary) % 2:
                is_open[number] = not is_open[number]
        checked = boundary
        if True not in is_open:
            spans += _split_long(text, section_start, boundary)
            section_start = boundary
    return [*spans, *_split_long(text, section_start, end)] if section_start < end else spans


def _split_long(text: str, start: int, end: int) -> list[Span]:
    """A section, in several where it is too long."""
    spans: list[Span] = []
    while end - start > _MAX_SECTION_RATIO * _SECTION_CHARS:
        boundary = text.find("\n", start + _SECTION_CHARS, start + 2 * _SECTION_CHARS) + 1
        boundary = boundary or start + _SECTION_CHARS
        spans.append((start, boundary))
        start = boundary
    return [*spans, (start, end)]


def weights(text: str, spans: Sequence[Span]) -> NDArray[np.float64]:
    """The TF-IDF weight of each section: the length of the vector of its first words, each of
    which counts once."""
    words = [set(text[a : min(b, a + _WEIGHED_CHARS)].split()) for a, b in spans]
    occurs = Counter(chain.from_iterable(words))
    # log(1 + sections / sections that have the word)
    idf = np.log1p(len(spans) / np.arange(1, len(spans) + 1))
    squares = [0.0, *(idf**2).tolist()]
    sums = [sum(map(squares.__getitem__, sorted(map(occurs.__getitem__, one)))) for one in words]
    return np.array(np.sqrt(sums), np.float64)


def order_by_weight(text: str, spans: Sequence[Span], chars: int) -> list[int]:
    """Sections at equal distances in the sum of the weights, then the others by their weight."""
    # A section without a word weighs next to nothing, but something.
    section_weights = weights(text, spans) + 1e-9
    sample_size = max(chars * len(spans) // len(text), 1)
    quantiles = (np.arange(sample_size) + 0.5) / sample_size
    # The last sum may fall short of 1 by a rounding.
    picked = np.minimum(
        np.searchsorted(np.cumsum(section_weights) / section_weights.sum(), quantiles),
        len(spans) - 1,
    )
    return list(
        dict.fromkeys([*picked.tolist(), *np.argsort(-section_weights, kind="stable").tolist()])
    )


def sample_evenly(text: str, chars: int, pieces: int = 16) -> str:
    """About ``chars`` characters of a text that is longer, in pieces at equal distances."""
    size = chars // pieces
    return "".join(
        text[start : start + size]
        for start in (number * (len(text) - size) // (pieces - 1) for number in range(pieces))
    )
