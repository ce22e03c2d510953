"""A vector of which words a content has."""

import math
from collections import Counter
from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.hashed_features import hashed_vector
from orchestration_assets.services.embedding.vector_readings import vector_reading
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.function_words import stop_words_for
from orchestration_assets.text.words import words_of


class WordHashing(EmbeddedService):
    """Hashes the words, function words apart, each at the weight 1 + ln(occurrences)."""

    name: ClassVar[str] = "word_hashing"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        words = words_of(item.text, item.family)
        left_out = stop_words_for(words)
        counts = Counter(word for word in words if word not in left_out)
        if not counts:
            return abstention("no words")
        weights = {word: 1 + math.log(count) for word, count in counts.items()}
        return vector_reading(
            hashed_vector(weights), len(counts), f"{len(counts)} distinct words, hashed"
        )
