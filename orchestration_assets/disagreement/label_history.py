"""Label answers of services over all batches, by task, for calibration and scorecards.

Identical content counts once, with the readings of its latest batch. Only readings of a service as
it answered last count: with other code, model, parameters, prompt or labels it was another service,
whose readings are set aside and counted.

Where a service is asked only if others were not sure, it reads the doubtful items alone: it is
*always asked* where it has a reading of every item that was planned alike.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

LabelVotes = dict[str, tuple[str, float | None]]

Way = tuple[str | float | None, ...]
"""A way in which items were planned: option, processing model, services and where it stops."""

_WAY_COLUMNS: Final = ("option", "model", "services", "stop_at")

_QUESTION: Final = ("item_id", "task")
_READ: Final = (
    "item_id", "content_hash", "task", "service", "service_version", "status", "answer",
    "confidence", "final", "saw", "voice",
)  # fmt: skip
# between the names of services, in which it cannot stand
_BETWEEN: Final = "\n"

_MAX_READINGS: Final = 100_000
# another number where the facts of a batch are counted in another way
_COUNTS: Final = "label_counts_1"


@dataclass(frozen=True, slots=True)
class _LabelReading:
    """What a label is learned from: columns of an interpretation and of the item's plan."""

    content_hash: str
    task: str
    service: str
    service_version: str
    answer: str
    confidence: float | None
    option: str
    model: str
    services: str
    stop_at: float | None

    @property
    def way(self) -> Way:
        return self.option, self.model, self.services, self.stop_at


@dataclass
class LabelReadings:
    """Of one label task: ``votes``, content hash -> service -> label and confidence; ``versions``,
    the identities of the services, by name; ``set_aside``, how many contents the service answered
    before it changed, and not since; ``conditional``, content hash -> services that were
    asked about it because of what others had said; ``selective``, the contents of which no plan
    asks every service whatever others say; ``changed``, the contents of which an answer was set
    aside."""

    votes: dict[str, LabelVotes] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)
    conditional: dict[str, set[str]] = field(default_factory=dict)
    selective: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def always_asked(self, content: str) -> LabelVotes:
        """The votes on a content of the services that were asked whatever others had said."""
        left_out = self.conditional.get(content, ())
        return {name: vote for name, vote in self.votes[content].items() if name not in left_out}


