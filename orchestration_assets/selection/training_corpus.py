"""What learning looks at: the stored readings, calls and gold of every batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.selection import FrontierRow, SelectionModelRow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.selection.active_selector import identity
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.frontier import frontier_rows, rule_rows
from orchestration_assets.selection.training import train_task
from orchestration_assets.selection.training_records import (
    CALL_COLUMNS,
    GOLD_COLUMNS,
    READING_COLUMNS,
    TrainingRecords,
    observed_prices,
    prices_of,
    records_of,
)
from orchestration_assets.services.contract import Service
from resources.damage import leaving_out_damage
from resources.model_registry import ModelRegistry
from resources.table_store import TableStore

_RECENT_BATCHES = 3


@dataclass(frozen=True)
class Corpus:
    """The columns that learning needs, of all batches; later batches come last."""

    readings: pa.Table
    gold: pa.Table
    calls: pa.Table
    plans: pa.Table
    resolutions: pa.Table

    def with_gold(self) -> set[str]:
        """Tasks about which there is any gold."""
        return set(self.gold["task"].to_pylist())


def read_corpus(store: TableStore) -> Corpus:
    """Reads what is stored; nothing has gold until people have judged something."""
    readings = [
        store.read_batches(table, store.batches(table.name), READING_COLUMNS)
        for table in INTERPRETATIONS.values()
    ]
    gold = pa.schema([GOLD_LABELS.schema.field(name) for name in GOLD_COLUMNS]).empty_table()
    if store.exists(GOLD_LABELS.name):
        with leaving_out_damage():
            gold = store.read(GOLD_LABELS.name, columns=list(GOLD_COLUMNS))
    plan_columns = ("item_id", "task", "content_hash", "option")
    return Corpus(
        pa.concat_tables(readings),
        gold,
        store.read_batches(CALL_LOG, store.batches(CALL_LOG.name), CALL_COLUMNS),
        store.read_batches(PROCESSING_PLANS, store.batches(PROCESSING_PLANS.name), plan_columns),
        store.read_batches(
            RESOLUTIONS, store.batches(RESOLUTIONS.name), ("item_id", "task", "answer")
        ),
    )


def recent_prices(store: TableStore, batch: str) -> dict[str, Price]:
    """What calls took in the latest batches before this one, by service."""
    earlier = [one for one in store.batches(CALL_LOG.name) if one < batch][-_RECENT_BATCHES:]
    return prices_of(store.read_batches(CALL_LOG, earlier, CALL_COLUMNS))


def train_all(
    policy: Policy, services: Mapping[str, Service], corpus: Corpus, registry: ModelRegistry
) -> list[SelectionModelRow]:
    """One row a task whose steps the policy wants learned."""
    found = []
    for name, task in policy.tasks.items():
        if task.learned is not None:
            records = _records(name, task.learned.services, services, corpus)
            identities = {one: identity(services[one]) for one in task.learned.services}
            found.append(train_task(name, records, identities, registry))
    return found


def frontiers(
    policy: Policy, services: Mapping[str, Service], corpus: Corpus
) -> Iterator[FrontierRow]:
    """The figures of every label task that has gold, whether its steps are learned or not."""
    for name, task in policy.tasks.items():
        if task.kind is AnswerKind.LABEL and name in corpus.with_gold():
            records = _records(name, candidates(task), services, corpus)
            yield from frontier_rows(name, records.recorded)
            yield from rule_rows(
                name, corpus.plans, corpus.resolutions, corpus.gold, records.recorded
            )


def candidates(task: TaskConfig) -> tuple[str, ...]:
    """The services that a policy for the task may choose from."""
    return task.learned.services if task.learned is not None else task.default.services


def _records(
    name: str, asked: tuple[str, ...], services: Mapping[str, Service], corpus: Corpus
) -> TrainingRecords:
    declared = {one: Price(services[one].expected_ms, services[one].cost_usd) for one in asked}
    prices = observed_prices(corpus.calls, declared)
    versions = {one: services[one].version for one in asked}
    return records_of(name, asked, versions, corpus.readings, corpus.gold, prices)
