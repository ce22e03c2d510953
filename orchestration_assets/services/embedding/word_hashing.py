"""A vector of which words a content has."""

import math
from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.hashed_features import hashed_vector
from orchestration_assets.services.embedding.vector_readings import vector_reading
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.function_words import stop_words_for
from orchestration_assets.text.words import word_counts


class WordHashing(EmbeddedService):
    """Hashes the words, function words apart, each at the weight 1 + ln(occurrences)."""

    name: ClassVar[str] = "word_hashing"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        counts = word_counts(item.text, item.family)
        left_out = stop_words_for(counts)
        weights = {w: 1 + math.log(count) for w, count in counts.items() if w not in left_out}
        if not weights:
            return abstention("no words")
        return vector_reading(
            hashed_vector(weights), len(weights), f"{len(weights)} distinct words, hashed"
        )
