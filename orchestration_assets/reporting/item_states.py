"""The life of every item of a batch, replayed from what the floors stored, step by legal step.

Nothing is remembered between floors: each decision already stands in a table. Replaying the
tables through the state machine gives the audit log, and finds tables that contradict each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.enums import EntryOutcome, ProfileStatus, ResolutionStatus, Status
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.states import (
    FINAL_STATES,
    INTAKE_STATES,
    ITEM_STATES,
    ItemState,
    step,
)

Event = tuple[str, ItemState, str]
"""Item, the state that it takes, and why."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What one asset (or several) decided about items, at most once about each."""

    asset: str
    events: Iterable[Event]


class UnlistedItemError(OrchestrationError):
    """A table speaks of an item that the manifest does not have; nothing was written."""

    def __init__(self, item_id: str, asset: str) -> None:
        super().__init__(
            f"{asset} has the item {item_id}, which the batch's manifest does not "
            f"list; materialize {asset} and what it is made from again"
        )


_FROM_PROFILE: Final[Mapping[ProfileStatus, ItemState]] = {
    ProfileStatus.OK: ItemState.PROFILED,
    ProfileStatus.SUPERSEDED: ItemState.SUPERSEDED,
    ProfileStatus.FAILED: ItemState.FAILED,
}
_FROM_RESOLUTION: Final[Mapping[ResolutionStatus, ItemState]] = {
    ResolutionStatus.RESOLVED: ItemState.RESOLVED,
    ResolutionStatus.ABSTAINED: ItemState.REVIEW,
    ResolutionStatus.PRESERVED: ItemState.REVIEW,
    ResolutionStatus.DEFERRED: ItemState.DEFERRED,
    ResolutionStatus.FAILED: ItemState.FAILED,
    # where nothing else was asked of it, nothing is left to be done
    ResolutionStatus.SKIPPED: ItemState.RESOLVED,
}
# what is broken decides first; then an answer that stands, for to decline is no failure
_DECISIVE_FIRST: Final = (
    ItemState.QUARANTINED,
    ItemState.FAILED,
    ItemState.DEFERRED,
    ItemState.RESOLVED,
    ItemState.REVIEW,
)
_question = attrgetter("item_id", "task")
_STATES: Final = tuple(ItemState)
_NUMBER: Final = {state: number for number, state in enumerate(_STATES)}
_NOWHERE: Final = -1  # before the listing


def replay(
    batch: str,
    manifest: pa.Table,
    profiles: pa.Table,
    plans: pa.Table,
    interpretations: Mapping[str, pa.Table],
    resolutions: pa.Table,
) -> pa.Table:
    """The table of the transitions of every item of the manifest, in the manifest's order.

    ``interpretations`` maps the name of each such table to its rows.

    Raises IllegalTransitionError when tables contradict each other, and UnlistedItemError when
    one speaks of an item that was never listed.
    """
    planned = set(plans["item_id"].to_pylist())
    floors = (
        Floor("content_source", _listed(manifest)),
        Floor("content_manifest", _taken_in(manifest)),
        Floor("content_profiles", _profiled(profiles)),
        Floor("processing_plans", _without_task(profiles, planned)),
        Floor("processing_plans", _planned(plans)),
        *_processing(interpretations),
        Floor("resolutions", _unasked(resolutions, interpretations.values())),
        Floor("resolutions", _ended(resolutions, _quarantined(interpretations.values()))),
    )
    return transitions(batch, manifest.select(["item_id", "path"]), floors)


def transitions(batch: str, items: pa.Table, floors: Iterable[Floor]) -> pa.Table:
    """The events of all items as numbered transitions; ``items`` has each item's id and path.

    Raises IllegalTransitionError and UnlistedItemError.
    """
    place_of = {item: place for place, item in enumerate(items["item_id"].to_pylist())}
    places, states, reasons, assets = list[int](), list[int](), list[str](), list[str]()
    for floor in floors:
        for item, state, why in floor.events:
            if item not in place_of:
                raise UnlistedItemError(item, floor.asset)
            places.append(place_of[item])
            states.append(_NUMBER[state])
            reasons.append(why)
            assets.append(floor.asset)
    place = np.array(places, dtype=np.int64)
    order = np.argsort(place, kind="stable")
    place, after = place[order], np.array(states, dtype=np.int64)[order]
    first = np.diff(place, prepend=-1) != 0
    begun = np.maximum.accumulate(np.where(first, np.arange(len(place)), 0))
    before = np.where(first, _NOWHERE, np.roll(after, 1))
    taken = np.stack([before, after], axis=1)
    steps, at = np.unique(taken, axis=0, return_index=True)
    for (left, state), row in sorted(zip(steps.tolist(), at.tolist(), strict=True), key=_by_row):
        item = items["item_id"][int(place[row])].as_py()
        step(item, None if left == _NOWHERE else _STATES[left], _STATES[state])
    names = pa.array([state.value for state in _STATES])
    final = np.array([state in FINAL_STATES for state in _STATES])
    left = pa.array(before, pa.int64(), mask=before == _NOWHERE)
    columns = {
        "batch": pa.array([batch], pa.string()).take(pa.array(np.zeros(len(place), np.int64))),
        "item_id": items["item_id"].take(pa.array(place)),
        "path": items["path"].take(pa.array(place)),
        "step": pa.array(np.arange(len(place)) - begun, pa.int64()),
        "from_state": names.take(left),
        "to_state": names.take(pa.array(after)),
        "final": pa.array(final[after]),
        "why": pa.array(reasons, pa.string()).take(pa.array(order)),
        "asset": pa.array(assets, pa.string()).take(pa.array(order)),
    }
    return pa.table([columns[name] for name in ITEM_STATES.schema.names], ITEM_STATES.schema)


