"""A judge of titles: takes the better of those that earlier services gave, or joins two."""

from collections.abc import Mapping
from typing import ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import MAX_ALTERNATIVES, abstained
from orchestration_assets.services.title.title_form import (
    MAX_TITLE,
    MAX_WORDS,
    form_score,
    word_count,
)
from orchestration_assets.text.document_frequencies import term_counts, term_weights
from orchestration_assets.text.words import folded, prose_words, words_of

# Of a title's score: how much of the content's weight it carries, how it looks, and what the
# service that gave it thought of it.
_COVERAGE: Final = 0.35
_FORM: Final = 0.35
_TRUST: Final = 0.3
# Titles are compared with the best one of so many terms.
_TERMS: Final = 5
# What a joined title must be better by: it is nobody's own words.
_JOIN_COST: Final = 0.05
_NAME_WORDS: Final = 3


class TitleJudge(EmbeddedService):
    """Scores the titles of ``question.earlier`` by coverage and form; the score is its confidence.

    A title of at most three words that no sentence repeats may be joined with one: *tar: archiving
    utility*.
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
            return abstained("no earlier service gave a title")
        item = question.item
        words = words_of(item.text, str(item.profile.get("family", "prose")))
        weights = term_weights(term_counts(words))
        scored = {
            title: (score(title, weights, trust), service)
            for title, (service, trust) in given.items()
        }
        for title, (service, trust) in _joined(given).items():
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
    carried = sum(weights.get(word, 0.0) for word in set(folded(prose_words(title))))
    return min(carried / heaviest, 1.0) if heaviest > 0 else 0.0


def score(title: str, weights: Mapping[str, float], trust: float) -> float:
    """How good a title is, in [0, 1]: 0.35 coverage, 0.35 form, 0.3 its service's confidence."""
    return _COVERAGE * coverage(title, weights) + _FORM * form_score(title) + _TRUST * trust


def _joined(given: Mapping[str, tuple[str, float]]) -> dict[str, tuple[str, float]]:
    """Each short title before each longer one that does not repeat it, where that fits a line."""
    joined: dict[str, tuple[str, float]] = {}
    for name, (namer, trust) in given.items():
        for sentence, (other, others) in given.items():
            both = f"{name}: {sentence}"
            if (
                word_count(name) <= _NAME_WORDS < word_count(sentence)
                and word_count(both) <= MAX_WORDS
                and len(both) <= MAX_TITLE
                and not set(prose_words(name)) & set(prose_words(sentence))
            ):
                joined[both] = (f"{namer} and {other} joined", min(trust, others))
    return joined
