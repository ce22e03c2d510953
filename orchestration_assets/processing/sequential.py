"""One service after the other: a cascade that stops early, or a chain that hands answers on."""

from collections.abc import Sequence
from dataclasses import replace

from orchestration_assets.evidence.consensus import Consensus
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    lead,
    settled,
    stop,
)
from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.policy import Choice


async def run_sequential(choice: Choice, question: Question, ask: Ask) -> PlanResult:
    """Asks in order.

    A cascade stops once ``min_readings`` services have answered and the leading answer is at
    least ``stop_at`` sure. A chain asks every service and shows each the earlier readings.
    """
    answered: tuple[AskResult, ...] = ()
    decisions: list[Decision] = []
    for position, service in enumerate(choice.services):
        leading = lead(answered, question)
        if position and _may_stop(choice, answered, leading):
            reason = (
                f"{shown(leading.answer)} is {leading.certainty:.3f} sure, "
                f"{choice.stop_at:g} is enough"
            )
            return PlanResult(answered, (*decisions, stop(reason, leading)), leading=leading)
        decisions.append(_ask_decision(choice, service, answered, leading))
        if choice.chain:
            earlier = tuple((result.service, result.reading) for result in answered)
            question = replace(question, earlier=earlier)
        answered = settled((*answered, await ask(service, question)))
    leading = lead(answered, question)
    ended = stop("every service was asked", leading)
    return PlanResult(answered, (*decisions, ended), leading=leading)


def _may_stop(choice: Choice, answered: Sequence[AskResult], leading: Consensus) -> bool:
    votes = sum(result.final and result.reading.status is Status.OK for result in answered)
    return (
        choice.stop_at is not None
        and votes >= choice.min_readings
        and leading.certainty >= choice.stop_at
    )


def _ask_decision(
    choice: Choice, service: str, answered: Sequence[AskResult], leading: Consensus
) -> Decision:
    answer = shown(leading.answer)
    if not answered:
        reason = "first in the plan"
    elif choice.chain:
        reason = "next in the chain, with the earlier answers"
    elif choice.stop_at is None:
        reason = "next in the plan"
    elif leading.answer is None:
        reason = "no answer yet"
    elif leading.dissenters:
        statements = [
            f"{result.service} says {shown(result.reading.answer)}" for result in answered
        ]
        reason = f"answers contradict each other: {', '.join(statements)}"
    elif leading.certainty < choice.stop_at:
        reason = f"{answer} is only {leading.certainty:.3f} sure, {choice.stop_at:g} is asked"
    else:
        reason = f"{choice.min_readings} answers are asked before stopping"
    certainty = leading.certainty if leading.answer is not None else None
    return Decision("ask", (service,), reason, leading.answer, certainty)
