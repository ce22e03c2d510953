"""How embedded services word what they found, so that all of them abstain and rank alike."""

from collections.abc import Sequence
from typing import Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Question, Reading

MAX_ALTERNATIVES: Final = 3
# An alternative below this confidence says nothing to anybody.
_MIN_ALTERNATIVE: Final = 0.005


def abstained(reason: str) -> Reading:
    """A reading without an answer, and why."""
    return Reading(Status.ABSTAINED, reason=reason)


def answered(question: Question, ranked: Sequence[tuple[str, float]], evidence: str) -> Reading:
    """The best of ``ranked`` (answer, confidence; best first), the next ones as alternatives.

    A task may declare fewer labels than a service knows; an answer outside them is none.
    """
    best, confidence = ranked[0]
    if question.task.labels and best not in question.task.labels:
        return abstained(f"{best} is not a label of the task {question.task.name}")
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
