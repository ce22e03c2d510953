"""The training data of selectors: the stored outcomes, calls and contents of every batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Bools
from orchestration_assets.evidence.verdict_history import gold_rows, stored_weights
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel
from orchestration_assets.schemas.outcomes import OUTCOMES
from orchestration_assets.schemas.policy import Choice, Policy, TaskConfig
from orchestration_assets.schemas.selection import FrontierRow, SelectionModelRow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.selection.content_inputs import read_inputs
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.frontier import frontier_rows, rule_rows
from orchestration_assets.selection.known_items import KnownItems
from orchestration_assets.selection.region_rows import region_rows
from orchestration_assets.selection.training import MIN_ITEMS, train_task
from orchestration_assets.selection.training_records import (
    CALL_COLUMNS,
    OUTCOME_COLUMNS,
    SPENDING_COLUMNS,
    TrainingRecords,
    mean_prices,
    observed_prices,
    paid_prices,
    training_records,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.model_registry import ModelRegistry
from resources.spending.ledger import SpendingLedger
from resources.table_store import TableStore

_RECENT_BATCHES = 3
_GOLD_COLUMNS = ("item_id", "content_hash", "task", "answer")


@dataclass(frozen=True)
class TrainingCorpus:
    """The columns that training needs, of all batches; later batches come last.

    ``inputs`` gives what was known of contents before any call, and which of them have it.
    """

    outcomes: pa.Table
    gold: pa.Table
    calls: pa.Table
    spending: pa.Table
    plans: pa.Table
    resolutions: pa.Table
    weights: Mapping[str, VerdictWeights]
    inputs: Callable[[Sequence[str]], tuple[ItemInputs, Bools]]


def read_training_corpus(
    store: TableStore, ledger: SpendingLedger, *, semantic: bool = False
) -> TrainingCorpus:
    """Reads the stored tables; there are no outcomes until people have given verdicts.

    ``semantic``: whether embedded words are read too.
    """
    gold = pa.schema([GOLD_LABELS.schema.field(name) for name in _GOLD_COLUMNS]).empty_table()
    if store.exists(GOLD_LABELS.name):
        with leaving_out_damage():
            gold = store.read(GOLD_LABELS.name, columns=list(_GOLD_COLUMNS))
    outcomes = OUTCOMES.schema.empty_table().select(list(OUTCOME_COLUMNS))
    if store.exists(OUTCOMES.name):
        with leaving_out_damage():
            outcomes = store.read(OUTCOMES.name, columns=list(OUTCOME_COLUMNS))
    plan_columns = ("batch", "item_id", "task", "content_hash", "option")
    standing_columns = ("batch", "item_id", "task", "content_hash", "answer")
    return TrainingCorpus(
        outcomes,
        gold,
        store.read_batches(CALL_LOG, store.batches(CALL_LOG.name), CALL_COLUMNS),
        batch_spending(ledger),
        store.read_batches(PROCESSING_PLANS, store.batches(PROCESSING_PLANS.name), plan_columns),
        store.read_batches(RESOLUTIONS, store.batches(RESOLUTIONS.name), standing_columns),
        stored_weights(store, gold_rows(store)),
        lambda contents: read_inputs(store, contents, semantic=semantic),
    )


def batch_spending(ledger: SpendingLedger) -> pa.Table:
    """The ledger's rows of batches; probes ask shorter questions than any item."""
    rows = ledger.rows(SPENDING_COLUMNS)
    return rows.filter(pc.not_equal(rows["batch"], ""))


def recent_prices(
    home: Home, batch: str | None, services: Mapping[str, Service]
) -> dict[str, Price]:
    """Mean time and cost of calls in the latest batches (before this one), by service.

    A service that was not called in these has its mean cost over all batches before.
    """

    def before(names: list[str]) -> list[str]:
        if batch is None:
            return names
        return [one for one in home.series.settled(batch, CALL_LOG.name, names) if one < batch]

    store = home.tables
    earlier = before(store.batches(CALL_LOG.name))[-_RECENT_BATCHES:]
    spending = batch_spending(home.spending)
    counted = before(pc.unique(spending["batch"]).to_pylist())
    spending = spending.filter(pc.is_in(spending["batch"], pa.array(counted, pa.string())))
    paid = spending.filter(pc.is_in(spending["batch"], pa.array(earlier, pa.string())))
    recent = mean_prices(store.read_batches(CALL_LOG, earlier, CALL_COLUMNS), paid)
    older = {
        name: Price(services[name].expected_ms, usd)
        for name, usd in paid_prices(spending).items()
        if name in services
    }
    return older | recent


