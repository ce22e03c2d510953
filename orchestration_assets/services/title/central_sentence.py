"""A title by extraction: the sentence that is most similar to all others."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.keywords.pagerank import pagerank
from orchestration_assets.services.readings import abstention
from orchestration_assets.services.title.headings import headings_of
from orchestration_assets.services.title.leading_comment import telling_paragraphs
from orchestration_assets.services.title.log_event import event_of, is_log, is_transcript
from orchestration_assets.services.title.title_form import as_title, form_score, word_count
from orchestration_assets.services.title.unfit_lines import (
    is_aside,
    is_boilerplate,
    is_code,
    is_greeting,
    is_record,
    is_release,
    names_nothing,
)
from orchestration_assets.text.function_words import stop_words_for
from orchestration_assets.text.notebooks import is_notebook, notebook_as_markdown
from orchestration_assets.text.prose import PROSE_CHARS, html_tree, is_html, prose_of
from orchestration_assets.text.sentences import MAX_SENTENCE, one_line, sentences_of
from orchestration_assets.text.words import prose_words, singular_words

_MAX_SENTENCES: Final = 40
_MIN_WORDS: Final = 3
# Leaves out paths, commands and boilerplate, but not sentences that are long.
_MIN_FORM: Final = 0.4
# Set by judgement, not measured: a sentence seldom is a title, least so when none is like it.
_MIN_CONFIDENCE: Final = 0.2
_MAX_CONFIDENCE: Final = 0.45
# What opens a text more often says what it is about: each sentence later counts so much less.
_LOST_A_SENTENCE: Final = 0.6
_TERMS: Final = 10
# In a short text hardly a word comes back, and the rank is noise: so much every sentence has.
_GROUND: Final = 1.0
_DEPENDENT: Final = 0.6
_MANY_WORDS: Final = 20
_LONG_WORTH: Final = 0.85
# In the forms of tickets the fault is what happened, not what should have.
_FAULT = re.compile(r"(?:actual|observed|problem|issue|symptom)s?(?: \w+)?:", re.IGNORECASE)
_NO_FAULT = re.compile(r"(?:expected|desired)(?: \w+)?:", re.IGNORECASE)
_FAULT_WORTH: Final = 2.0
_OPENING_CHARS: Final = 40
# In front of what somebody said, or of what happened: a new sentence.
_STAMP = re.compile(r"^\[[^\]\n]{1,24}\][ \t]*", re.MULTILINE)
_LIST_ITEM = re.compile(
    r"^[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+.*(?:\n[ \t]+\S.*)*$", re.MULTILINE
)
# "Actual: the text stops"
_FIELD_NAME = re.compile(r"\A(?:[A-Z][a-z]+:\s+(?=\w+\s+\w+\s+\w+))")
_DISCOURSE = re.compile(
    r"\A(?:yes|no|so|also|however|therefore|thus|well|okay|ok|anyway|finally|first|then|oui|non"
    r"|ja|nein"
    r"|alors|donc|adem\u00e1s),?\s+(?=\w)",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\A(?:it|its|they|their|them|these|those|this|that|he|she|his|her|each|both|such|here|there"
    r"|see|above|below|"
    r"following|as|and|but|or|ils?|elles?|cela|ceci|es|sie|dies\w*|eso|esto|esta)\b"
    r"|\b(?:below|above|as follows)\W*\Z|\bhere (?:is|are)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:i|we|us|me|you|my|our|your|some of (?:you|us)|je|nous|vous|wir|ich|yo|nosotros|let's"
    r"|let us)\b|think\b",
    re.IGNORECASE,
)


class CentralSentence(EmbeddedService):
    """LexRank (Erkan and Radev 2004) over at most 40 sentences, without a threshold.

    To a sentence's rank comes the share of the text's heaviest terms that it carries; both are
    divided by its place, 1 + 0.6 for each one before it. Items of lists are left out, and of code
    only the comment that it opens with is read: what stands further down is about a part.
    """

    name: ClassVar[str] = "central_sentence"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.TEXT})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        family = item.family
        if family in (Family.PROSE, Family.MARKUP) and is_log(head := item.text[:PROSE_CHARS]):
            event = as_title(event_of(head) or "")
            if event or not is_transcript(head):
                return _of_log(event)
        sentences = [sentence for sentence in _sentences(item.text, family) if _may_name(sentence)]
        if not sentences:
            return abstention("no sentence")
        scores = _scores(sentences)
        if scores is None:
            return abstention("no sentence with words of content")
        best = max(range(len(sentences)), key=lambda place: (scores[place].score, -place))
        title = as_title(_DISCOURSE.sub("", _FIELD_NAME.sub("", sentences[best])))
        if not title:
            return abstention("no sentence with words of content")
        likeness = scores[best].likeness
        return Reading(
            Status.OK,
            answer=title,
            confidence=round(
                _MIN_CONFIDENCE
                + (_MAX_CONFIDENCE - _MIN_CONFIDENCE) * min(math.sqrt(likeness), 1.0),
                4,
            ),
            evidence=f"most central of {len(sentences)} sentences, mean likeness {likeness:.2f}",
        )


def _of_log(event: str) -> Reading:
    if not event:
        return abstention("a log in which nothing went wrong")
    return Reading(
        Status.OK,
        answer=event,
        confidence=_MAX_CONFIDENCE,
        evidence="the first line of the worst level in a log",
    )


class _SentenceScore(NamedTuple):
    score: float
    likeness: float


def _scores(sentences: Sequence[str]) -> list[_SentenceScore] | None:
    """Each sentence's score, and its mean likeness to the others; None without words."""
    words = _content_words(sentences)
    similarities = _similarities(words)
    if similarities is None:
        return None
    rank = pagerank(similarities)
    others = max(len(sentences) - 1, 1)
    counts = Counter(word for listed in words for word in listed.elements())
    heaviest = sum(count for _, count in counts.most_common(_TERMS))
    return [
        _SentenceScore(
            round(
                (
                    _GROUND
                    + float(rank[place]) / float(rank.max())
                    + _carried(words[place], counts, heaviest)
                )
                / (1 + _LOST_A_SENTENCE * place)
                * _style(sentence),
                9,
            ),
            float(similarities[place].sum()) / others,
        )
        for place, sentence in enumerate(sentences)
    ]


