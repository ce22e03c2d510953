"""How important a message, or a sentence of it, is by itself: a score in [0, 1].

What Park et al. (2023, Generative Agents: Interactive Simulacra of Human Behavior) ask a model for
is counted here by what shows: how rare its words are in the thread so far (their mean surprise,
bounded: a long message is not important because it is long), values such as dates, amounts and
identifiers, names, and cues of decisions, corrections and denials.
"""

import math
import re
from collections import Counter
from typing import Final

from orchestration_assets.conversations.sentence_cues import asks, changes, decides, denies
from orchestration_assets.conversations.typed_values import typed_values
from orchestration_assets.text.words import prose_words

_NAMES: Final = re.compile(r"(?<=[\w,;:] )[^\W\d_a-z][\w-]+")
_MOST_BITS: Final = 8.0
_MOST_COUNTED: Final = 3
WEIGHTS: Final = {
    "surprise": 0.30,
    "values": 0.30,
    "names": 0.12,
    "decision": 0.12,
    "change": 0.10,
    "denial": 0.03,
    "reply": 0.03,
}
"""They add up to 1. Chosen on the dialogues that `python -m benchmarks memory` is tuned on."""
_QUESTION: Final = 0.4
"""What only asks counts this much: its answer is what matters."""


class WordSurprise:
    """How surprising words are after the texts so far: -log2 of the share that holds one."""

    def __init__(self) -> None:
        self._holding: Counter[str] = Counter()
        self._texts = 0

    def add(self, text: str) -> None:
        """Takes up one more text."""
        self._holding.update(set(prose_words(text)))
        self._texts += 1

    def of(self, text: str) -> float:
        """The mean over the different words of a text, in [0, 1] for 0 to 8 bits or more."""
        words = set(prose_words(text))
        if not words:
            return 0.0
        total = self._texts + 1
        bits = math.fsum(
            min(_MOST_BITS, math.log2((1 + total) / (1 + self._holding[word]))) for word in words
        )
        return bits / len(words) / _MOST_BITS


def importance(text: str, surprise: float, *, answers: bool = False) -> float:
    """The importance of a message or sentence in [0, 1].

    ``surprise``: that of its words, in [0, 1]. ``answers``: whether the one before it asks.
    """
    values = min(_MOST_COUNTED, len(typed_values(text))) / _MOST_COUNTED
    names = min(_MOST_COUNTED, len(_NAMES.findall(text))) / _MOST_COUNTED
    parts = {
        "surprise": surprise,
        "values": values,
        "names": names,
        "decision": float(decides(text)),
        "change": float(changes(text)),
        "denial": float(denies(text)),
        "reply": float(answers),
    }
    score = math.fsum(WEIGHTS[name] * part for name, part in parts.items())
    return score * _QUESTION if asks(text) else score
