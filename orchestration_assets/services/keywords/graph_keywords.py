"""Key words by TextRank: words that stand beside many words that do so too."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.keyword_candidates import candidates_of, rank_terms
from orchestration_assets.services.keywords.keyword_readings import keywords_reading
from orchestration_assets.services.keywords.pagerank import pagerank
from orchestration_assets.services.readings import abstention
from orchestration_assets.text.function_words import stop_words_for
from orchestration_assets.text.words import is_term, singular_words

_WINDOW: Final = 3
_MAX_NODES: Final = 256


class GraphKeywords(EmbeddedService):
    """Ranks words and phrases by their place in the graph of which words stand near each other."""

    name: ClassVar[str] = "graph_keywords"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SET})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.5

    def answer(self, question: Question) -> Reading:
        item = question.item
        candidates = candidates_of(item.text, item.family)
        left_out = stop_words_for(candidates.counts)
        terms = singular_words(
            [word for word in candidates.words if is_term(word) and word not in left_out]
        )
        if not terms:
            return abstention("no words that could be key words")
        counts = Counter(terms)
        ranked, occurrences = rank_terms(_word_ranks(terms, counts), counts, candidates.phrases)
        return keywords_reading(ranked, occurrences, "co-occurrence graph")


def _word_ranks(terms: Sequence[str], counts: Counter[str]) -> dict[str, float]:
    """Rank of each of the most frequent words, to nine digits: what lies below is rounding."""
    import numpy as np

    nodes = [word for word, _ in counts.most_common(_MAX_NODES)]
    place = {word: index for index, word in enumerate(nodes)}
    sequence = np.array([place[word] for word in terms if word in place])
    size = len(nodes)
    links = np.zeros((size, size))
    for distance in range(1, _WINDOW + 1):
        pairs = sequence[:-distance] * size + sequence[distance:]
        links += np.bincount(pairs, minlength=size * size).reshape(size, size) / distance
    links += links.T
    np.fill_diagonal(links, 0.0)
    return {word: round(float(rank), 9) for word, rank in zip(nodes, pagerank(links), strict=True)}
