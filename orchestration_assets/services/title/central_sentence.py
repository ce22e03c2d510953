"""A title by extraction: the sentence that is most like all the others."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.graph_keywords import ranks
from orchestration_assets.services.readings import abstained
from orchestration_assets.services.title.title_form import as_title, form_score, word_count
from orchestration_assets.text.function_words import to_leave_out
from orchestration_assets.text.prose import prose_of
from orchestration_assets.text.sentences import MAX_SENTENCE, sentences_of
from orchestration_assets.text.words import folded, prose_words

_MAX_SENTENCES: Final = 40
_MIN_WORDS: Final = 3
# Leaves out paths, commands and boilerplate, but not sentences that are long.
_MIN_FORM: Final = 0.4
# Set by judgement, not measured: a sentence seldom is a title, least so when none is like it.
_LOWEST: Final = 0.2
_HIGHEST: Final = 0.65


class CentralSentence(EmbeddedService):
    """LexRank (Erkan and Radev 2004) over at most 40 sentences, without a threshold."""

    name: ClassVar[str] = "central_sentence"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.TEXT})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        family = str(item.profile.get("family", "prose"))
        prose = prose_of(item.text, family)
        sentences = [
            sentence
            for sentence in sentences_of(prose, _MAX_SENTENCES, family)
            # What was cut is no sentence but a menu, a table or a list.
            if len(sentence) < MAX_SENTENCE - 1
            and word_count(sentence) >= _MIN_WORDS
            and form_score(as_title(sentence)) >= _MIN_FORM
        ]
        if not sentences:
            return abstained("no sentence")
        likeness = _likeness(sentences)
        if likeness is None:
            return abstained("no sentence with words of content")
        rank = [round(float(share), 9) for share in ranks(likeness)]
        best = max(range(len(sentences)), key=lambda place: (rank[place], -place))
        title = as_title(sentences[best])
        if not title:
            return abstained("no sentence with words of content")
        near = float(likeness[best].sum()) / max(len(sentences) - 1, 1)
        return Reading(
            Status.OK,
            answer=title,
            confidence=round(_LOWEST + (_HIGHEST - _LOWEST) * min(math.sqrt(near), 1.0), 4),
            evidence=f"most central of {len(sentences)} sentences, mean likeness {near:.2f}",
        )


def _likeness(sentences: Sequence[str]) -> Any:
    """Cosines between the sentences' content words, zero on the diagonal; None without words."""
    import numpy as np

    words = [prose_words(sentence) for sentence in sentences]
    left_out = to_leave_out(word for listed in words for word in listed)
    counts = [Counter(folded([w for w in listed if w not in left_out])) for listed in words]
    place = {word: index for index, word in enumerate(dict.fromkeys(w for c in counts for w in c))}
    if not place:
        return None
    vectors = np.zeros((len(sentences), len(place)))
    for row, counted in enumerate(counts):
        for word, count in counted.items():
            vectors[row, place[word]] = count
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    vectors /= np.where(lengths > 0, lengths, 1.0)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, 0.0)
    return likeness
