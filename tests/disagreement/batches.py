"""Small batches of readings, and the rows that they become."""

from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import PARALLEL_INTERPRETATIONS, InterpretationRow

PLAN = {
    "batch": "b",
    "item_id": "i",
    "content_hash": "h",
    "path": "p",
    "task": "t",
    "judge": None,
}


def task(kind: AnswerKind, disagree_at: float = 1.0, **fields) -> Task:
    return Task("t", "1", kind, disagree_at=disagree_at, **fields)


def plan(item_id: str) -> dict:
    return {**PLAN, "item_id": item_id, "path": f"{item_id}.txt"}


def found(asked: Task, *items):
    """The disagreements of a batch: ``items`` are each the (service, reading) pairs of one."""
    named = {f"i{number:04d}": heard for number, heard in enumerate(items)}
    readings = {(item, asked.name): tuple(heard) for item, heard in named.items()}
    return list(disagreements(map(plan, named), readings, {asked.name: asked}))


def interpretation(service: str, reading: Reading, **fields) -> dict:
    row = {
        "batch": "b",
        "item_id": "i",
        "content_hash": "h",
        "task": "t",
        "service": service,
        "service_version": "1",
        "step": 0,
        "round": 0,
        "final": True,
        "status": reading.status,
        **answer_columns(reading.answer),
        "confidence": reading.confidence,
        "alternatives": [
            {"answer": other.answer, "confidence": other.confidence}
            for other in reading.alternatives
        ],
        "evidence": reading.evidence,
        "reason": reading.reason,
        "answer_key": "k",
        "shared_from": None,
    }
    assert row.keys() == set(InterpretationRow.__slots__)
    return row | fields


def interpretations(*rows: dict):
    return rows_to_arrow(PARALLEL_INTERPRETATIONS, rows)
