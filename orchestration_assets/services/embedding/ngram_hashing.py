"""A vector of which letters a content's words have beside each other."""

import math
import re
from collections import Counter
from functools import lru_cache
from typing import ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.hashed_features import hashed
from orchestration_assets.services.embedding.vector_readings import vector_read
from orchestration_assets.services.readings import abstained

_MAX_CHARS: Final = 8_192
_SHORTEST: Final = 3
_LONGEST: Final = 5
_MAX_WORD: Final = 64
_TOKEN = re.compile(r"\w+")


@lru_cache(maxsize=16_384)
def _ngrams(word: str) -> tuple[str, ...]:
    """All runs of 3 to 5 characters of the word between two spaces, as analyzer="char_wb" has."""
    padded = f" {word[:_MAX_WORD]} "
    return tuple(
        padded[start : start + length]
        for length in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(padded) - length + 1)
    )


class NgramHashing(EmbeddedService):
    """Hashes the 3- to 5-grams of characters within words, each at 1 + ln(occurrences).

    Reads the content as it is, markup and code included: no list of words, no parser.
    """

    name: ClassVar[str] = "ngram_hashing"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    expected_ms: ClassVar[float] = 2.0

    def answer(self, question: Question) -> Reading:
        words = Counter(_TOKEN.findall(question.item.text[:_MAX_CHARS].lower()))
        if not words:
            return abstained("no words")
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for ngram in _ngrams(word):
                counts[ngram] += count
        weights = {ngram: 1 + math.log(count) for ngram, count in counts.items()}
        evidence = f"{len(counts)} distinct character n-grams of {len(words)} words, hashed"
        return vector_read(hashed(weights), len(words), evidence)
