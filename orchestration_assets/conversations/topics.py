"""How far two sentences of a thread are about the same, by the rare words that they share.

A word weighs by how rare it is in the thread so far and in general (inverse document frequency,
Sparck Jones 1972). What both sentences hold speaks for one topic; what only one of them holds
speaks against it, and what each holds of its own speaks most.
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies

_ONE_SIDED: Final = 0.35
"""Words of one sentence beyond those of the other count so much against a topic where the other
has none of its own: a sentence may say more of the same."""
_OF_CONTEXT: Final = 0.8
"""A word of the sentences before counts so much of one of the sentence itself."""
_LEAST_THREAD: Final = 0.3
"""A word that every message holds has this weight of one that few do."""
_LEAST_GENERAL: Final = 0.05
_SMOOTHED: Final = 10
"""A thread is taken to go on from so many messages that hold none of its words."""
_RARE: Final = math.log(8.0)
"""A word that one message of so many holds is rare in its thread."""


@lru_cache(maxsize=1 << 14)
def _in_general(word: str) -> float:
    table, rarest = document_frequencies()
    rarity = math.log(OUT_OF / table.get(word, rarest / 2)) / math.log(OUT_OF * 2 / rarest)
    return max(_LEAST_GENERAL, rarity)


class Topic(NamedTuple):
    """The words that a sentence is about: its own, those before it, and those of them that name
    somebody or something; who says it, and whether of himself."""

    words: frozenset[str]
    context: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    speaker: frozenset[str] = frozenset()
    of_speaker: bool = False

    @property
    def all_words(self) -> frozenset[str]:
        """The words of the sentence and of those before it."""
        return self.words | self.context


class TopicWeights:
    """What words weigh after the messages so far."""

    def __init__(self) -> None:
        self._holding: Counter[str] = Counter()
        self._messages = 0

    def add(self, words: Iterable[str]) -> None:
        """Takes up the different words of one more message."""
        self._holding.update(words)
        self._messages += 1

    def held(self, word: str) -> int:
        """How many messages hold a word."""
        return self._holding[word]

    def of(self, word: str) -> float:
        """The weight of a word, in (0, 1]."""
        often = (1 + self._holding[word]) / (_SMOOTHED + self._messages)
        in_thread = min(1.0, -math.log(often) / _RARE)
        return _in_general(word) * (_LEAST_THREAD + (1.0 - _LEAST_THREAD) * in_thread)

    def likeness(self, one: Topic, other: Topic) -> float:
        """How far two sentences are about the same, in [0, 1].

        Of the shared words, one at least must stand in both sentences themselves. One word alone is
        no topic where either sentence has more.
        """
        both = one.words & other.words
        if not both:
            return 0.0
        by_context = (one.words & other.context) | (other.words & one.context)
        shared = self._sum(both) + _OF_CONTEXT * self._sum(by_context - both)
        rest = sorted(
            (
                self._sum(one.words - other.words - other.context),
                self._sum(other.words - one.words - one.context),
            )
        )
        one_sided = _ONE_SIDED if len(both | by_context) > 1 else 1.0
        return shared / (shared + rest[0] + one_sided * (rest[1] - rest[0]))

    def _sum(self, words: Iterable[str]) -> float:
        return math.fsum(map(self.of, words))
