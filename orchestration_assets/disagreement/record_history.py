"""Answers of services to record tasks in the batches that hold judged contents, for learning."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.calibration_registry import lessons_in_use, promote_lessons
from orchestration_assets.disagreement.readings import (
    ServiceReadings,
    group_alike,
    independent,
)
from orchestration_assets.disagreement.record_learning import RecordBatch, learn_fields
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import CalibrationRow
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.tables import INTERPRETATIONS, RESOLUTIONS
from orchestration_assets.schemas.verdicts import GoldRow
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableStore

# readings of a task in memory at once; what is older teaches nothing beyond
_MOST_READINGS = 200_000


@dataclass
class _History:
    """Of one task: its batches, the oldest first, and service -> the version that answered last."""

    batches: list[RecordBatch] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    readings: int = 0
    set_aside: int = 0


def record_verdicts(gold: Iterable[GoldRow]) -> dict[str, dict[str, RecordAnswer]]:
    """Task -> content hash -> what people say of the record."""
    found: dict[str, dict[str, RecordAnswer]] = {}
    for row in gold:
        if row.answer_record is not None and row.content_hash is not None:
            found.setdefault(row.task, {})[row.content_hash] = record_of(row.answer_record)
    return found


def learn_record_tasks(
    home: Home,
    policy: Policy,
    gold: Iterable[GoldRow],
    weights: Mapping[str, VerdictWeights],
) -> list[CalibrationRow]:
    """One row a record task that people have judged; what passes the gate is promoted."""
    tasks = {
        name: task for name, task in build_tasks(policy).items() if task.kind is AnswerKind.RECORD
    }
    verdicts = {task: said for task, said in record_verdicts(gold).items() if task in tasks}
    rows = []
    for name, history in _histories(home.tables, verdicts).items():
        in_use = lessons_in_use(home.models, name)
        lessons, row = learn_fields(
            tasks[name],
            history.batches,
            verdicts[name],
            weights.get(name, VerdictWeights()),
            history.versions,
            in_use.version if in_use is not None else None,
            policy.disagreement.learn_from_items,
        )
        row = replace(row, set_aside=history.set_aside)
        if lessons is not None:
            row = replace(row, version=promote_lessons(home.models, name, lessons))
        rows.append(row)
    return rows


def _histories(
    store: TableStore, verdicts: Mapping[str, Mapping[str, RecordAnswer]]
) -> dict[str, _History]:
    """Task -> its history, over the batches that hold judged contents."""
    found = {task: _History() for task in sorted(verdicts)}
    for batch in reversed(store.batches(RESOLUTIONS.name)):
        with leaving_out_damage():
            tables = [
                store.read(table.name, batch)
                for table in INTERPRETATIONS.values()
                if store.exists(table.name, batch)
            ]
            for task, history in found.items():
                _add(history, task, tables, verdicts[task].keys())
    for history in found.values():
        history.batches.reverse()
    return found


def _add(history: _History, task: str, tables: Iterable[pa.Table], judged: Collection[str]) -> None:
    """Adds a batch that is older than those before."""
    own = [table.filter(pc.equal(table["task"], task)) for table in tables]
    rows = pa.concat_tables(own)
    versions = {
        (item, service): version
        for item, service, version in values(rows, "item_id", "service", "service_version")
    }
    for (_, service), version in sorted(versions.items()):
        history.versions.setdefault(service, version)
    contents = dict(values(rows, "item_id", "content_hash"))
    is_judged = any(content in judged for content in contents.values())
    if not is_judged or history.readings >= _MOST_READINGS:
        return
    readings = {}
    for key, votes in independent(*group_alike(own)).items():
        kept = _as_now(votes, key[0], versions, history.versions)
        history.set_aside += len(votes) - len(kept)
        history.readings += len(kept)
        readings[key] = kept
    history.batches.append(RecordBatch(readings, contents))


def _as_now(
    votes: ServiceReadings,
    item: str,
    versions: Mapping[tuple[str, str], str],
    now: Mapping[str, str],
) -> ServiceReadings:
    """The readings of services that have not changed since."""
    return tuple(vote for vote in votes if versions[item, vote[0]] == now[vote[0]])