def train_tasks(
    policy: Policy, services: Mapping[str, Service], corpus: TrainingCorpus, registry: ModelRegistry
) -> list[SelectionModelRow]:
    """One row a task whose steps the policy wants learned."""
    learned = {
        name: task.learned for name, task in policy.tasks.items() if task.learned is not None
    }
    records = _described(
        {
            name: _records(policy, name, config.services, services, corpus)
            for name, config in learned.items()
        },
        corpus,
    )
    rows = []
    for name, config in learned.items():
        identities = {one: _identity(policy, name, services[one]) for one in config.services}
        default, price = policy.tasks[name].default, config.price_per_second
        rows.append(train_task(name, records[name], identities, registry, default, price))
    return rows


def all_frontier_rows(
    policy: Policy, services: Mapping[str, Service], corpus: TrainingCorpus
) -> Iterator[FrontierRow]:
    """The figures of every task that has outcomes, whether its steps are learned or not."""
    names = sorted(set(corpus.outcomes["task"].to_pylist()) & policy.tasks.keys())
    recorded = {
        name: _records(policy, name, candidate_services(policy.tasks[name]), services, corpus)
        for name in names
    }
    for name, records in _described(recorded, corpus).items():
        yield from frontier_rows(name, records.recorded, records.items)
        if (items := records.items) is not None:
            known = records.recorded.take(items.described)
            yield from region_rows(name, known, items.inputs.take(items.described))
        if policy.tasks[name].kind is AnswerKind.LABEL:
            yield from rule_rows(
                name,
                corpus.plans,
                corpus.resolutions,
                corpus.gold,
                records.recorded,
                corpus.weights.get(name, VerdictWeights()),
            )


def candidate_services(task: TaskConfig) -> tuple[str, ...]:
    """The services that a policy for the task may choose from."""
    return task.learned.services if task.learned is not None else task.default.services


def _identity(policy: Policy, task: str, service: Service) -> str:
    return service_identity(service, build_tasks(policy)[task])


def _records(
    policy: Policy,
    name: str,
    asked: tuple[str, ...],
    services: Mapping[str, Service],
    corpus: TrainingCorpus,
) -> TrainingRecords:
    declared = {
        service: Price(services[service].expected_ms, services[service].cost_usd)
        for service in asked
    }
    prices = observed_prices(corpus.calls, corpus.spending, declared)
    versions = {service: _identity(policy, name, services[service]) for service in asked}
    task = policy.tasks[name]
    return training_records(
        name,
        task.kind,
        asked,
        versions,
        corpus.outcomes,
        prices,
        corpus.weights.get(name, VerdictWeights()).basis,
        _asked_all(task, name, asked, corpus.plans),
        MIN_ITEMS,
    )


def _described(
    records: Mapping[str, TrainingRecords], corpus: TrainingCorpus
) -> dict[str, TrainingRecords]:
    """The records of each task with what was known of their items before any call, which is read
    once for all tasks."""
    every = (content for one in records.values() for content in one.recorded.items)
    position = {content: n for n, content in enumerate(dict.fromkeys(every))}
    inputs, described = corpus.inputs(list(position))
    known = KnownItems(inputs, described)
    described_records = {}
    for name, one in records.items():
        rows = np.array([position[content] for content in one.recorded.items], dtype=np.int64)
        items = known.take(rows)
        described_records[name] = replace(one, items=items) if items.described.any() else one
    return described_records


def _asked_all(task: TaskConfig, name: str, asked: tuple[str, ...], plans: pa.Table) -> set[str]:
    """The contents of which every service was asked, whatever the first ones said.

    Where services are asked one after the other until one is sure, the items that all have read
    are the doubtful ones, and tell nothing about the others.
    """
    options = {
        option for option, choice in task.choices.items() if set(asked) <= _always_asked(choice)
    }
    rows = values(plans, "task", "content_hash", "option")
    return {content for of, content, option in rows if of == name and option in options}


def _always_asked(choice: Choice) -> set[str]:
    if choice.model is ProcessingModel.SEQUENTIAL and not choice.chain:
        return set(choice.services[: choice.min_readings])
    return set(choice.services)
