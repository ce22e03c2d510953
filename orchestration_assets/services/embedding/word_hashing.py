"""A vector of which words a content has."""

import math
from collections import Counter
from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.hashed_features import hashed
from orchestration_assets.services.embedding.vector_readings import vector_read
from orchestration_assets.services.readings import abstained
from orchestration_assets.text.function_words import to_leave_out
from orchestration_assets.text.words import words_of


class WordHashing(EmbeddedService):
    """Hashes the words, function words apart, each at the weight 1 + ln(occurrences)."""

    name: ClassVar[str] = "word_hashing"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        words = words_of(item.text, str(item.profile.get("family", "prose")))
        left_out = to_leave_out(words)
        counts = Counter(word for word in words if word not in left_out)
        if not counts:
            return abstained("no words")
        weights = {word: 1 + math.log(count) for word, count in counts.items()}
        return vector_read(hashed(weights), len(counts), f"{len(counts)} distinct words, hashed")
