"""Which answer stands, how sure that is, and who gave it; every reading is kept beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.evidence.posterior import posterior
from orchestration_assets.schemas.enums import ResolutionStatus, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import ReadingSummary, ResolutionRow


def resolve_plans(
    plans: Iterator[Mapping[str, Any]],
    readings: Mapping[tuple[str, str], ServiceReadings],
    tasks: Mapping[str, Task],
) -> Iterator[ResolutionRow]:
    """One resolution a plan, whether or not anybody answered."""
    for plan in plans:
        heard = readings.get((plan["item_id"], plan["task"]), ())
        yield resolve(plan, heard, tasks[plan["task"]])


def resolve(plan: Mapping[str, Any], heard: ServiceReadings, task: Task) -> ResolutionRow:
    """The most probable answer stands; its error risk is the probability of all others.

    In a chain the last answer stands, because it was given in knowledge of the others.
    """
    votes = [(name, reading) for name, reading in heard if reading.status is Status.OK]
    combined = posterior([reading for _, reading in votes], len(task.labels))
    answer = votes[-1][1].answer if votes and plan["chain"] else combined.answer
    supporters = tuple(name for name, reading in votes if reading.answer == answer)
    dissenters = tuple(name for name, reading in votes if reading.answer != answer)
    return ResolutionRow(
        batch=plan["batch"],
        item_id=plan["item_id"],
        content_hash=plan["content_hash"],
        path=plan["path"],
        task=plan["task"],
        status=_status(heard),
        answer=answer,
        error_risk=1.0 - combined.probabilities[answer] if answer is not None else None,
        entropy=combined.entropy if votes else None,
        supporters=supporters,
        dissenters=dissenters,
        reason=_reason(plan, heard, supporters, dissenters),
        readings=tuple(
            ReadingSummary(name, reading.status, reading.answer, reading.confidence)
            for name, reading in heard
        ),
    )


def _status(heard: ServiceReadings) -> ResolutionStatus:
    statuses = {reading.status for _, reading in heard}
    if Status.OK in statuses:
        return ResolutionStatus.RESOLVED
    # a task that every service declined is abstained; a failure among them could have answered
    return ResolutionStatus.ABSTAINED if statuses == {Status.ABSTAINED} else ResolutionStatus.FAILED


def _reason(
    plan: Mapping[str, Any],
    heard: ServiceReadings,
    supporters: tuple[str, ...],
    dissenters: tuple[str, ...],
) -> str:
    if not supporters:
        said = "; ".join(f"{name}: {reading.reason}" for name, reading in heard)
        return f"no answer ({said})" if said else "no service was asked"
    if plan["chain"]:
        return f"the last of the chain, {supporters[-1]}, decides"
    if dissenters:
        return f"{', '.join(supporters)} outweighs {', '.join(dissenters)}"
    return f"{supporters[0]} alone" if len(supporters) == 1 else f"{', '.join(supporters)} agree"
