"""Key words by TF-IDF: often here, rarely elsewhere."""

from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from resources.ai_services.background import term_counts, term_weights
from resources.ai_services.contract import EmbeddedService
from resources.ai_services.keyword_readings import keywords_read
from resources.ai_services.readings import abstained
from resources.ai_services.words import words_of


class TfidfKeywords(EmbeddedService):
    """Ranks words by their occurrences against a table of general document frequencies."""

    name: ClassVar[str] = "tfidf_keywords"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SET})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.8

    def answer(self, question: Question) -> Reading:
        item = question.item
        counts = term_counts(words_of(item.text, str(item.profile.get("family", "prose"))))
        if not counts:
            return abstained("no words")
        weights = term_weights(counts)
        ranked = sorted(weights, key=lambda word: (-weights[word], word))
        return keywords_read(ranked, counts, "TF-IDF")
