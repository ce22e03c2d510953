"""Selects the most informative sections of a text within a number of tokens."""

import math
import re
from collections import Counter
from heapq import heapify, heappop, heappush
from itertools import accumulate
from typing import Final, NamedTuple

from orchestration_assets.text.redacted_pieces import RedactedPieces
from orchestration_assets.text.token_estimates import token_estimate

GAP: Final = "\n[...]\n"
_MAX_SECTIONS: Final = 64
"""About so many sections a text is cut into: enough to choose from, few enough to score."""
_MIN_SECTION_CHARS: Final = 200
_WORD: Final = re.compile(r"\w{3,40}")
_FIRST_SECTION_FACTOR: Final = 1.5
"""The first section introduces the text: its gain counts half as much again."""


class FittedContext(NamedTuple):
    """The selected part of a text. ``share`` of its tokens in [0, 1]; 1 is all of it."""

    text: str
    tokens: int
    tokens_whole: int

    @property
    def share(self) -> float:
        return min(1.0, self.tokens / self.tokens_whole) if self.tokens_whole else 1.0


def fit(text: str, tokens: int) -> FittedContext:
    """The text if it has at most ``tokens`` tokens, else its most informative sections."""
    return fit_pieces(RedactedPieces((text,)), tokens)


def fit_pieces(pieces: RedactedPieces, tokens: int) -> FittedContext:
    """The text if it has at most ``tokens`` tokens, else its most informative sections.

    Greedy maximization of a submodular function (Lin and Bilmes 2011, A class of submodular
    functions for document summarization): the sum over words of weight times log(1 + occurrences
    chosen), per token of a section. A word's weight is its TF-IDF with sections as documents.
    Sections are whole lines and keep their order; ``[...]`` marks gaps. Deterministic.

    ``tokens_whole`` is estimated from the pieces where they are only a part of the text.
    """
    given = sum(map(token_estimate, pieces.texts))
    if len(pieces.texts) == 1 and pieces.share >= 1.0 and given <= tokens:
        return FittedContext(pieces.texts[0], given, given)
    whole = max(given, round(given / pieces.share))
    if pieces.share >= 1.0 and given <= tokens:
        return FittedContext("".join(pieces.texts), given, whole)
    length = sum(map(len, pieces.texts))
    cut = [_sections(text, length, tokens) for text in pieces.texts]
    sections = [section for of_piece in cut for section in of_piece]
    chosen = _most_informative(sections, tokens)
    if not chosen:
        return _beginning("".join(pieces.texts[:1]), tokens, whole)
    begins = set(accumulate(map(len, cut)))
    parts: list[str] = []
    for number in sorted(chosen):
        if number and (number - 1 not in chosen or number in begins):
            parts.append(GAP)
        parts.append(sections[number])
    if len(sections) - 1 not in chosen:
        parts.append(GAP)
    text_shown = "".join(parts)
    return FittedContext(text_shown, token_estimate(text_shown), whole)


def _most_informative(sections: list[str], tokens: int) -> set[int]:
    """Lazy greedy choice: gains only shrink, so only a stale gain that leads is computed again."""
    counts = [Counter(_WORD.findall(section.lower())) for section in sections]
    weights = _weights(counts)
    gap = token_estimate(GAP)
    # there may be one gap more than sections
    tokens -= gap
    costs = [token_estimate(section) + gap for section in sections]
    chosen_words: Counter[str] = Counter()

    def gain(number: int) -> float:
        added = sum(
            weights[word] * math.log((1 + chosen_words[word] + n) / (1 + chosen_words[word]))
            for word, n in counts[number].items()
        )
        return added * (_FIRST_SECTION_FACTOR if number == 0 else 1.0) / costs[number]

    waiting = [(-gain(number), number) for number in range(len(sections))]
    heapify(waiting)
    chosen: set[int] = set()
    while waiting:
        _, number = heappop(waiting)
        if costs[number] > tokens:
            continue
        current = (-gain(number), number)
        if waiting and current > waiting[0]:
            heappush(waiting, current)
            continue
        chosen.add(number)
        chosen_words.update(counts[number])
        tokens -= costs[number]
    return chosen


def _sections(text: str, length: int, tokens: int) -> list[str]:
    """Runs of whole lines of about equal length; longer lines are cut.

    ``length``: characters of the whole text, of which ``text`` may be one piece.
    """
    # short enough that more than two sections fit
    longest = length // _MAX_SECTIONS
    size = max(_MIN_SECTION_CHARS, min(longest, tokens // 2))
    sections: list[str] = []
    section = ""
    for line in text.splitlines(keepends=True):
        pieces = [line[begin : begin + size] for begin in range(0, len(line), size)]
        for piece in pieces:
            if section and len(section) + len(piece) > size:
                sections.append(section)
                section = ""
            section += piece
    return [*sections, section] if section else sections


def _weights(counts: list[Counter[str]]) -> dict[str, float]:
    """The TF-IDF of each word of the text (Salton and Buckley 1988), sections as documents."""
    holding: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for counter in counts:
        holding.update(counter.keys())
        totals.update(counter)
    total = len(counts)
    return {
        word: (1.0 + math.log(n)) * (math.log((1 + total) / (1 + holding[word])) + 1.0)
        for word, n in totals.items()
    }


def _beginning(text: str, tokens: int, whole: int) -> FittedContext:
    """The beginning of the text, where no section fits."""
    # no character has more than four bytes
    start = text[: tokens * 3 // 4]
    return FittedContext(start, token_estimate(start), whole)
