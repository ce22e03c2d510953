"""The plans of one item, those of tasks that build on others after these, as soon as they can be.

No plan waits for a whole wave, and no item for another: a plan begins once those that it waits for
are over. Nothing is asked where their answers do not admit it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from orchestration_assets.policy.task_graph import in_order
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import all_of, begun
from orchestration_assets.processing.judged_inputs import Judged, with_verdict
from orchestration_assets.processing.plan_result import Decision, PlanResult, joined
from orchestration_assets.processing.standing_inputs import standing_of
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.schemas.task_inputs import InputAnswer, Inputs, InputState, TaskInputs
from orchestration_assets.selection.answer_conditions import Admission, Admitted, admitted

Answers = tuple[tuple[str, Answer | None], ...]
Pair = tuple[str, str]
"""Item and task."""


class Given(Protocol):
    """What stands of tasks whose plans were carried out before, by item and task."""

    def get(self, pair: Pair, /) -> InputAnswer | None: ...


ABSENT: Final = InputAnswer(InputState.ABSENT)
_NOBODY: Final[Judged] = {}
_LEFT: Final[Mapping[Admission, InputState]] = {
    Admission.SKIP: InputState.SKIPPED,
    Admission.WAIT: InputState.DEFERRED,
}


def builds_on_others(plans: Sequence[PlanRow], inputs: Inputs) -> bool:
    """Whether any of the plans has to wait for another task."""
    return bool(inputs) and any(plan.task in inputs for plan in plans)


async def in_waves(
    plans: Sequence[PlanRow],
    inputs: Inputs,
    tasks: Mapping[str, Task],
    given: Given,
    carry_out: Callable[[PlanRow, Answers], Awaitable[PlanResult]],
    release: Callable[[PlanRow], Sequence[AskResult]] = lambda plan: (),
    judged: Judged = _NOBODY,
) -> list[PlanResult]:
    """What the plans of an item yield, in their order; each task has one plan.

    ``carry_out`` asks, and is told the answers that services may be shown. ``given`` holds what
    stands of tasks whose plans were carried out before; what has no plan either is absent.
    ``release`` gives back what is set aside for a plan that is not carried out after all, and
    gives what it was told in earlier rounds. ``judged``: what people said of answers.
    """
    under_way: dict[str, Awaitable[PlanResult]] = {}

    async def one(plan: PlanRow) -> PlanResult:
        own = inputs.get(plan.task)
        if own is None:
            return await carry_out(plan, ())
        answers: dict[str, InputAnswer] = {}
        for task in own.waits_for:
            if task in under_way:
                stands = standing_of(await under_way[task], tasks[task])
            else:
                stands = given.get((plan.item_id, task)) or ABSENT
            answers[task] = with_verdict(stands, judged.get((plan.item_id, task)), tasks[task])
        found = admitted(own, answers)
        if found.admission is not Admission.ADMIT:
            return turned_away(own, found, release(plan))
        return with_admission(await carry_out(plan, shown_to(own, answers)), found)

    plan_of = {plan.task: plan for plan in plans}
    for task in in_order(list(plan_of), inputs):
        under_way[task] = begun(one(plan_of[task]))
    return await all_of(*(under_way[plan.task] for plan in plans))


def leaning_on(plans: Sequence[PlanRow], inputs: Inputs, given: Given) -> set[str]:
    """The items with a plan that waits for one which was carried out before."""
    if not inputs:
        return set()
    planned = {(plan.item_id, plan.task) for plan in plans}
    return {
        plan.item_id
        for plan in plans
        if plan.task in inputs
        for task in inputs[plan.task].waits_for
        if (pair := (plan.item_id, task)) not in planned and given.get(pair) is not None
    }


def with_earlier_tasks(plans: Sequence[PlanRow], inputs: Inputs) -> set[Pair]:
    """Item and task of the plans, and of the tasks that these wait for, one before the other."""
    found: set[Pair] = set()
    ahead = [(plan.item_id, plan.task) for plan in plans]
    while ahead:
        item, task = pair = ahead.pop()
        if pair not in found:
            found.add(pair)
            ahead += [(item, one) for one in inputs[task].waits_for] if task in inputs else []
    return found


def whole_items(plans: Sequence[PlanRow], size: int) -> int:
    """The least number of plans from ``size`` on that parts no item; they are sorted by item."""
    while 0 < size < len(plans) and plans[size].item_id == plans[size - 1].item_id:
        size += 1
    return size


def shown_to(inputs: TaskInputs, answers: Mapping[str, InputAnswer]) -> Answers:
    """The answers that services of a task may be shown."""
    return tuple((task, answers[task].answer) for task in inputs.shown)


def with_admission(done: PlanResult, found: Admitted) -> PlanResult:
    """A plan that was carried out, with why it was."""
    admission = Decision(found.admission.value, (), found.reason)
    decisions = (admission, *done.decisions)
    # not replace: this is done for every question
    return PlanResult(done.answered, decisions, done.stands, done.leading)


def turned_away(inputs: TaskInputs, found: Admitted, told: Sequence[AskResult]) -> PlanResult:
    """What is left of a plan that is not carried out.

    What its services were ``told`` in an earlier round, by other answers, is kept and decides
    nothing.
    """
    if found.admission is Admission.OTHERWISE:
        stands = declared(inputs, found.reason)
    else:
        stands = InputAnswer(_LEFT[found.admission], reason=found.reason)
    decision = Decision(found.admission.value, (), found.reason, stands.answer)
    return PlanResult(set_aside(told), (decision,), stands)


def declared(inputs: TaskInputs, reason: str) -> InputAnswer:
    """The answer that stands by declaration: nobody judged, so that nothing of it can be wrong."""
    return InputAnswer(InputState.DECLARED, inputs.answer, 0.0, reason)


def with_lost(done: PlanResult, lost: Sequence[AskResult]) -> PlanResult:
    """A plan that was carried out, and before it what it was told by other answers."""
    return replace(done, answered=joined(set_aside(lost), done.answered)) if lost else done


def set_aside(told: Sequence[AskResult]) -> tuple[AskResult, ...]:
    """Answers that were paid for and are gone by no more."""
    kept: tuple[AskResult, ...] = ()
    for result in told:
        kept = joined(kept, [replace(result, final=False, decides=False, takes_part=False)])
    return kept
