"""The training data of selectors: the stored readings, calls and gold of every batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

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
from orchestration_assets.selection.active_selector import service_identity
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.frontier import frontier_rows, rule_rows
from orchestration_assets.selection.training import train_task
from orchestration_assets.selection.training_records import (
    CALL_COLUMNS,
    GOLD_COLUMNS,
    READING_COLUMNS,
    SPENDING_COLUMNS,
    TrainingRecords,
    mean_prices,
    observed_prices,
    training_records,
)
from orchestration_assets.services.contract import Service
from resources.damage import leaving_out_damage
from resources.model_registry import ModelRegistry
from resources.spending.ledger import SpendingLedger
from resources.table_store import TableStore

_RECENT_BATCHES = 3


@dataclass(frozen=True)
class TrainingCorpus:
    """The columns that training needs, of all batches; later batches come last."""

    readings: pa.Table
    gold: pa.Table
    calls: pa.Table
    spending: pa.Table
    plans: pa.Table
    resolutions: pa.Table

    def with_gold(self) -> set[str]:
        """Tasks about which there is any gold."""
        return set(self.gold["task"].to_pylist())


def read_training_corpus(store: TableStore, ledger: SpendingLedger) -> TrainingCorpus:
    """Reads the stored tables; there is no gold until people have given verdicts."""
    readings = [
        store.read_batches(table, store.batches(table.name), READING_COLUMNS)
        for table in INTERPRETATIONS.values()
    ]
    gold = pa.schema([GOLD_LABELS.schema.field(name) for name in GOLD_COLUMNS]).empty_table()
    if store.exists(GOLD_LABELS.name):
        with leaving_out_damage():
            gold = store.read(GOLD_LABELS.name, columns=list(GOLD_COLUMNS))
    plan_columns = ("item_id", "task", "content_hash", "option")
    return TrainingCorpus(
        pa.concat_tables(readings),
        gold,
        store.read_batches(CALL_LOG, store.batches(CALL_LOG.name), CALL_COLUMNS),
        batch_spending(ledger),
        store.read_batches(PROCESSING_PLANS, store.batches(PROCESSING_PLANS.name), plan_columns),
        store.read_batches(
            RESOLUTIONS, store.batches(RESOLUTIONS.name), ("item_id", "task", "answer")
        ),
    )


def batch_spending(ledger: SpendingLedger) -> pa.Table:
    """The ledger's rows of batches; probes ask shorter questions than any item."""
    rows = ledger.rows(SPENDING_COLUMNS)
    return rows.filter(pc.not_equal(rows["batch"], ""))


def recent_prices(store: TableStore, ledger: SpendingLedger, batch: str) -> dict[str, Price]:
    """Mean time and cost of calls in the latest batches before this one, by service."""
    earlier = [batch_id for batch_id in store.batches(CALL_LOG.name) if batch_id < batch][
        -_RECENT_BATCHES:
    ]
    spending = batch_spending(ledger)
    paid = spending.filter(pc.is_in(spending["batch"], pa.array(earlier, pa.string())))
    return mean_prices(store.read_batches(CALL_LOG, earlier, CALL_COLUMNS), paid)


def train_tasks(
    policy: Policy, services: Mapping[str, Service], corpus: TrainingCorpus, registry: ModelRegistry
) -> list[SelectionModelRow]:
    """One row a task whose steps the policy wants learned."""
    rows = []
    for name, task in policy.tasks.items():
        if task.learned is not None:
            records = _records(name, task.learned.services, services, corpus)
            identities = {one: service_identity(services[one]) for one in task.learned.services}
            rows.append(train_task(name, records, identities, registry))
    return rows


def all_frontier_rows(
    policy: Policy, services: Mapping[str, Service], corpus: TrainingCorpus
) -> Iterator[FrontierRow]:
    """The figures of every label task that has gold, whether its steps are learned or not."""
    for name, task in policy.tasks.items():
        if task.kind is AnswerKind.LABEL and name in corpus.with_gold():
            records = _records(name, candidate_services(task), services, corpus)
            yield from frontier_rows(name, records.recorded)
            yield from rule_rows(
                name, corpus.plans, corpus.resolutions, corpus.gold, records.recorded
            )


def candidate_services(task: TaskConfig) -> tuple[str, ...]:
    """The services that a policy for the task may choose from."""
    return task.learned.services if task.learned is not None else task.default.services


def _records(
    name: str, asked: tuple[str, ...], services: Mapping[str, Service], corpus: TrainingCorpus
) -> TrainingRecords:
    declared = {
        service: Price(services[service].expected_ms, services[service].cost_usd)
        for service in asked
    }
    prices = observed_prices(corpus.calls, corpus.spending, declared)
    versions = {service: services[service].version for service in asked}
    return training_records(name, asked, versions, corpus.readings, corpus.gold, prices)
