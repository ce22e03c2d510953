"""`orchestrate policy diff`: what differs between two policies, and what that would change.

Both policies are replayed over the last recorded items, so that their calls, prices and answers
are compared item by item, without a call; only the tasks that may be asked or answered otherwise.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

from orchestration_assets.command.policy_activation import recomputation_lines
from orchestration_assets.command.replay import replay_batch, replay_prices
from orchestration_assets.disagreement.replay import (
    PairedDifference,
    ReplayedQuestion,
    ReplayFigures,
    figures,
)
from orchestration_assets.policy.activation_rows import compared
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.recomputation import recomputed_tasks
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.tables import RESOLUTIONS
from orchestration_assets.settings import Settings
from resources.home import Home


def diff(settings: Settings, before: str, after: str, *, items: int, as_json: bool) -> int:
    """Prints the differences and their consequences; returns the exit code.

    ``before`` and ``after`` are what :meth:`PolicyRegistry.load` takes; both are replayed over the
    last ``items`` recorded items. Raises PolicyError, UnknownPolicyError.
    """
    home = Home(settings.home)
    registry = PolicyRegistry(home)
    old, new = registry.load(before), registry.load(after)
    changes, again = compared(old, new)
    due = recomputed_tasks(home, new, again)
    moved = _moved_tasks(old.policy, new.policy)
    seen, paired = (
        _replayed(home, _only(old, moved), _only(new, moved), items) if moved else (0, [])
    )
    found = figures(paired, {})
    if as_json:
        plain = {
            "before": {"source": old.source, "hash": old.hash},
            "after": {"source": new.source, "hash": new.hash},
            "changes": [asdict(one) for one in changes],
            "asked_again": [asdict(one) for one in due],
            "replayed_items": seen,
            "replayed": [asdict(one) for one in found],
        }
        sys.stdout.write(json.dumps(plain, indent=1) + "\n")
        return 0
    lines = [f"{old.hash} of {old.source}", f"-> {new.hash} of {new.source}"]
    lines += [f"  {one}" for one in changes] or ["  both say the same"]
    lines += recomputation_lines(due, f"orchestrate preview --policy {_file_of(after, new)}")
    lines += replay_lines(found, seen)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _file_of(name: str, loaded: LoadedPolicy) -> str:
    return "FILE" if loaded.kept_as or loaded.source != name else name


def _moved_tasks(old: Policy, new: Policy) -> set[str]:
    """The tasks of both policies that may be asked or answered otherwise: those that changed, that
    may ask a service that did, and those that build on them."""
    changed = {
        name
        for name in old.services.keys() & new.services.keys()
        if old.services[name] != new.services[name]
    }
    moved = {
        name
        for name in old.tasks.keys() & new.tasks.keys()
        if old.tasks[name] != new.tasks[name] or changed & _asked_by(new.tasks[name])
    }
    while more := {name for name in new.tasks if moved & {*new.tasks[name].inputs}} - moved:
        moved |= more
    return moved & old.tasks.keys()


def _asked_by(task: TaskConfig) -> set[str]:
    return {name for choice in task.choices.values() for name in choice.admissible}


def _only(loaded: LoadedPolicy, tasks: set[str]) -> LoadedPolicy:
    """The policy with these tasks, and those that they build on or route by, alone."""
    every = loaded.policy.tasks
    needed = tasks & every.keys()
    while more := {name for one in needed for name in _needs(every[one])} & every.keys() - needed:
        needed |= more
    kept = {name: task for name, task in every.items() if name in needed}
    return replace(loaded, policy=loaded.policy.model_copy(update={"tasks": kept}))


def _needs(task: TaskConfig) -> set[str]:
    choices = [*task.choices.values()]
    routed = set()
    while choices:
        one = choices.pop()
        choices += one.sub_choices.values()
        routed |= {one.route.task} if one.route else set()
    return {*task.inputs, *routed}


def _replayed(
    home: Home, old: LoadedPolicy, new: LoadedPolicy, items: int
) -> tuple[int, list[ReplayedQuestion]]:
    """How many of the last items were replayed, and their questions under both policies.

    Whole batches are replayed, the newest first, and the items of the last one that is needed are
    cut off in their order.
    """
    seen: set[str] = set()
    questions: list[ReplayedQuestion] = []
    batches = home.tables.batches(RESOLUTIONS.name) if items else []
    prices = [replay_prices(home, one) for one in (old, new)]
    for batch in reversed(batches):
        if len(seen) >= items:
            break
        paired = _paired(
            list(replay_batch(home, batch, old, prices[0])),
            list(replay_batch(home, batch, new, prices[1])),
        )
        for one in paired:
            if one.item_id in seen or len(seen) < items:
                seen.add(one.item_id)
                questions.append(one)
    return len(seen), questions


def _paired(old: list[ReplayedQuestion], new: list[ReplayedQuestion]) -> Iterator[ReplayedQuestion]:
    """The questions that both ask, as the one policy answers them beside the other."""
    before = {(one.item_id, one.task): one for one in old}
    for one in new:
        earlier = before.get((one.item_id, one.task))
        if earlier is None:
            continue
        if earlier.other is None:
            yield replace(one, other=None, why=f"under the first, {earlier.why}")
        else:
            yield replace(one, recorded=earlier.other)


def replay_lines(found: list[ReplayFigures], items: int) -> list[str]:
    """What a replay shows of both policies, for people: a line for each task."""
    if not items:
        return []
    lines = [f"On the last {items:,} recorded items:"]
    return [*lines, *(f"  {one.task}: {_task_words(one)}" for one in found)]


def _task_words(one: ReplayFigures) -> str:
    if not one.answerable:
        return f"cannot be told from what is recorded: {_reasons(one)}"
    parts = [_more_or_fewer(one.calls, "calls")]
    if one.usd.before or one.usd.after:
        parts.append(
            f"{one.usd.before:.6f} -> {one.usd.after:.6f} USD an item"
            if one.usd.before != one.usd.after
            else "the same price"
        )
    parts.append(
        f"{one.changed:,} of {one.answerable:,} answers change"
        if one.changed
        else f"none of {one.answerable:,} answers changes"
    )
    if one.answerable < one.questions:
        parts.append(f"{one.questions - one.answerable:,} cannot be told: {_reasons(one)}")
    return ", ".join(parts)


def _more_or_fewer(pair: PairedDifference, what: str) -> str:
    if pair.before == pair.after:
        return f"as many {what}"
    if not pair.before:
        return f"{pair.after:.2f} {what} an item instead of none"
    percent = abs(pair.after - pair.before) / pair.before * 100
    shown = f"{percent:,.0f}" if percent >= 1 else f"{percent:.1g}"
    return f"{shown} % {'fewer' if pair.after < pair.before else 'more'} {what}"


def _reasons(one: ReplayFigures) -> str:
    return "; ".join(f"{words} ({count:,})" for words, count in one.reasons)
