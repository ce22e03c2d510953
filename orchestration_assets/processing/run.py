"""Driving the plans of a batch in one event loop, many items at a time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asking import NOT_CALLED, Answered, Asker
from orchestration_assets.processing.execution import Decision, Execution, Steps
from orchestration_assets.processing.parallel import run_parallel
from orchestration_assets.processing.sequential import run_sequential
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.tables import CallRow, DecisionRow, InterpretationRow
from resources.ai_services.contract import Service

_RUNNERS = {
    ProcessingModel.SEQUENTIAL: run_sequential,
    ProcessingModel.PARALLEL: run_parallel,
}
_FLUSH_EVERY = 64

Plan = Mapping[str, Any]
LoadItem = Callable[[str], Item]


@dataclass
class Processed:
    """The rows that a batch's plans yield, by table."""

    interpretations: dict[ProcessingModel, list[InterpretationRow]] = field(
        default_factory=lambda: {model: [] for model in _RUNNERS}
    )
    decisions: list[DecisionRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)


def process_plans(
    plans: Iterable[Plan],
    tasks: Mapping[str, Task],
    services: Mapping[str, Service],
    cache: AnswerCache,
    load_item: LoadItem,
    items_in_flight: int,
    advance: Callable[[int], None] = lambda items: None,
) -> Processed:
    """Carries out every plan; ``plans`` are sorted by item.

    ``load_item`` gives an item its content and may raise: then each service of its plans gets a
    failed reading with that reason, so that no plan goes without rows. Rows come out in the
    order of the plans, whichever item finishes first.
    """
    groups = [list(group) for _, group in groupby(plans, key=lambda plan: plan["item_id"])]
    asker = Asker(services, cache)
    executions: list[list[Execution]] = [[] for _ in groups]

    async def drive() -> None:
        queue = iter(enumerate(groups))

        async def work() -> None:
            for position, group in queue:
                executions[position] = await _process_item(group, tasks, services, asker, load_item)
                advance(1)
                if position % _FLUSH_EVERY == 0:
                    cache.flush()

        await asyncio.gather(*(work() for _ in range(min(items_in_flight, len(groups)))))

    try:
        asyncio.run(drive())
    finally:
        cache.flush()
    processed = Processed()
    for group, done in zip(groups, executions, strict=True):
        for plan, execution in zip(group, done, strict=True):
            _collect(plan, execution, processed)
    return processed


async def _process_item(
    plans: Sequence[Plan],
    tasks: Mapping[str, Task],
    services: Mapping[str, Service],
    asker: Asker,
    load_item: LoadItem,
) -> list[Execution]:
    try:
        item = load_item(plans[0]["item_id"])
    except Exception as error:  # noqa: BLE001 -- an unreadable item is a row, not the batch's end
        return [_unreadable(plan, services, asker, error) for plan in plans]
    executions = []
    for plan in plans:
        steps = Steps(tuple(plan["services"]), plan["chain"], plan["stop_at"], plan["min_readings"])
        run = _RUNNERS[ProcessingModel(plan["model"])]
        executions.append(await run(steps, Question(tasks[plan["task"]], item), asker.ask))
    return executions


def _unreadable(
    plan: Plan, services: Mapping[str, Service], asker: Asker, error: Exception
) -> Execution:
    reading = Reading(Status.FAILED, reason=f"content not readable: {error}")
    now = asker.now()
    answered = tuple(
        Answered(name, services[name].version, "", reading, NOT_CALLED, 0.0, now, 0.0)
        for name in plan["services"]
    )
    return Execution(answered, (Decision("stop", (), f"content not readable: {error}"),))


def _collect(plan: Plan, execution: Execution, processed: Processed) -> None:
    where = {"batch": plan["batch"], "item_id": plan["item_id"], "task": plan["task"]}
    rows = processed.interpretations[ProcessingModel(plan["model"])]
    for step, one in enumerate(execution.answered):
        reading = one.reading
        rows.append(
            InterpretationRow(
                **where,
                content_hash=plan["content_hash"],
                service=one.service,
                service_version=one.service_version,
                step=step,
                status=reading.status,
                answer=reading.answer,
                confidence=reading.confidence,
                alternatives=reading.alternatives,
                evidence=reading.evidence,
                reason=reading.reason,
                answer_key=one.answer_key,
            )
        )
        processed.calls.append(
            CallRow(
                **where,
                service=one.service,
                step=step,
                attempt=1,
                origin=one.origin,
                status=reading.status,
                cost_usd=one.cost_usd,
                started_at=one.started_at,
                elapsed_ms=one.elapsed_ms,
            )
        )
    for number, decision in enumerate(execution.decisions):
        processed.decisions.append(
            DecisionRow(
                **where,
                decision=number,
                action=decision.action,
                services=decision.services,
                reason=decision.reason,
                answer=decision.answer,
                probability=decision.probability,
            )
        )