@dataclass
class _Ways:
    """Of all batches: how many items were planned in each way, by task and way, and of how many of
    them each service gave a reading without knowledge of others'."""

    items: Counter[tuple[str, Way]] = field(default_factory=Counter)
    read: defaultdict[tuple[str, Way], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def count(self, facts: Mapping[str, Any]) -> None:
        """Adds the readings of a batch, as :func:`_facts` has counted them."""
        for task, *way, count in facts["planned"]:
            self.items[task, tuple(way)] += count
        for task, service, *way, count in facts["read"]:
            self.read[task, tuple(way)][service] += count

    def conditional(self, task: str, way: Way) -> set[str]:
        """The services that read only some of the items that were planned in this way."""
        return {name for name, n in self.read[task, way].items() if n < self.items[task, way]}


def _facts(independent: pa.Table | None) -> dict[str, Any]:
    """What the independent readings of a batch add to the counts over all batches: ``planned``,
    task, way and items; ``read``, task, service, way and readings; ``versions``, task, service and
    the version in which it gave the first of its answers. Nothing where no such table is stored.
    """
    if independent is None:
        return {}
    planned = independent.group_by([*_QUESTION, *_WAY_COLUMNS]).aggregate([])
    answered = independent.filter(pc.equal(independent["status"], Status.OK.value))
    return {
        "planned": list(_counted(planned, "task", *_WAY_COLUMNS)),
        "read": list(_counted(independent, "task", "service", *_WAY_COLUMNS)),
        "versions": list(_first_versions(answered)),
    }


def _counted(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Each combination of values in the columns, and in how many rows it stands."""
    grouped = table.group_by(list(names)).aggregate([([], "count_all")])
    return values(grouped, *names, "count_all")


def answered_versions(store: TableStore) -> dict[str, dict[str, str]]:
    """Label task -> independent service -> the version in which it answered last."""
    versions: dict[str, dict[str, str]] = {}
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        with leaving_out_damage():
            for task, service, version in _BatchReadings(store, batch).facts.get("versions", ()):
                versions.setdefault(task, {}).setdefault(service, version)
    return versions


@dataclass(frozen=True)
class _BatchReadings:
    """The independent readings of a batch, read where its facts are not enough.

    Raises DamagedFileError.
    """

    store: TableStore
    batch: str

    @cached_property
    def rows(self) -> pa.Table | None:
        return _independent(self.store, self.batch)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What :func:`_facts` counts, kept beside the tables."""
        tables = (PROCESSING_PLANS.name, *(table.name for table in INTERPRETATIONS.values()))
        return kept_facts(self.store, self.batch, _COUNTS, tables, lambda: _facts(self.rows))

    def answers(self, full: Collection[str], judged: pa.Array) -> pa.Table | None:
        """The answers to tasks that are not ``full``, and those about ``judged`` contents; None
        where the batch has none."""
        asked = {task for task, *_ in self.facts.get("versions", ())}
        if not (asked - set(full) or (asked and self._is_about(judged))) or self.rows is None:
            return None
        answered = self.rows.filter(pc.equal(self.rows["status"], Status.OK.value))
        room = pc.invert(pc.is_in(answered["task"], pa.array(sorted(full), pa.string())))
        return answered.filter(pc.or_(room, pc.is_in(answered["content_hash"], judged)))

    def _is_about(self, contents: pa.Array) -> bool:
        return bool(len(contents)) and any(
            pc.any(pc.is_in(read["content_hash"], contents)).as_py()
            for table in INTERPRETATIONS.values()
            if self.store.exists(table.name, self.batch)
            for read in [self.store.read(table.name, self.batch, ["content_hash"])]
        )


def label_readings(store: TableStore, judged: Collection[str] = ()) -> dict[str, LabelReadings]:
    """Label task -> the answers of its independent services, of all batches stored whole.

    Beyond 100,000 readings of a task, those of older batches are left out, unless people have
    ``judged`` the content: what is learned is settled by then, and time and memory stay bounded.
    """
    rows: dict[str, dict[tuple[str, str], tuple[str, str, float | None]]] = {}
    versions: dict[str, dict[str, str]] = {}
    ways = _Ways()
    taken: dict[tuple[str, str], set[Way]] = {}
    wanted = pa.array(sorted(judged), pa.string())
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        facts, answered = dict[str, Any](), None
        full = [task for task, of_task in rows.items() if len(of_task) >= _MAX_READINGS]
        with leaving_out_damage():
            of_batch = _BatchReadings(store, batch)
            answered = of_batch.answers(full, wanted)
            facts = of_batch.facts
        if not facts:
            continue
        ways.count(facts)
        for task, service, version in facts["versions"]:
            versions.setdefault(task, {}).setdefault(service, version)
            rows.setdefault(task, {})
        if answered is None:
            continue
        for row in decode(_LabelReading, answered):
            task, service, content = row.task, row.service, row.content_hash
            of_task = rows[task]
            if len(of_task) < _MAX_READINGS or content in judged:
                reading = (row.service_version, row.answer, row.confidence)
                of_task.setdefault((content, service), reading)
                taken.setdefault((task, content), set()).add(row.way)
    by_task = {task: LabelReadings({}, versions[task]) for task in sorted(rows)}
    for task, of_task in sorted(rows.items()):
        for (content, service), (version, answer, confidence) in sorted(of_task.items()):
            found = by_task[task]
            if version == versions[task][service]:
                found.votes.setdefault(content, {})[service] = (answer, confidence)
            else:
                found.set_aside[service] = found.set_aside.get(service, 0) + 1
                found.changed.add(content)
        _mark_conditional(task, by_task[task], taken, ways)
    return by_task


def _mark_conditional(
    task: str,
    readings: LabelReadings,
    taken: Mapping[tuple[str, str], Collection[Way]],
    ways: _Ways,
) -> None:
    """Says of each content which services were asked because of others; of several ways in which
    it was planned one that always asks them is enough."""
    by_way = {way: ways.conditional(of, way) for of, way in ways.items if of == task}
    for content, votes in readings.votes.items():
        own = taken[task, content]
        always = {name for way in own for name in ways.read[task, way] if name not in by_way[way]}
        if conditional := set(votes) - always:
            readings.conditional[content] = conditional
        if all(by_way[way] for way in own):
            readings.selective.add(content)


def _first_versions(answered: pa.Table) -> Iterator[tuple[str, str, str]]:
    """Task, service, and the version in which it gave the first of its answers."""
    grouped = answered.group_by(["task", "service"], use_threads=False)
    first = grouped.aggregate([("service_version", "first")])
    return values(first, "task", "service", "service_version_first")


def _independent(store: TableStore, batch: str) -> pa.Table | None:
    """The final label readings of a batch that were given without knowledge of others: the columns
    of the tables of interpretations, and how their items were planned. None where no such table is
    stored.
    """
    columns = (*_QUESTION, "kind", *_WAY_COLUMNS)
    plans = store.read(PROCESSING_PLANS.name, batch, columns)
    plans = plans.filter(pc.equal(plans["kind"], AnswerKind.LABEL.value))
    services = pc.binary_join(plans["services"].cast(pa.list_(pa.string())), _BETWEEN)
    at = plans.schema.get_field_index("services")
    plans = plans.set_column(at, "services", services).drop_columns(["kind"])
    found = []
    for table in INTERPRETATIONS.values():
        if store.exists(table.name, batch):
            rows = store.read(table.name, batch, _READ)
            # of members of a panel, what they said first
            rows = rows.filter(pc.if_else(pc.is_valid(rows["voice"]), rows["voice"], rows["final"]))
            found.append(rows.filter(_unaided(rows)).drop_columns(["saw", "final", "voice"]))
    if not found:
        return None
    # a join forgets the order of rows
    read = pa.concat_tables(found)
    read = read.append_column("row", pa.array(range(read.num_rows), pa.int64()))
    return read.join(plans, list(_QUESTION), join_type="inner").sort_by("row")


def _unaided(rows: pa.Table) -> pa.Array:
    """Whether a reading saw none, or none but the service's own earlier one."""
    saw = rows["saw"].combine_chunks()
    reader = pc.list_parent_indices(saw)
    other = pc.not_equal(pc.list_flatten(saw), rows["service"].combine_chunks().take(reader))
    numbers = pa.array(range(rows.num_rows), reader.type)
    return pc.invert(pc.is_in(numbers, reader.filter(other)))
