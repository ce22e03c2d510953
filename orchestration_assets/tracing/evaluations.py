"""What the answers of an item are worth, as ``gen_ai.evaluation.result`` events: the error risk of
each answer that stands, and what people said of it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from orchestration_assets.tracing.item_facts import ItemFacts, ResolutionFacts, VerdictFacts
from orchestration_assets.tracing.operations import ANSWERED, Operation
from orchestration_assets.tracing.spans import Attribute, Attributes, EventRecord, task_key

EVALUATION: Final = "gen_ai.evaluation.result"
ERROR_RISK: Final = "error_risk"
VERDICT: Final = "verdict"


def risk_events(item: ItemFacts, remote: Collection[str]) -> Iterator[EventRecord]:
    """One event a standing answer and service over HTTP (``remote``) that gave it; where none did,
    about the task. The score is the error risk (0..1), its label the triage."""
    for task, resolution in item.resolutions.items():
        risk = resolution.error_risk
        operations = [one for one in item.operations if one.task == task]
        if risk is None or not operations:
            continue
        found: dict[str, Attribute] = {
            "gen_ai.evaluation.name": ERROR_RISK,
            "gen_ai.evaluation.score.value": risk,
        }
        if resolution.triage is not None:
            found["gen_ai.evaluation.score.label"] = resolution.triage.value
        if resolution.risk_basis is not None:
            found["gen_ai.evaluation.explanation"] = resolution.risk_basis
        at = max(one.end_ns for one in operations)
        yield from _about(resolution, operations, remote, at, found)


def verdict_events(item: ItemFacts, remote: Collection[str]) -> Iterator[EventRecord]:
    """One event a verdict, as :func:`risk_events` place theirs: 1 and ``confirmed`` where people
    say what stands, 0 and ``corrected`` where they say something else. Nobody is named."""
    for verdict in item.verdicts:
        resolution = item.resolutions.get(verdict.task)
        operations = [one for one in item.operations if one.task == verdict.task]
        if resolution is None or resolution.answer is None or not operations:
            continue
        confirmed = resolution.answer == verdict.answer
        found: Attributes = {
            "gen_ai.evaluation.name": VERDICT,
            "gen_ai.evaluation.score.value": float(confirmed),
            "gen_ai.evaluation.score.label": "confirmed" if confirmed else "corrected",
        }
        yield from _about(resolution, operations, remote, verdict.said_ns, found)


def verdict_key(batch: str, verdict: VerdictFacts) -> str:
    """What names a verdict among those that were told."""
    return f"{batch}/{verdict.item_id}/{verdict.task}/{verdict.said_ns}"


def _about(
    resolution: ResolutionFacts,
    operations: Sequence[Operation],
    remote: Collection[str],
    at: int,
    found: Attributes,
) -> Iterator[EventRecord]:
    gave = [
        one
        for one in operations
        if one.asked in resolution.supporters
        and one.was_called
        and one.called in remote
        and one.last.status in ANSWERED
    ]
    for one in gave:
        name = one.last.response_id
        told = {**found, "gen_ai.response.id": name} if name else found
        yield EventRecord(EVALUATION, one.key, at, told)
    if not gave:
        key = task_key(resolution.item_id, resolution.task)
        yield EventRecord(EVALUATION, key, at, found)
