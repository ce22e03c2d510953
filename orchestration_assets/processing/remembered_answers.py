"""Answers about earlier messages that are part of the memory of later ones."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from orchestration_assets.processing.judged_inputs import Judged, with_verdict
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.processing.standing_inputs import standing_of
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.schemas.task_inputs import Inputs, TaskInputs


def note_answers(
    done: Iterable[tuple[PlanRow, PlanResult]],
    memories: ThreadMemories,
    tasks: Mapping[str, Task],
    judged: Judged,
) -> None:
    """Takes up what stands of plans that are over; of a verdict about one, the verdict."""
    for plan, result in done:
        if plan.task in memories.remembered:
            task, pair = tasks[plan.task], (plan.item_id, plan.task)
            stands = with_verdict(standing_of(result, task), judged.get(pair), task)
            memories.note(*pair, stands.answer)


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
