"""What carrying out one plan yields, and how the answer so far is judged."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from orchestration_assets.evidence.posterior import Posterior, posterior
from orchestration_assets.processing.asking import Answered
from orchestration_assets.schemas.items import Question

Ask = Callable[[str, Question], Awaitable[Answered]]


@dataclass(frozen=True, slots=True)
class Steps:
    """What a plan says about execution: services in order, and when a sequence may stop."""

    services: tuple[str, ...]
    chain: bool = False
    stop_at: float | None = None
    min_readings: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision while a plan runs, with the leading answer at that moment."""

    action: str
    services: tuple[str, ...]
    reason: str
    answer: str | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """All answers of a plan, in the order of asking, and the decisions that led to them."""

    answered: tuple[Answered, ...]
    decisions: tuple[Decision, ...]


def judge(answered: Sequence[Answered], question: Question) -> Posterior:
    """The probability of each answer given so far."""
    return posterior([one.reading for one in answered], len(question.task.labels))
