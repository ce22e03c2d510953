"""Asking services once for all near-copies in a batch: the others share the answers, marked."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.policy.task_graph import connected
from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.answer_checks import CheckEnd
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.processing.validation import REFUSE
from orchestration_assets.schemas.decoding import Record, values
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.row_list import RowList
from orchestration_assets.schemas.tables import DecisionRow, PlanRow
from orchestration_assets.schemas.task_inputs import Inputs
from orchestration_assets.selection.answer_conditions import Admission

SHARED: Final = "shared"

LEADER_COLUMNS: Final = ("item_id", "batch", "representative", "representative_batch")
"""The columns of vectors that tell who is asked for whom."""

_Pair = tuple[str, str]
_OF_ANSWERS: Final = frozenset({*CheckEnd, REFUSE})


def near_copy_leaders(vectors: pa.Table) -> dict[str, str]:
    """Item -> the item of its batch that is asked for it, for near-copies only.

    That is the representative, or the first of its copies by item id when the representative is
    in an earlier batch.
    """
    rows = sorted(values(vectors, *LEADER_COLUMNS))
    first: dict[_Pair, str] = {}
    for item, batch, representative, where in rows:
        first.setdefault((where, representative), representative if where == batch else item)
    return {
        item: first[where, representative]
        for item, _, representative, where in rows
        if first[where, representative] != item
    }


def answered_each(tasks: Mapping[str, Task], memories: ThreadMemories | None) -> set[str]:
    """The tasks whose answers no item shares with its near-copies: those that are asked of parts,
    and those that tell of conversations, where equal messages come after others."""
    of_conversations = memories.shown | memories.remembered if memories else frozenset[str]()
    return {*of_conversations, *(name for name, task in tasks.items() if task.parts is not None)}


def process_sharing(
    plans: Sequence[PlanRow],
    leader_of: Mapping[str, str],
    process: Callable[[Sequence[PlanRow]], BatchResult],
    inputs: Inputs | None = None,
    each: Collection[str] = (),
    judged: Collection[_Pair] = (),
) -> BatchResult:
    """Processes the plans; a copy whose leader has the same plan shares what its leader was told.

    A copy is asked about itself when its leader got a failure, or is processed in another way.
    Tasks that build on each other by their ``inputs`` are shared together or not at all. Those that
    are answered for ``each`` item are not (:func:`answered_each`). Nor are those that build on
    answers that people ``judged``, of the copy or of its leader: a verdict stands for its own item.
    Rows come out in the order of the plans.
    """
    inputs = inputs or {}
    options = {(plan.item_id, plan.task): plan.option for plan in plans}
    shares = {
        pair: leader
        for pair, option in options.items()
        if pair[1] not in each
        and (leader := leader_of.get(pair[0]))
        and options.get((leader, pair[1])) == option
        and pair not in judged
        and (leader, pair[1]) not in judged
    }
    alone = options.keys() - shares.keys()
    for pair in _hanging_together(alone, options, inputs):
        shares.pop(pair, None)
    if not shares:
        return process(plans)
    first = process([plan for plan in plans if (plan.item_id, plan.task) not in shares])
    failed = {
        (item, task)
        for rows in first.interpretations.values()
        for item, task, status in rows.of_columns("item_id", "task", "status")
        if status not in CACHED
    }
    unshared = {pair for pair, leader in shares.items() if (leader, pair[1]) in failed}
    unshared = _hanging_together(unshared, shares, inputs)
    second = process([plan for plan in plans if (plan.item_id, plan.task) in unshared])
    copied = [plan for plan in plans if (plan.item_id, plan.task) in shares.keys() - unshared]
    return in_order(plans, first, second, copied_rows(copied, leader_of, first))


def _hanging_together(pairs: Set[_Pair], among: Collection[_Pair], inputs: Inputs) -> set[_Pair]:
    """The pairs, and those of the same items whose tasks build on theirs or theirs on them."""
    if not inputs or not pairs:
        return set(pairs)
    together = connected(sorted({task for _, task in among}), inputs)
    touched = {(item, together.get(task, frozenset((task,)))) for item, task in pairs}
    return {pair for pair in among if (pair[0], together[pair[1]]) in touched} | set(pairs)


def copied_rows(
    plans: Sequence[PlanRow], leader_of: Mapping[str, str], asked: BatchResult
) -> BatchResult:
    """The rows of copies: what was told of the leader of each, marked, at no price."""
    shared = BatchResult()
    leaders = {leader for _, leader in _with_leaders(plans, leader_of)}
    for model, rows in asked.interpretations.items():
        by_pair = _by_pair(rows.about(leaders))
        for plan, leader in _with_leaders(plans, leader_of):
            shared.interpretations[model] += (
                replace(
                    row,
                    item_id=plan.item_id,
                    content_hash=plan.content_hash,
                    shared_from=leader,
                )
                for row in by_pair.get((leader, plan.task), ())
            )
    calls, decisions = (
        _by_pair(asked.calls.about(leaders)),
        _by_pair(asked.decisions.about(leaders)),
    )
    for plan, leader in _with_leaders(plans, leader_of):
        shared.calls += [
            replace(
                call,
                item_id=plan.item_id,
                origin=SHARED,
                cost_usd=0.0,
                cost_estimated=False,
                elapsed_ms=0.0,
                called=None,
                tokens_in=None,
                tokens_out=None,
                redacted=(),
            )
            for call in calls.get((leader, plan.task), ())
        ]
        # what a plan decided last holds the answer that stands
        last = decisions[leader, plan.task][-1]
        reason = f"a near-copy of {leader}, which was asked; its answers are shared"
        action = "share"
        if last.action in set(Admission):
            # nobody was asked about either of them
            action, reason = last.action, f"a near-copy of {leader}: {last.reason}"
        # what was found of the leader's answer holds for the same answer of the copy
        found = [one for one in decisions[leader, plan.task] if one.action in _OF_ANSWERS]
        shared.decisions.append(
            DecisionRow(
                batch=plan.batch,
                item_id=plan.item_id,
                task=plan.task,
                decision=0,
                action=action,
                services=plan.services,
                reason=reason,
                answer=last.answer,
                certainty=last.certainty,
                coverage=None,
                gain=None,
            )
        )
        shared.decisions += [
            replace(one, item_id=plan.item_id, decision=number)
            for number, one in enumerate(found, start=1)
        ]
    return shared


def joined(parts: Iterable[BatchResult]) -> BatchResult:
    """The rows of parts that follow one another."""
    whole = BatchResult()
    for part in parts:
        for model, rows in part.interpretations.items():
            whole.interpretations[model] += rows
        whole.decisions += part.decisions
        whole.calls += part.calls
        whole.parts += part.parts
    return whole


def _with_leaders(
    plans: Sequence[PlanRow], leader_of: Mapping[str, str]
) -> Iterator[tuple[PlanRow, str]]:
    return ((plan, leader_of[plan.item_id]) for plan in plans)


def _by_pair(rows: Iterable[Any]) -> dict[_Pair, list[Any]]:
    found: dict[_Pair, list[Any]] = {}
    for row in rows:
        found.setdefault((row.item_id, row.task), []).append(row)
    return found


def in_order(plans: Sequence[PlanRow], *parts: BatchResult) -> BatchResult:
    """The rows of all parts in the order of the plans; each plan's rows are in one part."""
    place = {(plan.item_id, plan.task): n for n, plan in enumerate(plans)}

    def ordered(rows: RowList[Record]) -> RowList[Record]:
        return rows.ordered(place[pair] for pair in rows.of_columns("item_id", "task"))

    together = joined(parts)
    whole = BatchResult(
        {model: ordered(rows) for model, rows in together.interpretations.items()},
        ordered(together.decisions),
        ordered(together.calls),
        ordered(together.parts),
    )
    for part in parts:
        whole.stopped |= part.stopped
        for name, times in part.circuits_opened.items():
            whole.circuits_opened[name] = whole.circuits_opened.get(name, 0) + times
    return whole
