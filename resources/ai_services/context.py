"""What of a text a service is shown: its most telling sections, within a number of tokens."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from resources.ai_services.tokens import token_estimate

GAP: Final = "\n[...]\n"
_SECTIONS: Final = 64
"""A text is cut into about so many sections: enough to choose from, few enough to be read."""
_LEAST_CHARS: Final = 200
_WORD: Final = re.compile(r"\w{3,40}")
_LEAD_BONUS: Final = 1.5
"""The first section says what the text is about: it counts half as much again."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The part of a text that is shown. ``share`` of its tokens in [0, 1]; 1 is all of it."""

    text: str
    tokens: int
    tokens_whole: int

    @property
    def share(self) -> float:
        return min(1.0, self.tokens / self.tokens_whole) if self.tokens_whole else 1.0


def fit(text: str, tokens: int) -> Fitted:
    """The whole text when it has no more than ``tokens`` tokens, else its most telling sections.

    Sections are whole lines. Each counts the mean TF-IDF of its words, documents being the
    sections of this text (Salton and Buckley 1988); the best are taken while they fit, and
    shown in their order with ``[...]`` where something was left out. The same text and number
    give the same part.
    """
    whole = token_estimate(text)
    if whole <= tokens:
        return Fitted(text, whole, whole)
    sections = _sections(text, tokens)
    counts = [Counter(_WORD.findall(section.lower())) for section in sections]
    weights = _weights(counts)
    order = sorted(range(len(sections)), key=lambda number: (-weights[number], number))
    gap, used = token_estimate(GAP), 0
    chosen: set[int] = set()
    for number in order:
        needed = token_estimate(sections[number]) + gap
        if used + needed <= tokens:
            chosen.add(number)
            used += needed
    if not chosen:
        return _cut(text, tokens, whole)
    parts: list[str] = []
    for number in sorted(chosen):
        if number and number - 1 not in chosen:
            parts.append(GAP)
        parts.append(sections[number])
    if len(sections) - 1 not in chosen:
        parts.append(GAP)
    shown = "".join(parts)
    return Fitted(shown, token_estimate(shown), whole)


def _sections(text: str, tokens: int) -> list[str]:
    """Runs of whole lines of about equal length; a longer line is cut."""
    # no section may be so long that the budget holds only one or two of them
    fine = len(text) // _SECTIONS
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


def _weights(counts: list[Counter[str]]) -> list[float]:
    holding: Counter[str] = Counter()
    for one in counts:
        holding.update(one.keys())
    total = len(counts)
    idf = {word: math.log((1 + total) / (1 + n)) + 1.0 for word, n in holding.items()}
    # a word that stands only once in the whole text tells little: at least two sections share it
    telling = {word for word, n in holding.items() if n > 1}
    weights = [
        sum(math.log1p(n) * idf[word] for word, n in one.items() if word in telling)
        / math.sqrt(1 + one.total())
        for one in counts
    ]
    if weights:
        weights[0] *= _LEAD_BONUS
    return weights


def _cut(text: str, tokens: int, whole: int) -> Fitted:
    """The beginning, when no section is small enough."""
    shown = text[:tokens]
    return Fitted(shown, token_estimate(shown), whole)
