"""Chunks: pieces of a text that end at its natural borders.

Where a chunk ends is decided by the words around its possible ends, as in content-defined chunking
(Muthitacharoen, Chen and Mazieres 2001, A low-bandwidth network file system): of the ends in the
second half of its room it takes the most natural kind that there is, and of these the one with the
smallest hash. So the ends behind a change are soon those from before it, and only chunks near it
are other ones.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

from orchestration_assets.text.parts.spans import Span
from orchestration_assets.text.token_estimates import token_estimate

_PARAGRAPH_END: Final = re.compile(r"\n[ \t\r]*\n\s*")
_SENTENCE_END: Final = re.compile(r"[.!?][\"')\]]*\s+(?=[^\sa-z])|[\u3002\uff01\uff1f]|\n+")
_WORD_END: Final = re.compile(r"\s+")
_AROUND: Final = 48
"""Characters on each side of a border that its hash is taken over."""
_FINEST: Final = 8
"""Units are at most this share of a chunk, so that there is always a border to choose."""


class _Unit(NamedTuple):
    """A stretch that is not cut, with what its end is worth as a border."""

    end: int
    tokens: int
    level: int


def chunk_spans(text: str, max_tokens: int, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of at most ``max_tokens`` estimated tokens that cover the text between two places.

    Only a single character may have more: it is not cut.
    """
    end = len(text) if end is None else end
    if token_estimate(text[start:end]) <= max_tokens:
        return [Span("", start, end)] if end > start else []
    units = list(_units(text, start, end, max(1, max_tokens // _FINEST)))
    ends = _ends(text, units, max_tokens)
    return [Span("", a, b) for a, b in zip([start, *ends[:-1]], ends, strict=True)]


def overlap_start(text: str, span: Span, tokens: int, floor: int) -> int:
    """Where a text begins that repeats about so many tokens before the span: at a word, and not
    before ``floor``."""
    begin = span.start
    for place in _word_starts_before(text, span.start, floor):
        # words by themselves are estimated at no less than together
        tokens -= token_estimate(text[place:begin])
        if tokens < 0:
            break
        begin = place
    return begin


def _word_starts_before(text: str, place: int, floor: int) -> Iterator[int]:
    while place > floor:
        place -= 1
        while place > floor and not (text[place - 1].isspace() and not text[place].isspace()):
            place -= 1
        yield place


def _ends(text: str, units: list[_Unit], max_tokens: int) -> list[int]:
    """Where chunks end: the last one takes what fits."""
    ends: list[int] = []
    first, left = 0, sum(unit.tokens for unit in units)
    while left > max_tokens:
        tokens, place = 0, first
        best: tuple[int, int, int] | None = None
        while place < len(units) and tokens + units[place].tokens <= max_tokens:
            tokens += units[place].tokens
            if tokens * 2 >= max_tokens:
                rank = (-units[place].level, _hash(text, units[place].end), place)
                best = rank if best is None else min(best, rank)
            place += 1
        # a unit that is too long by itself is a chunk, as nothing in it can be a border
        last = best[2] if best is not None else max(first, place - 1)
        ends.append(units[last].end)
        left -= sum(unit.tokens for unit in units[first : last + 1])
        first = last + 1
    if first < len(units):
        ends.append(units[-1].end)
    return ends


def _hash(text: str, place: int) -> int:
    around = text[max(0, place - _AROUND) : place + _AROUND]
    return crc32(around.encode("utf-8", "surrogatepass"))


_LEVELS: Final = (_PARAGRAPH_END, _SENTENCE_END, _WORD_END)


def _units(text: str, start: int, end: int, most: int, finer: int = 0) -> Iterator[_Unit]:
    """Units of at most ``most`` tokens: paragraphs, where those are too long sentences, then words,
    then characters."""
    if finer == len(_LEVELS):
        step = max(1, most // 2)
        for place in range(start, end, step):
            stop = min(place + step, end)
            yield _Unit(stop, token_estimate(text[place:stop]), -1 if stop < end else 0)
        return
    place = start
    for border in [*_borders(text, start, end, _LEVELS[finer]), end]:
        if border <= place:
            continue
        tokens = token_estimate(text[place:border])
        if tokens <= most:
            yield _Unit(border, tokens, len(_LEVELS) - finer)
        else:
            *inner, last = _units(text, place, border, most, finer + 1)
            yield from inner
            yield last._replace(level=len(_LEVELS) - finer)
        place = border


def _borders(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[int]:
    for found in pattern.finditer(text, start, end):
        yield found.end()