def _content_words(sentences: Sequence[str]) -> list[Counter[str]]:
    """The words of each sentence that are no function words, plurals counted with the singular."""
    words = [prose_words(sentence) for sentence in sentences]
    left_out = stop_words_for(word for listed in words for word in listed)
    return [
        Counter(singular_words([word for word in listed if word not in left_out]))
        for listed in words
    ]


def _carried(words: Iterable[str], counts: Counter[str], heaviest: int) -> float:
    """How often the words occur in all sentences, over ``heaviest``, how often the ten
    most frequent ones do; in [0, 1]."""
    carried = sum(counts[word] for word in words)
    return min(carried / heaviest, 1.0) if heaviest > 0 else 0.0


def _style(sentence: str) -> float:
    """How much a sentence stands on its own: less when it points back, or speaks of its writer."""
    points_back = len(_POINTS_BACK.findall(sentence))
    personal = _PERSONAL.search(sentence[:_OPENING_CHARS]) is not None
    exclaims = "?" in sentence or sentence.endswith("!")
    worth = _DEPENDENT ** (points_back + personal + exclaims)
    worth *= _LONG_WORTH if word_count(sentence) > _MANY_WORDS else 1.0
    return worth * (_FAULT_WORTH if _FAULT.match(sentence) else 1.0)


def _sentences(text: str, family: str) -> list[str]:
    if family == Family.CODE:
        return [
            sentence
            for paragraph in telling_paragraphs(text[:PROSE_CHARS])
            for sentence in sentences_of(paragraph, _MAX_SENTENCES, family)
        ][:_MAX_SENTENCES]
    if family == Family.MARKUP and is_html(text):
        headings = set()
        paragraphs = [one_line(node.text()) for node in html_tree(text[:PROSE_CHARS]).css("p")]
        prose = "\n\n".join(one for one in paragraphs if one) or prose_of(text, family)
    elif family == Family.DATA:
        return []
    else:
        if is_notebook(text):
            text = notebook_as_markdown(text)
        headings = {as_title(heading.wording) for heading in headings_of(text)}
        if any(map(is_release, headings)):
            # A list of changes: every sentence is about one of them.
            return []
        # An item of a list is about a part, and a field about the file.
        head = _STAMP.sub("\n\n", _LIST_ITEM.sub("\n\n", text[:PROSE_CHARS]))
        prose = prose_of(head, family)
    sentences = sentences_of(prose, _MAX_SENTENCES, family)
    return [one for one in sentences if as_title(one) not in headings]


def _may_name(sentence: str) -> bool:
    # What was cut is no sentence but a menu, a table or a list.
    return (
        len(sentence) < MAX_SENTENCE - 1
        and word_count(sentence) >= _MIN_WORDS
        and not names_nothing(sentence)
        and not is_boilerplate(sentence)
        and not is_aside(sentence)
        and not _NO_FAULT.match(sentence)
        and not is_greeting(sentence)
        and not is_code(sentence)
        and not is_record(sentence)
        and form_score(as_title(sentence)) >= _MIN_FORM
    )


def _similarities(counts: Sequence[Counter[str]]) -> Any:
    """Cosines between the sentences' words, zero on the diagonal; None without words."""
    import numpy as np

    columns = {
        word: index for index, word in enumerate(dict.fromkeys(w for c in counts for w in c))
    }
    if not columns:
        return None
    vectors = np.zeros((len(counts), len(columns)))
    for row, counted in enumerate(counts):
        for word, count in counted.items():
            vectors[row, columns[word]] = count
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    vectors /= np.where(lengths > 0, lengths, 1.0)
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, 0.0)
    return similarities
