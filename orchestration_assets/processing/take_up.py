"""Asking again only what was deferred: every other plan of the batch keeps the rows that it has."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from orchestration_assets.policy.task_graph import in_order
from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    CallRow,
    PlanRow,
)
from orchestration_assets.schemas.task_inputs import Inputs
from orchestration_assets.selection.answer_conditions import TURNED_AWAY
from resources.table_store import TableStore

_Pair = tuple[str, str]
_Question = tuple[str, str, str, int, int]
_Part = int | None


def stored_result(tables: TableStore, batch: str) -> BatchResult:
    """What carrying out the plans of the batch yielded last; nothing where a table is missing.

    Raises DamagedFileError.
    """
    readings = [one.name for one in INTERPRETATIONS.values()]
    names = [*readings, DECISION_LOG.name, CALL_LOG.name]
    if not all(tables.exists(name, batch) for name in names):
        return BatchResult()
    # batches of an earlier version have none about parts
    names += [PART_READINGS.name] if tables.exists(PART_READINGS.name, batch) else []
    return result_of({name: tables.read(name, batch) for name in names})


def result_of(tables: Mapping[str, pa.Table]) -> BatchResult:
    """The rows that stand in the tables of a result, by name; a table may be left out."""

    found = BatchResult()
    for rows in found.row_lists:
        if rows.table.name in tables:
            rows.add_columns(tables[rows.table.name])
    return found


def plans_to_take_up(
    plans: Sequence[PlanRow],
    stored: BatchResult,
    inputs: Inputs | None = None,
    stale: Collection[_Pair] = frozenset(),
) -> list[PlanRow]:
    """The plans with a deferred reading, the ``stale`` ones, and those whose stored rows are not
    those of the plan; with each what hangs on it by the ``inputs`` of tasks.

    Rows are not the plan's when the item had another content or the plan another model, or when a
    process was killed between writing the readings and the logs.
    """
    last: dict[_Question, dict[_Part, CallRow]] = {}
    for call in stored.calls:
        about = (call.item_id, call.task, call.service, call.step, call.round)
        of_parts = last.setdefault(about, {})
        if call.part not in of_parts or of_parts[call.part].attempt < call.attempt:
            of_parts[call.part] = call
    known = {
        (row.item_id, row.task, model, row.content_hash)
        for model, rows in stored.interpretations.items()
        for row in rows
    }
    decided = {(row.item_id, row.task) for row in stored.decisions}
    turned_away = {(row.item_id, row.task) for row in stored.decisions if row.action in TURNED_AWAY}
    outdated: set[_Pair] = set()
    for rows in stored.interpretations.values():
        for row in rows:
            ends = last.get((row.item_id, row.task, row.service, row.step, row.round), {})
            is_deferred = row.status is Status.DEFERRED
            if is_deferred or not ends or _contradicts(row.status, ends):
                outdated.add((row.item_id, row.task))
    due = {
        pair
        for plan in plans
        if (pair := (plan.item_id, plan.task)) in outdated
        or pair in stale
        or pair not in decided
        or (pair not in turned_away and (*pair, plan.model, plan.content_hash) not in known)
    }
    due = _with_what_hangs_on(due, plans, inputs or {})
    return [plan for plan in plans if (plan.item_id, plan.task) in due]


def _with_what_hangs_on(due: set[_Pair], plans: Sequence[PlanRow], inputs: Inputs) -> set[_Pair]:
    """The pairs, and those of the same items whose tasks wait for them, one after the other."""
    if not inputs or not due:
        return due
    found = set(due)
    order = in_order(sorted({plan.task for plan in plans}), inputs)
    later = [task for task in order if task in inputs]
    items = {item for item, _ in due}
    planned = {(plan.item_id, plan.task) for plan in plans if plan.item_id in items}
    for task in later:
        for item in items:
            waited_for = ((item, one) for one in inputs[task].waits_for)
            if (item, task) in planned and any(pair in found for pair in waited_for):
                found.add((item, task))
    return found


def _contradicts(reading: Status, ends: Mapping[_Part, CallRow]) -> bool:
    """Whether the log tells of another time than the reading that is not deferred.

    What one part was answered says nothing of what all of them are joined to.
    """
    if any(call.status is Status.DEFERRED for call in ends.values()):
        return True
    return reading in CACHED and ends.keys() == {None} and ends[None].status is not reading


def kept(stored: BatchResult, plans: Sequence[PlanRow]) -> BatchResult:
    """The stored rows of these plans."""
    pairs = {(plan.item_id, plan.task): plan.model for plan in plans}
    found = BatchResult()
    for model, rows in stored.interpretations.items():
        of_model = (row for row in rows if pairs.get((row.item_id, row.task)) is model)
        found.interpretations[model] += of_model
    found.decisions += (row for row in stored.decisions if (row.item_id, row.task) in pairs)
    found.calls += (row for row in stored.calls if (row.item_id, row.task) in pairs)
    found.parts += (row for row in stored.parts if (row.item_id, row.task) in pairs)
    return found
