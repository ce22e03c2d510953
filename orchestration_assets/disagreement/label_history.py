"""Label answers of services over all batches, by task, for calibration and scorecards.

Identical content counts once, with the readings of its latest batch. Only readings of a service as
it answered last count: with other code, model, parameters, prompt or labels it was another service,
whose readings are set aside and counted.

Where a service is asked only if others were not sure, it reads the doubtful items alone: it is
*always asked* where it has a reading of every item that was planned alike.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

LabelVotes = dict[str, tuple[str, float | None]]

Way = tuple[Any, ...]
"""A way in which items were planned: option, processing model, services and where it stops."""

_WAY_COLUMNS: Final = ("option", "model", "services", "stop_at")

_MAX_READINGS: Final = 400_000


@dataclass(frozen=True, slots=True)
class _LabelReading:
    """The columns of an interpretation that a label is learned from."""

    item_id: str
    content_hash: str
    task: str
    service: str
    service_version: str
    answer: str
    confidence: float | None
    saw: tuple[str, ...]


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

    def conditional(self, task: str, way: Way) -> set[str]:
        """The services that read only some of the items that were planned in this way."""
        return {name for name, n in self.read[task, way].items() if n < self.items[task, way]}


def label_readings(store: TableStore, judged: Collection[str] = ()) -> dict[str, LabelReadings]:
    """Label task -> the answers of its independent services, of all batches stored whole.

    Beyond 400,000 readings of a task, those of older batches are left out, unless people have
    ``judged`` the content: reliability is settled long before, and memory stays bounded.
    """
    rows: dict[str, dict[tuple[str, str], tuple[str, str, float | None]]] = {}
    versions: dict[str, dict[str, str]] = {}
    ways = _Ways()
    taken: dict[tuple[str, str], set[Way]] = {}
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        independent: list[tuple[_LabelReading, Way]] = []
        with leaving_out_damage():
            independent = _independent(store, batch, ways)
        for row, way in independent:
            task, service, content = row.task, row.service, row.content_hash
            versions.setdefault(task, {}).setdefault(service, row.service_version)
            of_task = rows.setdefault(task, {})
            if len(of_task) < _MAX_READINGS or content in judged:
                reading = (row.service_version, row.answer, row.confidence)
                of_task.setdefault((content, service), reading)
                taken.setdefault((task, content), set()).add(way)
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


def _independent(store: TableStore, batch: str, ways: _Ways) -> list[tuple[_LabelReading, Way]]:
    """The final label answers of a batch that were given without knowledge of others, and how their
    items were planned; counts in ``ways`` who was asked."""
    columns = ("item_id", "task", "kind", *_WAY_COLUMNS)
    plans = store.read(PROCESSING_PLANS.name, batch, columns)
    labels = plans.filter(pc.equal(plans["kind"], AnswerKind.LABEL.value))
    planned: dict[tuple[str, str], Way] = {
        (item, task): (option, model, tuple(services), stop_at)
        for item, task, option, model, services, stop_at in values(
            labels, "item_id", "task", *_WAY_COLUMNS
        )
    }
    found = []
    read: set[tuple[str, str]] = set()
    for table in INTERPRETATIONS.values():
        if not store.exists(table.name, batch):
            continue
        names = ("final", "status", *column_names(_LabelReading))
        rows = store.read(table.name, batch, names)
        rows = rows.filter(rows["final"])
        for item, task, service, saw in values(rows, "item_id", "task", "service", "saw"):
            if (item, task) in planned and set(saw) <= {service}:
                read.add((item, task))
                ways.read[task, planned[item, task]][service] += 1
        answered = rows.filter(pc.equal(rows["status"], Status.OK.value))
        for row in decode(_LabelReading, answered):
            if (row.item_id, row.task) in planned and set(row.saw) <= {row.service}:
                found.append((row, planned[row.item_id, row.task]))
    ways.items.update((task, planned[item, task]) for item, task in read)
    return found
