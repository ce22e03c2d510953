"""Near-copies that a policy on trial is asked about once: among its own items, by equal plans."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby

from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.near_copy_sharing import copied_rows
from orchestration_assets.schemas.tables import PlanRow


def copies_on_trial(
    plans: Sequence[PlanRow], leader_of: Mapping[str, str], is_apart: Callable[[str, str], bool]
) -> dict[str, str]:
    """Item -> the other one on trial whose answers it shares, of which all plans are the same.

    ``plans``: of the policy on trial, those of an item one after the other. An item is asked about
    itself where ``is_apart`` says so of it or of the other one and any of their tasks.
    """
    options = {
        item: {plan.task: plan.option for plan in of_item}
        for item, of_item in groupby(plans, key=lambda plan: plan.item_id)
    }
    return {
        item: leader
        for item, tasks in options.items()
        if (leader := leader_of.get(item)) is not None
        and options.get(leader) == tasks
        and not any(is_apart(one, task) for one in (item, leader) for task in tasks)
    }


def results_of_copies(
    plans: Mapping[str, Sequence[PlanRow]],
    leader_of: Mapping[str, str],
    results: Mapping[str, BatchResult],
) -> Iterator[tuple[str, BatchResult]]:
    """The results of each item that shares those of another, where that got answers to all its
    questions; ``plans`` and ``results`` are by item."""
    for item, leader in leader_of.items():
        asked = results.get(leader)
        if asked is not None and _is_answered(asked):
            yield item, copied_rows(plans[item], leader_of, asked)


def _is_answered(result: BatchResult) -> bool:
    rows = [row for rows in result.interpretations.values() for row in rows]
    return bool(rows) and all(row.status in CACHED for row in rows)


def without(plans: Sequence[PlanRow], items: Collection[str]) -> list[PlanRow]:
    """The plans of all other items."""
    return [plan for plan in plans if plan.item_id not in items]
