"""Label answers of services over all batches, by task, for calibration and scorecards.

Identical content counts once, with the readings of its latest batch. Only readings of a service as
it answered last count: with other code, model, parameters, prompt or labels it was another service,
whose readings are set aside and counted.

Where a service is asked only if others were not sure, it reads the doubtful items alone: it is
*always asked* where it has a reading of every item that was planned alike.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.taken_readings import TakenReadings, Way
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

LabelVotes = dict[str, tuple[str, float | None]]

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
_COUNTS: Final = "label_counts_2"


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
    each version in which it answered, in the order of their first answers. Nothing where no such
    table is stored.
    """
    if independent is None:
        return {}
    planned = independent.group_by([*_QUESTION, *_WAY_COLUMNS]).aggregate([])
    answered = independent.filter(pc.equal(independent["status"], Status.OK.value))
    return {
        "planned": list(_counted(planned, "task", *_WAY_COLUMNS)),
        "read": list(_counted(independent, "task", "service", *_WAY_COLUMNS)),
        "versions": list(_versions(answered)),
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

    def answers(self, left_out: Collection[str], judged: pa.Array) -> pa.Table | None:
        """The answers to tasks that are not ``left_out``, and those about ``judged`` contents; None
        where the batch has none."""
        asked = {task for task, *_ in self.facts.get("versions", ())}
        wanted = asked - set(left_out) or (asked and self._is_about(judged))
        if not wanted or self.rows is None:
            return None
        answered = self.rows.filter(pc.equal(self.rows["status"], Status.OK.value))
        room = pc.invert(pc.is_in(answered["task"], pa.array(sorted(left_out), pa.string())))
        return answered.filter(pc.or_(room, pc.is_in(answered["content_hash"], judged)))

    def _is_about(self, contents: pa.Array) -> bool:
        return bool(len(contents)) and any(
            pc.any(pc.is_in(read["content_hash"], contents)).as_py()
            for table in INTERPRETATIONS.values()
            if self.store.exists(table.name, self.batch)
            for read in [self.store.read(table.name, self.batch, ["content_hash"])]
        )


def label_readings(
    store: TableStore, judged: Collection[str] = (), *, to_compare: bool = False
) -> dict[str, LabelReadings]:
    """Label task -> the answers of its independent services, of all batches stored whole.

    Beyond 100,000 readings of a task, those of older batches are left out, unless people have
    ``judged`` the content: what is learned is settled by then, and time and memory stay bounded.
    ``to_compare`` leaves out contents that one service alone has read and nobody has judged, and
    reads no batch for them where one service, in one version, has answered a task: then time grows
    with the number of batches, not of items.
    """
    taken: dict[str, TakenReadings] = {}
    versions: dict[str, dict[str, str]] = {}
    ways = _Ways()
    contents, wanted = frozenset(judged), pa.array(sorted(judged), pa.string())
    alone = _answered_by_one(store) if to_compare else frozenset[str]()
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        facts = dict[str, Any]()
        answered: pa.Table | None = None
        full = {task for task, one in taken.items() if one.count >= _MAX_READINGS}
        with leaving_out_damage():
            of_batch = _BatchReadings(store, batch)
            answered = of_batch.answers(full | alone, wanted)
            facts = of_batch.facts
        if not facts:
            continue
        ways.count(facts)
        for task, service, version in facts["versions"]:
            versions.setdefault(task, {}).setdefault(service, version)
            taken.setdefault(task, TakenReadings())
        for task, of_task in _by_task(answered):
            taken[task].take(of_task, contents, _MAX_READINGS)
    return {
        task: _readings(task, taken[task], versions[task], ways, contents if to_compare else None)
        for task in sorted(taken)
    }


def _by_task(rows: pa.Table | None) -> Iterator[tuple[str, pa.Table]]:
    if rows is not None:
        for task in rows["task"].unique().to_pylist():
            yield task, rows.filter(pc.equal(rows["task"], task))


def _answered_by_one(store: TableStore) -> frozenset[str]:
    """The tasks that one service, in one version, has answered in all batches."""
    answered: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for batch in store.batches(RESOLUTIONS.name):
        # whoever reads the batch says that it is damaged
        with suppress(DamagedFileError):
            for task, service, version in _BatchReadings(store, batch).facts.get("versions", ()):
                answered[task].add((service, version))
    return frozenset(task for task, by in answered.items() if len(by) == 1)


def _readings(
    task: str,
    taken: TakenReadings,
    versions: dict[str, str],
    ways: _Ways,
    judged: Collection[str] | None,
) -> LabelReadings:
    """What was taken of a task; ``judged``: without contents that nothing can be compared with."""
    found = LabelReadings({}, versions)
    standing = taken.standing()
    latest = pa.array([versions[one] for one in standing["service"].to_pylist()], pa.string())
    is_latest = pc.equal(standing["service_version"], latest)
    before = standing.filter(pc.invert(is_latest))
    found.set_aside = dict(Counter(before["service"].to_pylist()))
    found.changed = set(before["content_hash"].to_pylist())
    current = standing.filter(is_latest)
    if judged is not None:
        current = current.filter(_comparable(current["content_hash"], judged))
    columns = ("content_hash", "service", "answer", "confidence")
    for content, service, answer, confidence in values(current, *columns):
        found.votes.setdefault(content, {})[service] = (answer, confidence)
    _mark_conditional(task, found, taken, ways)
    return found


def _comparable(contents: pa.ChunkedArray, judged: Collection[str]) -> pa.ChunkedArray:
    """Which of the rows are about a content that stands in several, or that people have judged."""
    counts = pc.value_counts(contents)
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    known = pc.is_in(contents, pa.array(sorted(judged), pa.string()))
    return pc.or_(pc.is_in(contents, several), known)


def _mark_conditional(
    task: str, readings: LabelReadings, taken: TakenReadings, ways: _Ways
) -> None:
    """Says of each content which services were asked because of others; of several ways in which
    it was planned one that always asks them is enough."""
    by_way = {way: ways.conditional(of, way) for of, way in ways.items if of == task}
    if not any(by_way.values()):
        # whoever read a content was asked about every item that was planned in that way
        return
    of_contents = taken.ways(_WAY_COLUMNS)
    for content, votes in readings.votes.items():
        own = of_contents[content]
        always = {name for way in own for name in ways.read[task, way] if name not in by_way[way]}
        if conditional := set(votes) - always:
            readings.conditional[content] = conditional
        if all(by_way[way] for way in own):
            readings.selective.add(content)


def _versions(answered: pa.Table) -> Iterator[tuple[str, str, str]]:
    """Each task, service and version in which it answered, in the order of their first answers."""
    grouped = answered.group_by(["task", "service", "service_version"])
    ordered = grouped.aggregate([("row", "min")]).sort_by("row_min")
    return values(ordered, "task", "service", "service_version")


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
