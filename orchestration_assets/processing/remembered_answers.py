"""Answers of earlier runs that the memory of later messages holds, and what hangs on them."""

from collections.abc import Collection, Mapping, Sequence

from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.judged_inputs import Judged, with_verdict
from orchestration_assets.processing.known_inputs import KnownInputs
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.schemas.task_inputs import Inputs, TaskInputs


def note_stored(
    stored: BatchResult,
    plans: Sequence[PlanRow],
    memories: ThreadMemories,
    tasks: Mapping[str, Task],
    judged: Judged,
    inputs: Inputs,
) -> None:
    """Takes up what stands of plans that were carried out before."""
    known = KnownInputs({**inputs, **remembered_inputs(memories)}, tasks)
    known.add(stored)
    for plan in plans:
        pair = plan.item_id, plan.task
        if plan.task in memories.remembered and (stands := known.get(pair)) is not None:
            memories.note(*pair, with_verdict(stands, judged.get(pair), tasks[plan.task]).answer)


def with_later_messages(
    due: Collection[PlanRow], rows: Sequence[PlanRow], memories: ThreadMemories, inputs: Inputs
) -> list[PlanRow]:
    """The plans that are due, and those of later messages that are shown their answers, with what
    builds on these: all are of ``rows``, in their order."""
    places = memories.places({plan.item_id for plan in rows})
    first: dict[str, int] = {}
    for plan in due:
        if plan.task in memories.remembered and plan.item_id in places:
            thread, number = places[plan.item_id]
            first[thread] = min(number, first.get(thread, number))
    pairs = {(plan.item_id, plan.task) for plan in due}

    def is_later(item_id: str) -> bool:
        thread, number = places.get(item_id, ("", 0))
        return thread in first and number > first[thread]

    again = set(memories.shown)
    while builders := {task for task, own in inputs.items() if again & {*own.waits_for}} - again:
        again |= builders
    return [
        plan
        for plan in rows
        if (plan.item_id, plan.task) in pairs or (plan.task in again and is_later(plan.item_id))
    ]


def remembered_inputs(memories: ThreadMemories) -> Inputs:
    """What later messages wait for, as if a task of theirs did: for what is looked up of it."""
    return {"memory": TaskInputs(tuple(sorted(memories.remembered)), ())}
