"""What the tables of a batch say of the items that a trace tells of."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import Record, column_names, decode, values
from orchestration_assets.schemas.enums import (
    Consequence,
    EntryOutcome,
    ResolutionStatus,
    Triage,
)
from orchestration_assets.schemas.states import ITEM_STATES, ItemState
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_MANIFEST,
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    TABLES,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS, GoldRow
from orchestration_assets.tracing.operations import (
    ATTEMPT_COLUMNS,
    Operation,
    attempts_of,
    operations_of,
)
from orchestration_assets.tracing.sampling import TracedFor, traced_items
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_ITEMS_AT_ONCE: Final = 256
_FAILED_STATES: Final = (ItemState.FAILED, ItemState.QUARANTINED, ItemState.DEFERRED)
_FAILED_OUTCOMES: Final = (EntryOutcome.REJECTED, EntryOutcome.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """How a task about an item was to be processed."""

    item_id: str
    task: str
    model: str
    option: str
    strategy: str


@dataclass(frozen=True, slots=True)
class ResolutionFacts:
    """What stands of a task about an item."""

    item_id: str
    task: str
    status: ResolutionStatus
    answer: str | None
    error_risk: float | None
    risk_basis: str | None
    triage: Triage | None
    supporters: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """One decision of a plan that was carried out."""

    item_id: str
    task: str
    decision: int
    action: str
    services: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What a service answered."""

    item_id: str
    task: str
    service: str
    round: int
    answer: str | None


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """The verdict that stands about a task and item."""

    item_id: str
    task: str
    answer: str
    said_ns: int


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """Everything that a trace tells of one item; ``plans`` and ``resolutions`` by task.

    ``path`` and ``answers`` are content, and there only where content is told. ``answers`` are by
    (task, service, round).
    """

    item_id: str
    operations: tuple[Operation, ...]
    plans: Mapping[str, PlanFacts]
    resolutions: Mapping[str, ResolutionFacts]
    decisions: tuple[DecisionFacts, ...]
    answers: Mapping[tuple[str, str, int], str]
    traced_for: TracedFor = TracedFor.SAMPLED
    state: str | None = None
    path: str | None = None
    verdicts: tuple[VerdictFacts, ...] = ()


def verdict_of(row: GoldRow) -> VerdictFacts:
    """What a trace tells of a verdict: nobody's name."""
    return VerdictFacts(row.item_id, row.task, row.answer, round(row.said_at.timestamp() * 1e9))


