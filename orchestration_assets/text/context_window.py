"""What of a text a service is shown: its most telling sections, within a number of tokens."""

import math
import re
from collections import Counter
from heapq import heapify, heappop, heappush
from itertools import accumulate
from typing import Final, NamedTuple

from orchestration_assets.text.redacted_pieces import RedactedPieces
from orchestration_assets.text.token_estimates import token_estimate

GAP: Final = "\n[...]\n"
_SECTIONS: Final = 64
"""A text is cut into about so many sections: enough to choose from, few enough to be read."""
_LEAST_CHARS: Final = 200
_WORD: Final = re.compile(r"\w{3,40}")
_LEAD_BONUS: Final = 1.5
"""The first section says what the text is about: it counts half as much again."""


class FittedContext(NamedTuple):
    """The part of a text that is shown. ``share`` of its tokens in [0, 1]; 1 is all of it."""

    text: str
    tokens: int
    tokens_whole: int

    @property
    def share(self) -> float:
        return min(1.0, self.tokens / self.tokens_whole) if self.tokens_whole else 1.0


def fit(text: str, tokens: int) -> FittedContext:
    """The whole text when it has no more than ``tokens`` tokens, else its most telling sections."""
    return fit_pieces(RedactedPieces((text,)), tokens)


def fit_pieces(pieces: RedactedPieces, tokens: int) -> FittedContext:
    """All of the text when it has no more than ``tokens`` tokens, else its most telling sections.

    Sections are whole lines. Taken is, again and again, the section that adds most for its
    tokens to the sum over words of weight times log(1 + occurrences taken), where a word weighs
    its TF-IDF in all the pieces and the sections are the documents; what is covered already
    adds little (Lin and Bilmes 2011, A class of submodular functions for document
    summarization). The sections are shown in their order, with ``[...]`` where something was
    left out. The same pieces and number give the same part.

    Of a text that only some pieces are of, the tokens are estimated from those.
    """
    there = sum(map(token_estimate, pieces.texts))
    whole = max(there, round(there / pieces.share))
    if pieces.share >= 1.0 and there <= tokens:
        return FittedContext("".join(pieces.texts), there, whole)
    length = sum(map(len, pieces.texts))
    cut = [_sections(text, length, tokens) for text in pieces.texts]
    sections = [section for of_piece in cut for section in of_piece]
    chosen = _telling(sections, tokens)
    if not chosen:
        return _cut("".join(pieces.texts[:1]), tokens, whole)
    begins = set(accumulate(map(len, cut)))
    parts: list[str] = []
    for number in sorted(chosen):
        if number and (number - 1 not in chosen or number in begins):
            parts.append(GAP)
        parts.append(sections[number])
    if len(sections) - 1 not in chosen:
        parts.append(GAP)
    shown = "".join(parts)
    return FittedContext(shown, token_estimate(shown), whole)


def _telling(sections: list[str], tokens: int) -> set[int]:
    """Lazy greedy choice: a gain can only shrink, so a stale one that leads is looked at again."""
    counts = [Counter(_WORD.findall(section.lower())) for section in sections]
    weights = _weights(counts)
    gap = token_estimate(GAP)
    # there may be one gap more than sections
    tokens -= gap
    costs = [token_estimate(section) + gap for section in sections]
    taken: Counter[str] = Counter()

    def gain(number: int) -> float:
        added = sum(
            weights[word] * math.log((1 + taken[word] + n) / (1 + taken[word]))
            for word, n in counts[number].items()
        )
        return added * (_LEAD_BONUS if number == 0 else 1.0) / costs[number]

    waiting = [(-gain(number), number) for number in range(len(sections))]
    heapify(waiting)
    chosen: set[int] = set()
    while waiting:
        _, number = heappop(waiting)
        if costs[number] > tokens:
            continue
        now = (-gain(number), number)
        if waiting and now > waiting[0]:
            heappush(waiting, now)
            continue
        chosen.add(number)
        taken.update(counts[number])
        tokens -= costs[number]
    return chosen


def _sections(text: str, length: int, tokens: int) -> list[str]:
    """Runs of whole lines of about equal length; a longer line is cut.

    ``length``: of all the text that is cut so, in characters.
    """
    # no section may be so long that the budget holds only one or two of them
    fine = length // _SECTIONS
    size = max(_LEAST_CHARS, min(fine, tokens // 2))
    sections: list[str] = []
    held = ""
    for line in text.splitlines(keepends=True):
        pieces = [line[begin : begin + size] for begin in range(0, len(line), size)]
        for piece in pieces:
            if held and len(held) + len(piece) > size:
                sections.append(held)
                held = ""
            held += piece
    return [*sections, held] if held else sections


def _weights(counts: list[Counter[str]]) -> dict[str, float]:
    """The TF-IDF of each word of the text (Salton and Buckley 1988), sections as documents."""
    holding: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for one in counts:
        holding.update(one.keys())
        whole.update(one)
    total = len(counts)
    return {
        word: (1.0 + math.log(n)) * (math.log((1 + total) / (1 + holding[word])) + 1.0)
        for word, n in whole.items()
    }


def _cut(text: str, tokens: int, whole: int) -> FittedContext:
    """The beginning, when no section is small enough."""
    # no character has more than four bytes
    shown = text[: tokens * 3 // 4]
    return FittedContext(shown, token_estimate(shown), whole)
