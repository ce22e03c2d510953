"""Label answers of services over all batches, by task, for calibration and scorecards.

Identical content counts once, with the readings of its latest batch. Only readings of a service as
it answered last count: with other code, model, parameters, prompt or labels it was another service,
whose readings are set aside and counted.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

LabelVotes = dict[str, tuple[str, float | None]]

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
    before it changed, and not since."""

    votes: dict[str, LabelVotes] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)


def label_readings(store: TableStore, judged: Collection[str] = ()) -> dict[str, LabelReadings]:
    """Label task -> the answers of its independent services, of all batches stored whole.

    Beyond 400,000 readings of a task, those of older batches are left out, unless people have
    ``judged`` the content: reliability is settled long before, and memory stays bounded.
    """
    rows: dict[str, dict[tuple[str, str], tuple[str, str, float | None]]] = {}
    versions: dict[str, dict[str, str]] = {}
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        independent: list[_LabelReading] = []
        with leaving_out_damage():
            independent = list(_independent(store, batch))
        for row in independent:
            task, service, content = row.task, row.service, row.content_hash
            versions.setdefault(task, {}).setdefault(service, row.service_version)
            of_task = rows.setdefault(task, {})
            if len(of_task) < _MAX_READINGS or content in judged:
                reading = (row.service_version, row.answer, row.confidence)
                of_task.setdefault((content, service), reading)
    by_task = {task: LabelReadings({}, versions[task]) for task in sorted(rows)}
    for task, of_task in sorted(rows.items()):
        for (content, service), (version, answer, confidence) in sorted(of_task.items()):
            found = by_task[task]
            if version == versions[task][service]:
                found.votes.setdefault(content, {})[service] = (answer, confidence)
            else:
                found.set_aside[service] = found.set_aside.get(service, 0) + 1
    return by_task


def _independent(store: TableStore, batch: str) -> Iterator[_LabelReading]:
    """The final label answers of a batch that were given without knowledge of others."""
    plans = store.read(PROCESSING_PLANS.name, batch, ["task", "kind"])
    labels = plans.filter(pc.equal(plans["kind"], AnswerKind.LABEL.value))
    tasks = set(labels["task"].to_pylist())
    for table in INTERPRETATIONS.values():
        if not store.exists(table.name, batch):
            continue
        columns = ("final", "status", *column_names(_LabelReading))
        for row in decode(_LabelReading, _final_answers(store.read(table.name, batch, columns))):
            if row.task in tasks and set(row.saw) <= {row.service}:
                yield row


def _final_answers(table: pa.Table) -> pa.Table:
    return table.filter(pc.and_(table["final"], pc.equal(table["status"], Status.OK.value)))
