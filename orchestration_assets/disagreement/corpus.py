"""What services have said over all batches, task by task: what calibration and scorecards rest on.

Identical content counts once, with the readings of its latest batch. Only readings of a service's
latest version count: an earlier one was another service.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS
from resources.table_store import TableStore

Said = dict[str, tuple[str, float | None]]

_COLUMNS = ["content_hash", "task", "service", "service_version", "status", "answer", "confidence"]


@dataclass
class LabelReadings:
    """Of one label task: ``said``, content hash -> service -> label and confidence; ``versions``
    of the services, by name."""

    said: dict[str, Said] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def label_readings(store: TableStore) -> dict[str, LabelReadings]:
    """Label task -> what its independent services said, over all batches that are stored whole."""
    rows: dict[str, dict[tuple[str, str], tuple[str, str, float | None]]] = {}
    versions: dict[str, dict[str, str]] = {}
    for batch in store.batches("resolutions"):
        plans = store.read(PROCESSING_PLANS.name, batch, ["item_id", "task", "kind", "judge"])
        labels = plans.filter(pc.equal(plans["kind"], AnswerKind.LABEL.value))
        tasks = set(labels["task"].to_pylist())
        columns = (plans[name].to_pylist() for name in ("item_id", "task", "judge"))
        judges = {(item, task, judge) for item, task, judge in zip(*columns, strict=True) if judge}
        for table in INTERPRETATIONS.values():
            if not store.exists(table.name, batch):
                continue
            read = store.read(table.name, batch, ["item_id", "final", *_COLUMNS])
            for row in _voting(read).to_pylist():
                asked = (row["item_id"], row["task"], row["service"])
                if row["task"] not in tasks or asked in judges:
                    continue
                versions.setdefault(row["task"], {})[row["service"]] = row["service_version"]
                key = (row["content_hash"], row["service"])
                said = (row["service_version"], row["answer"], row["confidence"])
                rows.setdefault(row["task"], {})[key] = said
    found = {task: LabelReadings({}, versions[task]) for task in sorted(rows)}
    for task, of_task in sorted(rows.items()):
        for (content, service), (version, answer, confidence) in sorted(of_task.items()):
            if version == versions[task][service]:
                found[task].said.setdefault(content, {})[service] = (answer, confidence)
    return found


def _voting(table: pa.Table) -> pa.Table:
    return table.filter(pc.and_(table["final"], pc.equal(table["status"], Status.OK.value)))


def gold_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Task -> content hash -> the label that people gave; verdicts whose content is unknown, and
    those about other kinds of answers, are left out."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["kind"] == AnswerKind.LABEL and row["content_hash"] is not None:
            found.setdefault(row["task"], {})[row["content_hash"]] = row["answer"]
    return found
