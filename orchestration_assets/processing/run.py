"""Driving the plans of a batch in one event loop, many items at a time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asking import NOT_CALLED, Answered, Asker
from orchestration_assets.processing.execute import execute
from orchestration_assets.processing.execution import Decision, Execution
from orchestration_assets.schemas.answers import answer_columns, shown
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.tables import CallRow, DecisionRow, InterpretationRow
from resources.ai_services.contract import Service

_FLUSH_EVERY = 64

Plan = Mapping[str, Any]
LoadItem = Callable[[str], Item]


@dataclass(frozen=True, slots=True)
class Work:
    """What plans refer to by name: choices by task and option, tasks, services."""

    choices: Mapping[tuple[str, str], Choice]
    tasks: Mapping[str, Task]
    services: Mapping[str, Service]


@dataclass
class Processed:
    """The rows that a batch's plans yield, by table."""

    interpretations: dict[ProcessingModel, list[InterpretationRow]] = field(
        default_factory=lambda: {model: [] for model in ProcessingModel}
    )
    decisions: list[DecisionRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)


def process_plans(
    plans: Iterable[Plan],
    work: Work,
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
    asker = Asker(work.services, cache)
    executions: list[list[Execution]] = [[] for _ in groups]

    async def drive() -> None:
        queue = iter(enumerate(groups))

        async def serve() -> None:
            # the workers share one iterator: each takes the next item as it becomes free
            for position, group in queue:
                executions[position] = await _process_item(group, work, asker, load_item)
                advance(1)
                if position % _FLUSH_EVERY == 0:
                    cache.flush()

        await asyncio.gather(*(serve() for _ in range(min(items_in_flight, len(groups)))))

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
    plans: Sequence[Plan], work: Work, asker: Asker, load_item: LoadItem
) -> list[Execution]:
    try:
        item = load_item(plans[0]["item_id"])
    except Exception as error:  # noqa: BLE001 -- an unreadable item is a row, not the batch's end
        return [_unreadable(plan, work, asker, error) for plan in plans]
    executions = []
    for plan in plans:
        choice = work.choices[plan["task"], plan["option"]]
        question = Question(work.tasks[plan["task"]], item)
        executions.append(await execute(choice, question, asker.ask, work.tasks))
    return executions


def _unreadable(plan: Plan, work: Work, asker: Asker, error: Exception) -> Execution:
    reading = Reading(Status.FAILED, reason=f"content not readable: {error}")
    now = asker.now()
    answered = tuple(
        Answered(name, work.services[name].version, "", reading, NOT_CALLED, 0.0, now, 0.0)
        for name in dict.fromkeys(plan["services"])
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
                round=one.round,
                final=one.final,
                status=reading.status,
                **answer_columns(reading.answer),
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
                round=one.round,
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
                answer=shown(decision.answer),
                certainty=decision.certainty,
                coverage=decision.coverage,
                gain=decision.gain,
            )
        )
