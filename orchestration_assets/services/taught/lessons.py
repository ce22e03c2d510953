"""Lessons: what a teacher answered about which texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind

TEACHABLE = frozenset({AnswerKind.LABEL, AnswerKind.SET, AnswerKind.SCORE})
"""The kinds of answers that a taught service can give: free text and vectors cannot be learned
from a few hundred answers."""


@dataclass(frozen=True, slots=True)
class TeacherAnswer:
    """One answer of the teacher, None where it abstained.

    ``sampled``: the item was asked about whatever the taught service knew of it, so that it stands
    for all items. What was passed on because the taught service was not sure teaches, but
    tells nothing of how often it would be wrong.
    """

    content_hash: str
    text: str
    answer: Answer | None
    sampled: bool = True


def same_answer(
    kind: AnswerKind,
    first: Answer | None,
    second: Answer | None,
    tolerance: float = 0.0,
) -> bool:
    """Whether two answers are the same: labels that are equal, sets of the same members in any
    order, scores no farther apart than ``tolerance``, in units of the score."""
    if first is None or second is None:
        return first is second
    if kind is AnswerKind.SCORE:
        return abs(float(first) - float(second)) <= tolerance  # type: ignore[arg-type]
    if kind is AnswerKind.SET:
        return set(_members(first)) == set(_members(second))
    return first == second


def _members(answer: Answer) -> Sequence[str]:
    return [str(member) for member in answer] if isinstance(answer, tuple) else [str(answer)]
