"""What services did with each field of records, over all batches, and how often they were right."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.readings import group_readings, ok_votes
from orchestration_assets.evidence.records.judged import judged_values
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import FieldScore
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.record_answers import RecordAnswer, pattern_of, record_of
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from orchestration_assets.schemas.verdicts import GoldRow
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.home import Home
from resources.table_store import TableStore

# another number where resolutions are counted in another way
_COUNTS: Final = "field_counts_1"
_SIDES: Final = ("supporters", "dissenters", "missing", "ungrounded")

_Key = tuple[str, str, str]  # task, service, pattern


def field_scores(
    home: Home, gold: Iterable[GoldRow]
) -> dict[tuple[str, str], tuple[FieldScore, ...]]:
    """(task, service) -> its score of each field, in the order of the patterns."""
    counted: dict[str, Counter[_Key]] = {side: Counter() for side in _SIDES}
    for batch in home.tables.batches(RESOLUTIONS.name):
        for side, rows in _counts_of(home.tables, batch).items():
            for task, service, pattern, count in rows:
                counted[side][task, service, pattern] += count
    right, judged = _judged(home, gold)
    keys = sorted({key for one in (*counted.values(), judged) for key in one})
    found: dict[tuple[str, str], list[FieldScore]] = {}
    for key in keys:
        task, service, pattern = key
        contradicts, ungrounded = counted["dissenters"][key], counted["ungrounded"][key]
        found.setdefault((task, service), []).append(
            FieldScore(
                pattern,
                counted["supporters"][key] + contradicts,
                contradicts,
                counted["missing"][key],
                ungrounded,
                judged[key],
                right[key],
            )
        )
    return {key: tuple(scores) for key, scores in found.items()}


def scores_in_words(scores: Iterable[FieldScore] | None) -> str | None:
    """How often a service's values of all fields are right by verdicts, and where it errs most;
    None where none were judged."""
    judged = [one for one in scores or () if one.judged]
    if not judged:
        return None
    total, right = sum(one.judged for one in judged), sum(one.right for one in judged)
    said = f"right in {right:,} of {total:,} judged values ({right / total:.0%})"
    worst = min(judged, key=lambda one: (one.right / one.judged, one.pattern))
    if worst.right == worst.judged or len(judged) < 2:
        return said
    return f"{said}; worst at {worst.pattern}, {worst.right:,} of {worst.judged:,}"


def _counts_of(store: TableStore, batch: str) -> dict[str, Any]:
    """What a batch adds, kept beside its tables; what is damaged adds nothing."""
    try:
        return kept_facts(store, batch, _COUNTS, (RESOLUTIONS.name,), lambda: _count(store, batch))
    except DamagedFileError:
        with leaving_out_damage():
            return _count(store, batch)
        return {}


def _count(store: TableStore, batch: str) -> dict[str, Any]:
    """Side -> rows of task, service, pattern and count."""
    read = store.read(RESOLUTIONS.name, batch, ["task", "kind", "fields"])
    records = read.filter(pc.equal(read["kind"], AnswerKind.RECORD.value))
    sides: dict[str, Counter[_Key]] = {side: Counter() for side in _SIDES}
    for task, fields in values(records, "task", "fields"):
        for one in fields or ():
            pattern = pattern_of(one["path"])
            for side in _SIDES:
                for name in one[side]:
                    service = name["service"] if isinstance(name, dict) else name
                    if side != "supporters" or one["value"] is not None:
                        sides[side][task, service, pattern] += 1
    return {
        side: [[*key, count] for key, count in sorted(found.items())]
        for side, found in sides.items()
    }


def _judged(home: Home, gold: Iterable[GoldRow]) -> tuple[Counter[_Key], Counter[_Key]]:
    """(task, service, pattern) -> how many of its values are right by verdicts, and how many were
    judged; of each content what was said of it last, by the version of the service that answers
    now."""
    verdicts = {
        (row.task, row.content_hash): record_of(row.answer_record)
        for row in gold
        if row.answer_record is not None and row.content_hash is not None
    }
    said: dict[tuple[str, str, str], Counter[tuple[str, bool]]] = {}
    versions: dict[tuple[str, str], str] = {}
    for batch in home.tables.batches(RESOLUTIONS.name) if verdicts else ():
        with leaving_out_damage():
            _judge_batch(home, batch, verdicts, said, versions)
    right, judged = Counter[_Key](), Counter[_Key]()
    for (task, service, _), counts in said.items():
        for (pattern, is_right), count in counts.items():
            judged[task, service, pattern] += count
            right[task, service, pattern] += count if is_right else 0
    return right, judged


def _judge_batch(
    home: Home,
    batch: str,
    verdicts: Mapping[tuple[str, str], RecordAnswer],
    said: dict[tuple[str, str, str], Counter[tuple[str, bool]]],
    versions: dict[tuple[str, str], str],
) -> None:
    store = home.tables
    tables = [
        _about(store.read(table.name, batch), {content for _, content in verdicts})
        for table in INTERPRETATIONS.values()
        if store.exists(table.name, batch)
    ]
    if not any(table.num_rows for table in tables) or not store.exists(
        PROCESSING_PLANS.name, batch
    ):
        return
    tasks = build_tasks(read_pinned_policy(home.policies, store.read(PROCESSING_PLANS.name, batch)))
    named = pa.concat_tables(tables)
    contents = dict(values(named, "item_id", "content_hash"))
    now = {
        (task, service): version
        for task, service, version in values(named, "task", "service", "service_version")
    }
    for key, version in now.items():
        if versions.get(key, version) != version:
            for old in [one for one in said if one[:2] == key]:
                del said[old]
    versions.update(now)
    for (item, task), readings in group_readings(tables).items():
        verdict = verdicts.get((task, contents[item]))
        if verdict is None or task not in tasks:
            continue
        for service, reading in ok_votes(readings):
            if isinstance(reading.answer, RecordAnswer):
                said[task, service, contents[item]] = judged_values(
                    reading.answer, verdict, tasks[task].fields
                )


def _about(table: pa.Table, contents: Collection[str]) -> pa.Table:
    wanted = pa.array(sorted(contents), pa.string())
    return table.filter(pc.is_in(table["content_hash"], value_set=wanted))
