"""Key words by TF-IDF: often here, rarely elsewhere."""

from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.keyword_candidates import candidates_of, rank_terms
from orchestration_assets.services.keywords.keyword_readings import keywords_reading
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.document_frequencies import term_counts, term_weights
from orchestration_assets.text.function_words import stop_words_for


class TfidfKeywords(EmbeddedService):
    """Ranks words and phrases by their occurrences against general document frequencies."""

    name: ClassVar[str] = "tfidf_keywords"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SET})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.8

    def answer(self, question: Question) -> Reading:
        item = question.item
        candidates = candidates_of(item.text, item.family)
        left_out = stop_words_for(candidates.counts)
        counts = term_counts({w: n for w, n in candidates.counts.items() if w not in left_out})
        if not counts:
            return abstention("no words")
        ranked, occurrences = rank_terms(term_weights(counts), counts, candidates.phrases)
        return keywords_reading(ranked, occurrences, "TF-IDF")
