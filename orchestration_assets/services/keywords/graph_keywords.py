"""Key words by TextRank: words that stand beside many words that do so too."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Family
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.keyword_readings import keywords_read
from orchestration_assets.services.readings import abstained
from orchestration_assets.text.function_words import to_leave_out
from orchestration_assets.text.words import folded, is_term, words_of

# Words of programming languages, common to several of them: they stand beside everything.
_CODE_WORDS: Final = frozenset(
    "abstract and args array assert async auto await bool boolean break byte case cast catch char "
    "class const constructor continue def default define del delete double echo elif else end "
    "endif enum err error esac eval except exit export extends extern false final finally float "
    "fmt fn for foreach from func function get global goto http https if ifdef ifndef impl "
    "implements import in include inline instanceof int interface is lambda len let list local "
    "long loop match module mut namespace new nil none not null number obj object of operator or "
    "override package params pass private protected pub public raise register require result ret "
    "return self set shift short signed sizeof static std str string struct super switch template "
    "test then this throw throws trait true try type typedef typename typeof undefined union "
    "unsigned use using val value var vec virtual void volatile when where while with yield".split()
)
_WINDOW: Final = 3
_MAX_NODES: Final = 256
_DAMPING: Final = 0.85
_ITERATIONS: Final = 24


def ranks(links: Any) -> Any:
    """PageRank of a symmetric matrix of link weights, by power iteration; the ranks add up to 1.

    Mihalcea and Tarau 2004: r = (1 - d) / n + d * W r, with W's columns normalised, d = 0.85.
    """
    import numpy as np

    count = len(links)
    out = links.sum(axis=0)
    steps = links / np.where(out > 0, out, 1.0)
    alone = out == 0
    rank = np.full(count, 1.0 / count)
    for _ in range(_ITERATIONS):
        # What has no links gives its rank to all, so that none is lost.
        rank = (1 - _DAMPING) / count + _DAMPING * (steps @ rank + rank[alone].sum() / count)
    return rank


class GraphKeywords(EmbeddedService):
    """Ranks words by their place in the graph of which words stand near each other."""

    name: ClassVar[str] = "graph_keywords"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SET})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.5

    def answer(self, question: Question) -> Reading:
        item = question.item
        family = str(item.profile.get("family", "prose"))
        words = words_of(item.text, family)
        left_out = to_leave_out(words)
        if family == Family.CODE:
            left_out |= _CODE_WORDS
        terms = folded([word for word in words if is_term(word) and word not in left_out])
        if not terms:
            return abstained("no words that could be key words")
        counts = Counter(terms)
        weights = _word_ranks(terms, counts)
        ranked = sorted(weights, key=lambda word: (-weights[word], word))
        return keywords_read(ranked, counts, "co-occurrence graph")


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
    return {word: round(float(rank), 9) for word, rank in zip(nodes, ranks(links), strict=True)}
