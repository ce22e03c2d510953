"""One service after the other: a cascade that stops early, or a chain that hands answers on."""

from dataclasses import replace

from orchestration_assets.evidence.posterior import Posterior
from orchestration_assets.processing.asking import Answered
from orchestration_assets.processing.execution import Ask, Decision, Execution, Steps, judge
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question


async def run_sequential(steps: Steps, question: Question, ask: Ask) -> Execution:
    """Asks in order.

    A cascade stops once ``min_readings`` services have answered and the leading answer is at
    least ``stop_at`` probable. A chain asks every service and shows each the earlier readings.
    """
    answered: list[Answered] = []
    decisions: list[Decision] = []
    for position, service in enumerate(steps.services):
        lead = judge(answered, question)
        if position and _may_stop(steps, answered, lead):
            reason = (
                f"{lead.answer} is {lead.probability:.3f} probable, {steps.stop_at:g} is enough"
            )
            decisions.append(Decision("stop", (), reason, lead.answer, lead.probability))
            return Execution(tuple(answered), tuple(decisions))
        decisions.append(_ask_decision(steps, service, answered, lead))
        if steps.chain:
            earlier = tuple((one.service, one.reading) for one in answered)
            question = replace(question, earlier=earlier)
        answered.append(await ask(service, question))
    lead = judge(answered, question)
    decisions.append(
        Decision("stop", (), "every service was asked", lead.answer, lead.probability or None)
    )
    return Execution(tuple(answered), tuple(decisions))


def _may_stop(steps: Steps, answered: list[Answered], lead: Posterior) -> bool:
    votes = sum(one.reading.status is Status.OK for one in answered)
    return (
        steps.stop_at is not None
        and votes >= steps.min_readings
        and lead.probability >= steps.stop_at
    )


def _ask_decision(
    steps: Steps, service: str, answered: list[Answered], lead: Posterior
) -> Decision:
    if not answered:
        reason = "first in the plan"
    elif steps.chain:
        reason = "next in the chain, with the earlier answers"
    elif steps.stop_at is None:
        reason = "next in the plan"
    elif lead.answer is None:
        reason = "no answer yet"
    elif len(lead.probabilities) > 1:
        against = ", ".join(lead.probabilities)
        reason = f"answers contradict each other: {against}"
    elif lead.probability < steps.stop_at:
        reason = (
            f"{lead.answer} is only {lead.probability:.3f} probable, {steps.stop_at:g} is asked"
        )
    else:
        reason = f"{steps.min_readings} answers are asked before stopping"
    return Decision("ask", (service,), reason, lead.answer, lead.probability or None)
