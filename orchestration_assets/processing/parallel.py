"""All services at once; the merge keeps the plan's order, whoever answers first."""

from orchestration_assets.processing.concurrent_calls import all_of
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    lead,
    settled,
    stop,
)
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.policy import Choice


async def run_parallel(choice: Choice, question: Question, ask: Ask) -> PlanResult:
    """Asks every service at the same time. A failure is a reading and cancels no other call."""
    # `ask` turns failures into readings, so none ends the others
    heard = await all_of(*(ask(service, question) for service in choice.services))
    answered = settled(heard)
    asked = Decision("ask", choice.services, "all at once")
    leading = lead(answered, question)
    ended = stop("every service was asked", leading)
    return PlanResult(answered, (asked, ended), leading=leading)
