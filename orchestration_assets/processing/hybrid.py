"""A dependency graph of services: each is asked once those that it waits for have answered."""

from collections.abc import Awaitable
from dataclasses import replace
from graphlib import TopologicalSorter

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import begun
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


def waves(choice: Choice) -> list[tuple[str, ...]]:
    """The services by wave: each waits only for services of earlier waves, in plan order.

    Raises graphlib.CycleError when the dependencies go round in a circle.
    """
    order = {name: position for position, name in enumerate(choice.services)}
    graph = TopologicalSorter({name: choice.after.get(name, ()) for name in choice.services})
    graph.prepare()
    found: list[tuple[str, ...]] = []
    while graph.is_active():
        ready = tuple(sorted(graph.get_ready(), key=order.__getitem__))
        found.append(ready)
        graph.done(*ready)
    return found


async def run_hybrid(choice: Choice, question: Question, ask: Ask) -> PlanResult:
    """Asks along the graph; a service sees the readings of those that it waits for.

    No service waits for a whole wave, only for its own dependencies, so that the makespan is the
    critical path. A dependency that fails is shown as the failed reading that it is.
    """
    under_way: dict[str, Awaitable[AskResult]] = {}

    async def step(service: str) -> AskResult:
        before = [await under_way[name] for name in choice.after.get(service, ())]
        earlier = tuple((result.service, result.reading) for result in before)
        return await ask(service, replace(question, earlier=(*question.earlier, *earlier)))

    planned = waves(choice)
    in_order = [service for wave in planned for service in wave]
    for service in in_order:
        under_way[service] = begun(step(service))
    answered = settled([await under_way[service] for service in in_order])
    decisions = [_wave_decision(choice, number, wave) for number, wave in enumerate(planned)]
    leading = lead(answered, question)
    return PlanResult(
        answered, (*decisions, stop("the graph was walked", leading)), leading=leading
    )


def _wave_decision(choice: Choice, number: int, wave: tuple[str, ...]) -> Decision:
    waits = [
        f"{name} after {', '.join(choice.after[name])}" for name in wave if name in choice.after
    ]
    reason = f"wave {number + 1}: {'; '.join(waits) or 'waits for nothing'}"
    return Decision("wave", wave, reason)