class BatchReader:
    """Reads one batch. Tables that are not made yet, or damaged, are empty: the latter is said."""

    def __init__(self, store: TableStore, batch: str) -> None:
        self._store = store
        self._batch = batch

    @cached_property
    def calls(self) -> pa.Table:
        """The columns of every attempt that traces and measurements are made of."""
        return self._read(CALL_LOG.name, ATTEMPT_COLUMNS)

    def traced(self, share: float) -> dict[str, TracedFor]:
        """Item -> why it is traced, in the order of ids."""
        outcomes: dict[str, list[str]] = {}
        for item, outcome in values(
            self._read(CONTENT_MANIFEST.name, ("item_id", "outcome")), "item_id", "outcome"
        ):
            outcomes.setdefault(outcome, []).append(item)
        differences = self._read(DISAGREEMENTS.name, ("item_id", "consequence"))
        disputes = differences.filter(pc.not_equal(differences["consequence"], Consequence.NONE))
        failed = {item for item, state in self.states.items() if state in _FAILED_STATES}
        resolutions = self._read(RESOLUTIONS.name, ("item_id", "status"))
        unanswered = resolutions.filter(pc.equal(resolutions["status"], ResolutionStatus.FAILED))
        failed.update(unanswered["item_id"].to_pylist())
        failed.update(item for one in _FAILED_OUTCOMES for item in outcomes.get(one, ()))
        accepted = outcomes.get(EntryOutcome.ACCEPTED, ())
        return traced_items(accepted, set(disputes["item_id"].to_pylist()), failed, share)

    @cached_property
    def states(self) -> dict[str, str]:
        """Item -> the state that it ended in."""
        found = self._read(ITEM_STATES.name, ("item_id", "to_state", "final"))
        return dict(values(found.filter(found["final"]), "item_id", "to_state"))

    def items(
        self, traced: Mapping[str, TracedFor], calls: pa.Table, *, content: bool
    ) -> Iterator[list[ItemFacts]]:
        """The traced items, some hundreds at a time; ``content``: with paths and answers."""
        states = self.states
        paths = (
            dict(values(self._read(CONTENT_MANIFEST.name, ("item_id", "path")), "item_id", "path"))
            if content
            else {}
        )
        rows = _Rows(
            calls,
            self._read(PROCESSING_PLANS.name, column_names(PlanFacts)),
            self._read(RESOLUTIONS.name, column_names(ResolutionFacts)),
            self._read(DECISION_LOG.name, column_names(DecisionFacts)),
            self._answers() if content else None,
        )
        verdicts = _by_item(self.verdicts(traced))
        items = list(traced)
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            some = items[start : start + _ITEMS_AT_ONCE]
            yield [
                replace(
                    facts,
                    traced_for=traced[facts.item_id],
                    state=states.get(facts.item_id),
                    path=paths.get(facts.item_id),
                    verdicts=tuple(verdicts.get(facts.item_id, ())),
                )
                for facts in rows.of(some)
            ]

    def verdicts(self, traced: Collection[str]) -> list[VerdictFacts]:
        """What people said of the items, by item and task."""
        with leaving_out_damage():
            if self._store.exists(GOLD_LABELS.name):
                found = _of_items(self._store.read(GOLD_LABELS.name), list(traced))
                rows = map(verdict_of, GOLD_LABELS.rows(found))
                return sorted(rows, key=attrgetter("item_id", "task"))
        return []

    def _answers(self) -> pa.Table:
        names = column_names(AnswerFacts)
        return pa.concat_tables(
            [self._read(table.name, names) for table in INTERPRETATIONS.values()]
        )

    def _read(self, table: str, columns: Collection[str]) -> pa.Table:
        schema = TABLES[table].schema
        if self._store.exists(table, self._batch):
            with leaving_out_damage():
                return self._store.read(table, self._batch, list(columns)).select(list(columns))
        return pa.schema([schema.field(name) for name in columns]).empty_table()


class _Rows:
    def __init__(
        self,
        calls: pa.Table,
        plans: pa.Table,
        resolutions: pa.Table,
        decisions: pa.Table,
        answers: pa.Table | None,
    ) -> None:
        self._calls, self._plans, self._resolutions = calls, plans, resolutions
        self._decisions, self._answers = decisions, answers

    def of(self, items: list[str]) -> Iterator[ItemFacts]:
        operations = _by_item(operations_of(attempts_of(_of_items(self._calls, items))))
        plans = _by_item(_decoded(PlanFacts, self._plans, items))
        resolutions = _by_item(_decoded(ResolutionFacts, self._resolutions, items))
        decisions = _by_item(_decoded(DecisionFacts, self._decisions, items))
        answers = _by_item(
            _decoded(AnswerFacts, self._answers, items) if self._answers is not None else []
        )
        for item in items:
            yield ItemFacts(
                item,
                tuple(operations.get(item, ())),
                {one.task: one for one in plans.get(item, ())},
                {one.task: one for one in resolutions.get(item, ())},
                tuple(sorted(decisions.get(item, ()), key=attrgetter("task", "decision"))),
                {
                    (one.task, one.service, one.round): one.answer
                    for one in answers.get(item, ())
                    if one.answer is not None
                },
            )


def _decoded(record: type[Record], data: pa.Table, items: list[str]) -> list[Record]:
    return list(decode(record, _of_items(data, items)))


def _of_items(data: pa.Table, items: list[str]) -> pa.Table:
    return data.filter(pc.is_in(data["item_id"], value_set=pa.array(items, pa.string())))


def _by_item(rows: list[Any]) -> dict[str, list[Any]]:
    ordered = sorted(rows, key=attrgetter("item_id"))
    return {item: list(own) for item, own in groupby(ordered, attrgetter("item_id"))}
