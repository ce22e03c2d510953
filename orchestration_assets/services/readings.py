"""Builds the readings of embedded services: answers with alternatives, and abstentions."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Question, Reading
from orchestration_assets.text.visible_text import visible_text

MAX_ALTERNATIVES: Final = 3
_QUOTED_WORDS: Final = 3
_QUOTED_CHARS: Final = 32
# Alternatives below this confidence are left out.
_MIN_ALTERNATIVE: Final = 0.005


def quoted(words: Iterable[str]) -> str:
    """The first three words of the content that decided, each between “ and ”, without repeats.

    What stands so in evidence is marked where people see the content.
    """
    shown = dict.fromkeys(" ".join(visible_text(w).split())[:_QUOTED_CHARS] for w in words)
    return ", ".join(f"“{word}”" for word in islice(filter(None, shown), _QUOTED_WORDS))


def abstention(reason: str) -> Reading:
    """A reading without an answer, with its reason."""
    return Reading(Status.ABSTAINED, reason=reason)


def label_reading(
    question: Question, ranked: Sequence[tuple[str, float]], evidence: str
) -> Reading:
    """The best of ``ranked`` (answer, confidence; best first), the next ones as alternatives.

    Abstains where the best answer is not among the labels of the task.
    """
    best, confidence = ranked[0]
    if question.task.labels and best not in question.task.labels:
        return abstention(f"{best} is not a label of the task {question.task.name}")
    alternatives = tuple(
        Alternative(answer, round(min(max(weight, 0.0), 1.0), 4))
        for answer, weight in ranked[1 : MAX_ALTERNATIVES + 1]
        if weight >= _MIN_ALTERNATIVE
    )
    return Reading(
        Status.OK,
        answer=best,
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
        alternatives=alternatives,
        evidence=evidence,
    )
