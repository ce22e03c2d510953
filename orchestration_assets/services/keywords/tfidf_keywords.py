"""Key words by TF-IDF: often here, rarely elsewhere."""

from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.keyword_readings import keywords_read
from orchestration_assets.services.readings import abstained
from orchestration_assets.text.document_frequencies import term_counts, term_weights
from orchestration_assets.text.words import words_of


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
