"""Builds the readings of embedded services: answers with alternatives, and abstentions."""

from collections.abc import Sequence
from typing import Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Question, Reading

MAX_ALTERNATIVES: Final = 3
# Alternatives below this confidence are left out.
_MIN_ALTERNATIVE: Final = 0.005


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
