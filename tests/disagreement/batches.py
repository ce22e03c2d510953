"""Small batches of readings, and the rows that they become."""

from dataclasses import replace

from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import PARALLEL_INTERPRETATIONS, InterpretationRow, PlanRow
from tests.rows import row

PLAN = row(PlanRow, batch="b", item_id="i", content_hash="h", path="p", task="t")


def task(kind: AnswerKind, disagree_at: float = 1.0, **fields) -> Task:
    return Task("t", "1", kind, disagree_at=disagree_at, **fields)


def plan(item_id: str, **fields) -> PlanRow:
    return replace(PLAN, item_id=item_id, path=f"{item_id}.txt", **fields)


def found(asked: Task, *items, roles: Roles | None = None):
    """The disagreements of a batch: ``items`` are each the (service, reading) pairs of one."""
    named = {f"i{number:04d}": heard for number, heard in enumerate(items)}
    readings = {(item, asked.name): tuple(heard) for item, heard in named.items()}
    known = dict.fromkeys(readings, roles) if roles else None
    return list(disagreements(map(plan, named), readings, {asked.name: asked}, roles=known))


def interpretation(service: str, reading: Reading, **fields) -> InterpretationRow:
    usual = {"batch": "b", "item_id": "i", "content_hash": "h", "task": "t", "answer_key": "k"}
    said = {
        "status": reading.status,
        **answer_columns(reading.answer),
        "confidence": reading.confidence,
        "alternatives": reading.alternatives,
        "evidence": reading.evidence,
        "reason": reading.reason,
    }
    parts = {"service": service, "service_version": "1", "final": True, "decides": True}
    given = {**parts, **usual, **said, **fields}
    return row(InterpretationRow, **given)


def interpretations(*rows: InterpretationRow):
    return rows_to_arrow(PARALLEL_INTERPRETATIONS, rows)
