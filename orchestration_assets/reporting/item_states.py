"""The life of every item of a batch, replayed from what the floors stored, step by legal step.

Nothing is remembered between floors: each decision already stands in a table. Replaying the
tables through the state machine gives the audit log, and finds tables that contradict each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome, ProfileStatus, ResolutionStatus, Status
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.states import (
    FINAL_STATES,
    INTAKE_STATES,
    ItemState,
    StateRow,
    step,
)
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    RESOLUTIONS,
    ResolutionRow,
)


@dataclass(frozen=True, slots=True)
class StateEvent:
    """What one floor decided about an item."""

    item_id: str
    state: ItemState
    why: str
    asset: str


class UnlistedItemError(OrchestrationError):
    """A table speaks of an item that the manifest does not have; nothing was written."""

    def __init__(self, event: StateEvent) -> None:
        super().__init__(
            f"{event.asset} has the item {event.item_id}, which the batch's manifest does not "
            f"list; materialize {event.asset} and what it is made from again"
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


def replay(
    batch: str,
    manifest: pa.Table,
    profiles: pa.Table,
    plans: pa.Table,
    interpretations: Mapping[str, pa.Table],
    resolutions: pa.Table,
) -> Iterator[StateRow]:
    """The transitions of every item of the manifest, in the manifest's order.

    ``interpretations`` maps the name of each such table to its rows.

    Raises IllegalTransitionError when tables contradict each other, and UnlistedItemError when
    one speaks of an item that was never listed.
    """
    events: dict[str, list[StateEvent]] = {item: [] for item in manifest["item_id"].to_pylist()}
    floors = (
        _intake(manifest),
        _profiled(profiles, set(plans["item_id"].to_pylist())),
        _planned(plans),
        _processing(interpretations),
        _ended(resolutions, _quarantined(interpretations.values())),
    )
    for floor in floors:
        for event in floor:
            if event.item_id not in events:
                raise UnlistedItemError(event)
            events[event.item_id].append(event)
    paths = dict(zip(events, manifest["path"].to_pylist(), strict=True))
    for item_id, of_item in events.items():
        yield from transitions(batch, paths[item_id], of_item)


def transitions(batch: str, path: str, events: Iterable[StateEvent]) -> Iterator[StateRow]:
    """One item's events as numbered transitions. Raises IllegalTransitionError."""
    state: ItemState | None = None
    for number, event in enumerate(events):
        before, state = state, step(event.item_id, state, event.state)
        yield StateRow(
            batch=batch,
            item_id=event.item_id,
            path=path,
            step=number,
            from_state=before,
            to_state=state,
            final=state in FINAL_STATES,
            why=event.why,
            asset=event.asset,
        )


def _intake(manifest: pa.Table) -> Iterator[StateEvent]:
    for row in CONTENT_MANIFEST.rows(manifest):
        item, outcome = row.item_id, row.outcome
        gone = outcome is EntryOutcome.GONE
        listing = "known before, no longer listed" if gone else f"listed, {row.size_bytes} bytes"
        yield StateEvent(item, ItemState.DISCOVERED, listing, "content_source")
        if outcome is not EntryOutcome.ACCEPTED:
            outcome_reason = ": ".join(words for words in (row.reason, row.detail) if words)
            why = outcome_reason or "no longer listed"
            yield StateEvent(item, INTAKE_STATES[outcome], why, "content_manifest")


def _profiled(profiles: pa.Table, planned: set[str]) -> Iterator[StateEvent]:
    families = profiles["family"].to_pylist()
    for row, family in zip(CONTENT_PROFILES.rows(profiles), families, strict=True):
        item, state = row.item_id, _FROM_PROFILE[row.status]
        why = row.reason or f"looks like {family}, {row.coverage:.0%} of it seen"
        yield StateEvent(item, state, why, "content_profiles")
        if state is ItemState.PROFILED and item not in planned:
            yield StateEvent(item, ItemState.RESOLVED, "no task applies to it", "processing_plans")


def _planned(plans: pa.Table) -> Iterator[StateEvent]:
    rows = sorted(values(plans, "item_id", "task", "model", "option"), key=itemgetter(0, 1))
    for item, of_item in groupby(rows, key=itemgetter(0)):
        ways = (f"{task} {model} by {option}" for _, task, model, option in of_item)
        yield StateEvent(item, ItemState.PLANNED, "; ".join(ways), "processing_plans")


def _processing(interpretations: Mapping[str, pa.Table]) -> Iterator[StateEvent]:
    asked_of: dict[str, list[tuple[str, str, str]]] = {}
    key = ("item_id", "service", "task")
    for name, table in interpretations.items():
        for item, service, task in dict.fromkeys(values(table, *key)):
            asked_of.setdefault(item, []).append((service, task, name))
    for item, triples in asked_of.items():
        services, tasks, tables = (sorted(set(names)) for names in zip(*triples, strict=True))
        why = f"{len(services)} services asked about {len(tasks)} tasks"
        yield StateEvent(item, ItemState.PROCESSING, why, ", ".join(tables))


def _quarantined(interpretations: Iterable[pa.Table]) -> set[tuple[str, str]]:
    """Item and task of every answer that was withheld because it broke the rules for answers."""
    questions: set[tuple[str, str]] = set()
    for table in interpretations:
        withheld = table.filter(pc.equal(table["status"], Status.REJECTED_OUTPUT.value))
        questions.update(values(withheld, "item_id", "task"))
    return questions


def _ended(resolutions: pa.Table, withheld: set[tuple[str, str]]) -> Iterator[StateEvent]:
    rows = RESOLUTIONS.rows(resolutions)
    for item, group in groupby(sorted(rows, key=_question), key=attrgetter("item_id")):
        tasks: dict[ItemState, list[ResolutionRow]] = {}
        for row in group:
            tasks.setdefault(_task_state(row, withheld), []).append(row)
        state = min(tasks, key=_DECISIVE_FIRST.index)
        yield StateEvent(item, state, _why(state, tasks), "resolutions")


def _task_state(row: ResolutionRow, withheld: set[tuple[str, str]]) -> ItemState:
    state = _FROM_RESOLUTION[row.status]
    if state is ItemState.FAILED and _question(row) in withheld:
        return ItemState.QUARANTINED
    return state


def _why(state: ItemState, tasks: Mapping[ItemState, list[ResolutionRow]]) -> str:
    if state is not ItemState.RESOLVED:
        return "; ".join(f"{row.task}: {row.reason}" for row in tasks[state])
    answered, declined = (_names(tasks.get(s, [])) for s in (state, ItemState.REVIEW))
    return f"answered: {answered}" + (
        f"; declined by every service: {declined}" if declined else ""
    )


def _names(rows: list[ResolutionRow]) -> str:
    return ", ".join(row.task for row in rows)
