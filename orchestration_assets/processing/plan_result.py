"""What carrying out one plan yields, and how the answer so far is judged."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from orchestration_assets.evidence.consensus import Consensus, consensus
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.items import Question

Ask = Callable[[str, Question], Awaitable[AskResult]]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision while a plan runs, with the leading answer at that moment.

    ``coverage`` is the share of the content that a round read, ``gain`` how far it moved the
    answer from the round before, both in [0, 1] and None for other decisions.
    """

    action: str
    services: tuple[str, ...]
    reason: str
    answer: Answer | None = None
    certainty: float | None = None
    coverage: float | None = None
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class PlanResult:
    """All answers of a plan, in the order of asking, and the decisions that led to them."""

    answered: tuple[AskResult, ...]
    decisions: tuple[Decision, ...]


def lead(answered: Sequence[AskResult], question: Question) -> Consensus:
    """The answer so far, from the final reading of each service."""
    votes = [(result.service, result.reading) for result in answered if result.final]
    return consensus(votes, question.task)


def stop(reason: str, leading: Consensus) -> Decision:
    """The decision to ask no more."""
    answered = leading.answer is not None
    return Decision("stop", (), reason, leading.answer, leading.certainty if answered else None)
