"""How the same services stood on the nearest earlier items of an item in dispute.

Neighbours come from ``content_vectors``: representatives of earlier batches only, never the item
itself. What is said of them is counted from the tables of their batches, as they are stored.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.batch import service_versions
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Disagreement, Policy
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    INTERPRETATIONS,
    RESOLUTIONS,
    DisagreementRow,
    ReadingSummary,
)
from orchestration_assets.schemas.vectors import NeighboursRow
from resources.damage import notice
from resources.table_store import TableStore

Place = tuple[str, str]
Versions = Mapping[str, Mapping[str, str]]

_VERSIONS: Final = ["task", "service", "service_version"]
_PAIRS: Final = ("item_id", "task", "service_a", "service_b")


@dataclass(frozen=True, slots=True)
class _Resolved:
    """The columns of ``resolutions`` that name who answered and who dissented."""

    item_id: str
    task: str
    dissenters: tuple[str, ...]
    readings: tuple[ReadingSummary, ...]


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """One task of an earlier item: the services that answered it, as they are now; those of them
    that the standing answer went against; and the pairs that disagreed."""

    answered: frozenset[str]
    dissented: frozenset[str]
    disagreeing: frozenset[tuple[str, str]]


@dataclass
class NeighbourHistory:
    """``answers``: (batch, item) -> task -> how the services stood. ``skipped``: batch -> why what
    it holds was not looked up."""

    answers: dict[Place, dict[str, EarlierAnswers]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def neighbours_of(vectors: pa.Table, items: Set[str]) -> dict[str, tuple[Place, ...]]:
    """Item -> (batch, item) of its nearest earlier items, nearest first, of those in ``items``.

    ``vectors`` are the columns of :class:`NeighboursRow`.
    """
    return {
        row.item_id: tuple(
            (near.batch, near.item_id)
            for near in row.neighbours
            if near.batch < row.batch and near.item_id != row.item_id
        )
        for row in decode(NeighboursRow, _about(items, vectors))
    }


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How far to look: earlier batches that are read, and the brake in seconds of ``clock``."""

    max_batches: int
    seconds: float
    clock: Callable[[], float] = time.monotonic


def history_limits(policy: Policy | None) -> HistoryLimits:
    """How far the policy has a batch look."""
    wanted = policy.disagreement if policy else Disagreement()
    return HistoryLimits(wanted.nearby_batches, wanted.nearby_s)


def read_history(
    store: TableStore,
    neighbours: Mapping[str, Sequence[Place]],
    versions: Versions,
    limit: HistoryLimits,
) -> NeighbourHistory:
    """How services stood on these neighbours, as far as their batches are stored.

    A service counts where it answered in the version of ``versions`` (task -> service -> version):
    another one was another service. Of the batches those with most of the items are read, later
    ones first where they have as many, up to the limit. Its seconds are a brake: no further batch
    is opened when they are over.
    """
    wanted: dict[str, set[str]] = {}
    for batch, item in (place for near in neighbours.values() for place in near):
        wanted.setdefault(batch, set()).add(item)
    latest_first = sorted(wanted, reverse=True)
    order = sorted(latest_first, key=lambda batch: -len(wanted[batch]))
    found = NeighbourHistory()
    until = limit.clock() + limit.seconds
    for place, batch in enumerate(order):
        if place >= limit.max_batches:
            found.skipped[batch] = f"beyond nearby_batches ({limit.max_batches})"
        elif limit.clock() >= until:
            found.skipped[batch] = f"the time limit of {limit.seconds:g} s was reached"
        elif not (
            store.exists(RESOLUTIONS.name, batch) and store.exists(DISAGREEMENTS.name, batch)
        ):
            found.skipped[batch] = "its results are not stored"
        else:
            try:
                found.answers |= _of_batch(store, batch, wanted[batch], versions)
            except DamagedFileError as error:
                notice(f"left out: {error}")
                found.skipped[batch] = "its results are damaged"
    return found


def _of_batch(
    store: TableStore, batch: str, items: Set[str], versions: Versions
) -> dict[Place, dict[str, EarlierAnswers]]:
    same = _same_versions(store, batch, versions)
    disagreeing: dict[tuple[str, str], set[tuple[str, str]]] = {}
    pairs = _about(items, store.read(DISAGREEMENTS.name, batch, _PAIRS))
    for item, task, *services in values(pairs, *_PAIRS):
        disagreeing.setdefault((item, task), set()).add((services[0], services[1]))
    found: dict[Place, dict[str, EarlierAnswers]] = {}
    resolved = store.read(RESOLUTIONS.name, batch, column_names(_Resolved))
    for row in decode(_Resolved, _about(items, resolved)):
        ok = {one.service for one in row.readings if one.status is Status.OK}
        answered = frozenset(ok & same.get(row.task, set()))
        found.setdefault((batch, row.item_id), {})[row.task] = EarlierAnswers(
            answered,
            answered & frozenset(row.dissenters),
            frozenset(disagreeing.get((row.item_id, row.task), ())),
        )
    return found


def _about(items: Set[str], table: pa.Table) -> pa.Table:
    wanted = pa.array(sorted(items), pa.string())
    return table.filter(pc.is_in(table["item_id"], value_set=wanted))


def _same_versions(store: TableStore, batch: str, versions: Versions) -> dict[str, set[str]]:
    """Task -> the services that answered in the version that they have now."""
    tables = [
        store.read(table.name, batch, _VERSIONS)
        for table in INTERPRETATIONS.values()
        if store.exists(table.name, batch)
    ]
    return {
        task: {name for name, one in then.items() if versions.get(task, {}).get(name) == one}
        for task, then in service_versions(tables).items()
    }


def with_nearby(
    rows: Iterable[DisagreementRow],
    neighbours: Mapping[str, Sequence[Place]],
    earlier: NeighbourHistory,
    tasks: Mapping[str, Task],
) -> Iterator[DisagreementRow]:
    """The rows, each with how its two services stood on the item's nearest earlier items.

    Vectors are left as they are: that two were not found apart may mean that nobody could tell.
    """
    for row in rows:
        near = neighbours.get(row.item_id, ())
        if not near or tasks[row.task].kind is AnswerKind.VECTOR:
            yield row
            continue
        pair = {row.service_a, row.service_b}
        known = [
            earlier.answers[place][row.task]
            for place in near
            if row.task in earlier.answers.get(place, {})
        ]
        both = [one for one in known if pair <= one.answered]
        skipped = Counter(earlier.skipped[b] for b, _ in near if b in earlier.skipped)
        if not both:
            why = "; ".join(f"{n} not looked up: {reason}" for reason, n in sorted(skipped.items()))
            yield replace(row, nearby=why or None)
            continue
        agreed = sum((row.service_a, row.service_b) not in one.disagreeing for one in both)
        dissents = [
            sum(service in one.dissented for one in both)
            for service in (row.service_a, row.service_b)
        ]
        words = (
            f"of the {len(both)} nearest earlier items that both answered they agree on {agreed}"
        )
        against = [
            f"{service} dissented on {n}"
            for service, n in zip((row.service_a, row.service_b), dissents, strict=True)
            if n
        ]
        parts = [words, *against]
        parts += [f"{n} not looked up: {reason}" for reason, n in sorted(skipped.items())]
        yield replace(
            row,
            near_items=len(both),
            near_agreed=agreed / len(both),
            near_dissent_a=dissents[0] / len(both),
            near_dissent_b=dissents[1] / len(both),
            nearby="; ".join(parts),
        )