def _by_row(step_and_row: tuple[list[int], int]) -> int:
    return step_and_row[1]


def _listed(manifest: pa.Table) -> Iterator[Event]:
    for item, outcome, size in values(manifest, "item_id", "outcome", "size_bytes"):
        gone = outcome == EntryOutcome.GONE
        listing = "known before, no longer listed" if gone else f"listed, {size} bytes"
        yield item, ItemState.DISCOVERED, listing


def _taken_in(manifest: pa.Table) -> Iterator[Event]:
    others = manifest.filter(pc.not_equal(manifest["outcome"], EntryOutcome.ACCEPTED.value))
    for item, outcome, *told in values(others, "item_id", "outcome", "reason", "detail"):
        why = ": ".join(words for words in told if words) or "no longer listed"
        yield item, INTAKE_STATES[EntryOutcome(outcome)], why


def _profiled(profiles: pa.Table) -> Iterator[Event]:
    columns = ("item_id", "status", "reason", "family", "coverage")
    for item, status, reason, family, coverage in values(profiles, *columns):
        why = reason or f"looks like {family}, {coverage:.0%} of it seen"
        yield item, _FROM_PROFILE[ProfileStatus(status)], why


def _without_task(profiles: pa.Table, planned: set[str]) -> Iterator[Event]:
    for item, status in values(profiles, "item_id", "status"):
        if item not in planned and _FROM_PROFILE[ProfileStatus(status)] is ItemState.PROFILED:
            yield item, ItemState.RESOLVED, "no task applies to it"


def _planned(plans: pa.Table) -> Iterator[Event]:
    rows = sorted(values(plans, "item_id", "task", "model", "option"), key=itemgetter(0, 1))
    for item, of_item in groupby(rows, key=itemgetter(0)):
        ways = (f"{task} {model} by {option}" for _, task, model, option in of_item)
        yield item, ItemState.PLANNED, "; ".join(ways)


def _processing(interpretations: Mapping[str, pa.Table]) -> Iterator[Floor]:
    """A floor for each combination of tables that speak of an item."""
    asked_of: dict[str, list[tuple[str, str, str]]] = {}
    for name, table in interpretations.items():
        for item, service, task in values(table, "item_id", "service", "task"):
            asked_of.setdefault(item, []).append((service, task, name))
    floors: dict[str, list[Event]] = {}
    for item, triples in asked_of.items():
        services, tasks, tables = (sorted(set(names)) for names in zip(*triples, strict=True))
        why = f"{len(services)} services asked about {len(tasks)} tasks"
        floors.setdefault(", ".join(tables), []).append((item, ItemState.PROCESSING, why))
    return (Floor(tables, events) for tables, events in floors.items())


def _unasked(resolutions: pa.Table, interpretations: Iterable[pa.Table]) -> Iterator[Event]:
    """The items about which nobody was asked: their tasks come after others that are not theirs."""
    ended = [ResolutionStatus.SKIPPED.value, ResolutionStatus.RESOLVED.value]
    turned_away = pc.and_(
        pc.is_in(resolutions["status"], pa.array(ended)),
        pc.equal(pc.list_value_length(resolutions["readings"]), 0),
    )
    items = dict.fromkeys(resolutions.filter(turned_away)["item_id"].to_pylist())
    if items:
        asked = {item for table in interpretations for item in table["item_id"].to_pylist()}
        for item in items:
            if item not in asked:
                yield item, ItemState.PROCESSING, "nobody was asked about it"


def _quarantined(interpretations: Iterable[pa.Table]) -> set[tuple[str, str]]:
    """Item and task of every answer that was withheld because it broke the rules for answers."""
    questions: set[tuple[str, str]] = set()
    for table in interpretations:
        withheld = table.filter(pc.equal(table["status"], Status.REJECTED_OUTPUT.value))
        questions.update(values(withheld, "item_id", "task"))
    return questions


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a question ended: the columns of a resolution that say so."""

    item_id: str
    task: str
    status: ResolutionStatus
    reason: str


def _ended(resolutions: pa.Table, withheld: set[tuple[str, str]]) -> Iterator[Event]:
    rows = sorted(decode(_Ended, resolutions), key=_question)
    for item, group in groupby(rows, key=attrgetter("item_id")):
        tasks: dict[ItemState, list[_Ended]] = {}
        skipped: list[_Ended] = []
        for row in group:
            if row.status is ResolutionStatus.SKIPPED:
                skipped.append(row)
            else:
                tasks.setdefault(_task_state(row, withheld), []).append(row)
        if not tasks:
            yield item, _FROM_RESOLUTION[ResolutionStatus.SKIPPED], _each(skipped)
            continue
        state = min(tasks, key=_DECISIVE_FIRST.index)
        yield item, state, _why(state, tasks) + (f"; skipped: {_names(skipped)}" if skipped else "")


def _task_state(row: _Ended, withheld: set[tuple[str, str]]) -> ItemState:
    state = _FROM_RESOLUTION[row.status]
    if state is ItemState.FAILED and _question(row) in withheld:
        return ItemState.QUARANTINED
    return state


def _why(state: ItemState, tasks: Mapping[ItemState, list[_Ended]]) -> str:
    if state is not ItemState.RESOLVED:
        return _each(tasks[state])
    answered, declined = (_names(tasks.get(s, [])) for s in (state, ItemState.REVIEW))
    return f"answered: {answered}" + (
        f"; declined by every service: {declined}" if declined else ""
    )


def _each(rows: list[_Ended]) -> str:
    return "; ".join(f"{row.task}: {row.reason}" for row in rows)


def _names(rows: list[_Ended]) -> str:
    return ", ".join(row.task for row in rows)
