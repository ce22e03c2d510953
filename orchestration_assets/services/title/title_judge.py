"""Chooses the best of the titles that earlier services gave, or joins two of them."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import MAX_ALTERNATIVES, abstention
from orchestration_assets.services.title.title_form import (
    MAX_TITLE,
    MAX_WORDS,
    form_score,
    word_count,
)
from orchestration_assets.text.document_frequencies import term_counts, term_weights
from orchestration_assets.text.words import prose_words, singular_words, word_counts

# What the service that gave a title thought of it counts most: a title that the content declares
# stands. How it looks, and how much of the content's weight it carries, decide between equals.
_TRUST_ALONE: Final = 0.6
_FORM: Final = 0.25
_COVERAGE: Final = 0.15
# Titles are compared with the best one of so many terms.
_TERMS: Final = 5
# By how much a joined title must score higher, as no service gave it.
_JOIN_COST: Final = 0.02
_NAME_WORDS: Final = 3
# Within how many characters the sentence stands that says what a name stands for.
_OPENING_CHARS: Final = 400
_BETWEEN: Final = " #>=-*_~:.`\u2013\u2014"
_FULL_SENTENCE = re.compile(
    r"(?:the|this|that|these|those|an?|it|its|in|if|when|to|for|you|we|i|there|here|see|le|la|les"
    r"|cette?|ce|el|los|las|este|esta|der|die|das|dies\w*)\b",
    re.IGNORECASE,
)


class TitleJudge(EmbeddedService):
    """Scores the titles of ``question.earlier`` by coverage and form; the score is its confidence.

    A title of at most three words is joined with the sentence that follows it at once where
    that one does not repeat it: *tar: archiving utility*.
    """

    name: ClassVar[str] = "title_judge"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.TEXT})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.8

    def answer(self, question: Question) -> Reading:
        given: dict[str, tuple[str, float]] = {}
        for service, reading in question.earlier:
            title = reading.answer
            if reading.status is Status.OK and isinstance(title, str) and title not in given:
                given[title] = (service, 0.5 if reading.confidence is None else reading.confidence)
        if not given:
            return abstention("no earlier service gave a title")
        item = question.item
        weights = term_weights(term_counts(word_counts(item.text, item.family)))
        scored = {
            title: (score(title, weights, trust), service)
            for title, (service, trust) in given.items()
        }
        for title, (service, trust) in _joined(given, item.text).items():
            scored.setdefault(title, (score(title, weights, trust) - _JOIN_COST, service))
        ranked = sorted(scored, key=lambda title: (-scored[title][0], title))
        best = ranked[0]
        return Reading(
            Status.OK,
            answer=best,
            confidence=round(scored[best][0], 4),
            alternatives=tuple(
                Alternative(title, round(max(scored[title][0], 0.0), 4))
                for title in ranked[1 : MAX_ALTERNATIVES + 1]
            ),
            evidence=f"{scored[best][1][:60]} of {len(given)}: covers "
            f"{coverage(best, weights):.0%} of the weighted terms, form {form_score(best):.2f}",
        )


def coverage(title: str, weights: Mapping[str, float]) -> float:
    """The weight of the title's terms over that of the five heaviest, in [0, 1]."""
    heaviest = sum(sorted(weights.values(), reverse=True)[:_TERMS])
    carried = sum(weights.get(word, 0.0) for word in set(singular_words(prose_words(title))))
    return min(carried / heaviest, 1.0) if heaviest > 0 else 0.0


def score(title: str, weights: Mapping[str, float], trust: float) -> float:
    """How good a title is, in [0, 1]: its service's confidence times 0.6 and what 0.25 of form and
    0.15 of coverage add to that."""
    worth = _TRUST_ALONE + _FORM * form_score(title) + _COVERAGE * coverage(title, weights)
    return trust * worth


def _joined(given: Mapping[str, tuple[str, float]], text: str) -> dict[str, tuple[str, float]]:
    """Each short title before the sentence that follows it, where that fits a line."""
    joined: dict[str, tuple[str, float]] = {}
    # As it is written: a sentence that lost its code marks says less than it did.
    opening = " ".join(text[:_OPENING_CHARS].split()).casefold()
    for name, (namer, trust) in given.items():
        for sentence, (other, _) in given.items():
            both = f"{name}: {sentence}"
            if (
                word_count(name) <= _NAME_WORDS < word_count(sentence)
                and word_count(both) <= MAX_WORDS
                and len(both) <= MAX_TITLE
                and not set(prose_words(name)) & set(prose_words(sentence))
                and not _FULL_SENTENCE.match(sentence)
                and form_score(sentence) == 1.0
                and _follows(name, sentence, opening)
            ):
                joined[both] = (f"{namer} and {other} joined", trust)
    return joined


def _follows(name: str, sentence: str, opening: str) -> bool:
    """Whether nothing but the name stands before the sentence."""
    before, is_there, _ = opening.partition(sentence.casefold())
    return bool(is_there) and not before.replace(name.casefold(), "").strip(_BETWEEN)
