"""Which answer stands, how sure that is, and who gave it; every reading is kept beside it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.evidence.consensus import Consensus, consensus, standing
from orchestration_assets.schemas.answers import answer_columns, shown
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.tables import ReadingSummary, ResolutionRow

Plan = Mapping[str, Any]

_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})


def resolve_plans(
    plans: Iterator[Plan],
    readings: Mapping[tuple[str, str], ServiceReadings],
    tasks: Mapping[str, Task],
    decided_by: Callable[[Plan], str | None],
) -> Iterator[ResolutionRow]:
    """One resolution a plan, whether or not anybody answered.

    ``decided_by`` names the service whose answer stands alone (a judge, the last of a chain),
    None when the services decide together.
    """
    for plan in plans:
        heard = readings.get((plan["item_id"], plan["task"]), ())
        yield resolve(plan, heard, tasks[plan["task"]], decided_by(plan))


def resolve(
    plan: Plan, heard: ServiceReadings, task: Task, decider: str | None = None
) -> ResolutionRow:
    """The decider's answer stands, or the consensus when there is none or it gave no answer.

    The figures (error risk, spread, dissent) weigh all readings in either case, so that a
    decision against the others shows as the risk that it is.
    """
    decision = dict(heard).get(decider) if decider is not None else None
    decided = decision is not None and decision.status in _ANSWERED
    if decision is not None and decision.answer is not None and decided:
        found = standing(decision.answer, heard, task)
    else:
        found = consensus(heard, task)
    return ResolutionRow(
        batch=plan["batch"],
        item_id=plan["item_id"],
        content_hash=plan["content_hash"],
        path=plan["path"],
        task=plan["task"],
        status=_status(heard),
        kind=task.kind,
        **answer_columns(found.answer),
        error_risk=found.error_risk,
        spread=found.spread,
        supporters=found.supporters,
        dissenters=found.dissenters,
        reason=_reason(heard, task, found, decider, decision),
        readings=tuple(
            ReadingSummary(name, reading.status, shown(reading.answer), reading.confidence)
            for name, reading in heard
        ),
    )


def _status(heard: ServiceReadings) -> ResolutionStatus:
    statuses = {reading.status for _, reading in heard}
    if statuses & _ANSWERED:
        return ResolutionStatus.RESOLVED
    # a task that every service declined is abstained; a failure among them could have answered
    return ResolutionStatus.ABSTAINED if statuses == {Status.ABSTAINED} else ResolutionStatus.FAILED


def _reason(
    heard: ServiceReadings,
    task: Task,
    found: Consensus,
    decider: str | None,
    decision: Reading | None,
) -> str:
    if found.answer is None:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in heard)
        return f"no answer ({said})" if said else "no service was asked"
    if decider is None:
        return _agreement(heard, task, found)
    if decision is None:
        return f"{decider} was not asked to decide: {_agreement(heard, task, found)}"
    if decision.status not in _ANSWERED:
        why = f" ({decision.reason})" if decision.reason else ""
        without = f"{decider} was to decide but gave no answer, {decision.status}{why}"
        return f"{without}: {_agreement(heard, task, found)}"
    against = f", against {', '.join(found.dissenters)}" if found.dissenters else ""
    return f"{decider} decides{against}"


def _agreement(heard: ServiceReadings, task: Task, found: Consensus) -> str:
    """How the services came to the answer among themselves."""
    if not found.dissenters:
        if len(found.supporters) == 1:
            return f"{found.supporters[0]} alone"
        if task.kind is AnswerKind.VECTOR:
            return f"the surest of {', '.join(found.supporters)}"
        return f"{', '.join(found.supporters)} agree"
    if not found.supporters:
        # a mean or a majority of members may be what no single service said
        return f"between {', '.join(found.dissenters)}, which lie apart"
    return f"{', '.join(found.supporters)} outweighs {', '.join(found.dissenters)}"
