"""What stands of questions that nobody was asked, since the answers to others had it so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.readings import Key
from orchestration_assets.schemas.answers import Answer, answer_columns
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, ResolutionPolicy, ResolutionStatus
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow, ResolutionRow
from orchestration_assets.schemas.task_inputs import Inputs
from orchestration_assets.selection.answer_conditions import Admission

_ENDS: Final[Mapping[str, ResolutionStatus]] = {
    Admission.SKIP: ResolutionStatus.SKIPPED,
    Admission.WAIT: ResolutionStatus.DEFERRED,
    Admission.OTHERWISE: ResolutionStatus.RESOLVED,
}

DECLARED: Final = "declared"
"""What the risk of an answer rests on that nobody gave: the policy. No figure counts it."""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """How a question ended that nobody was asked; ``answer`` is a declared one."""

    status: ResolutionStatus
    reason: str
    answer: Answer | None = None


def turned_away(decisions: pa.Table, inputs: Inputs) -> dict[Key, TurnedAway]:
    """By item and task, of a decision log; questions that ended alike share one object."""
    if not inputs:
        return {}
    ended = decisions.filter(pc.is_in(decisions["action"], pa.array(list(_ENDS), pa.string())))
    alike: dict[tuple[str, str, str], TurnedAway] = {}
    found: dict[Key, TurnedAway] = {}
    for item, task, action, reason in values(ended, "item_id", "task", "action", "reason"):
        about = task, action, reason
        if about not in alike:
            is_declared = action == Admission.OTHERWISE
            answer = inputs[task].answer if is_declared and task in inputs else None
            alike[about] = TurnedAway(_ENDS[action], reason, answer)
        found[item, task] = alike[about]
    return found


def resolution_of(
    plan: PlanRow, ended: TurnedAway, task: Task, policy: ResolutionPolicy
) -> ResolutionRow:
    """The row of a question that no reading decides, since nobody was asked or resolving broke:
    nothing is known of how sure it is. What is declared says so instead of a risk."""
    return ResolutionRow(
        batch=plan.batch,
        item_id=plan.item_id,
        content_hash=plan.content_hash,
        path=plan.path,
        task=plan.task,
        status=ended.status,
        kind=task.kind,
        **answer_columns(ended.answer),
        error_risk=None,
        risk_basis=None if ended.answer is None else DECLARED,
        triage=None,
        policy=policy,
        spread=None,
        supporters=(),
        dissenters=(),
        reason=ended.reason,
        readings=(),
        fields=() if task.kind is AnswerKind.RECORD else None,
    )
