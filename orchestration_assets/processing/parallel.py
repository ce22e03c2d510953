"""All services at once; the merge keeps the plan's order, whoever answers first."""

import asyncio

from orchestration_assets.processing.execution import Ask, Decision, Execution, Steps, judge
from orchestration_assets.schemas.items import Question


async def run_parallel(steps: Steps, question: Question, ask: Ask) -> Execution:
    """Asks every service at the same time. A failure is a reading and cancels no other call."""
    # `ask` turns failures into readings, so gather cancels nothing
    answered = await asyncio.gather(*(ask(service, question) for service in steps.services))
    lead = judge(answered, question)
    return Execution(
        tuple(answered),
        (
            Decision("ask", steps.services, "all at once"),
            Decision("stop", (), "every service was asked", lead.answer, lead.probability or None),
        ),
    )
