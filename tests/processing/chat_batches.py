"""Batches of questions to chat services that the tests of kills carry out, killed and not."""

from collections.abc import Sequence
from typing import Any

from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Item, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DECISION_LOG, INTERPRETATIONS, PlanRow
from tests.ai_services.http.samples import LABELS
from tests.rows import row

TASK = Task(LABELS.name, "1", LABELS.kind, LABELS.labels, question=LABELS.question)


def load(name: str) -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", f"This is the text of item {name}.")


def plans_of(items: int, model: ProcessingModel, services: Sequence[str]) -> list[PlanRow]:
    """A plan for each item: the task, by the services."""
    return [
        row(
            PlanRow,
            batch="b",
            item_id=f"i{n:04}",
            content_hash=f"hash-i{n:04}",
            task=TASK.name,
            model=model,
            option="default",
            services=tuple(services),
        )
        for n in range(items)
    ]


def stable_tables(done: BatchResult, model: ProcessingModel) -> list[Any]:
    """Readings and decisions, without the columns that differ from one run to the next."""
    stored = ((INTERPRETATIONS[model], done.interpretations[model]), (DECISION_LOG, done.decisions))
    return [rows_to_arrow(table, rows).select(table.stable_columns) for table, rows in stored]
