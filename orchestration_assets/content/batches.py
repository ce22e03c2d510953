"""Grouping entries into immutable batches: a pure decision."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from orchestration_assets.schemas.policy import Batching
from orchestration_assets.schemas.tables import EntryRow

_STAMP: Final = "%Y%m%dT%H%M%SZ"
# beyond it a later moment cannot be written any more
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 58, tzinfo=UTC)
_KEY: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be recorded: how much it weighs, and in which batch it was known before."""

    row: EntryRow
    items: int
    size_bytes: int
    known_in: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch to be recorded: its key and its entries."""

    key: str
    entries: tuple[EntryRow, ...]


def item_id(address: str) -> str:
    """The identity of an item: 64 bits of blake2b over its address, hex."""
    return blake2b(address.encode(), digest_size=8).hexdigest()


def next_look(now: datetime, recorded: Iterable[str]) -> datetime:
    """The moment that batches of a look carry: now, but always later than every recorded look.

    Batches are folded in the order of their keys, which must hold when a clock was set back.
    """
    stamps = [match[1] for key in recorded if (match := _KEY.fullmatch(key))]
    last = max(filter(None, map(_moment, stamps)), default=None)
    return now if last is None else max(now, last + timedelta(seconds=1))


def _moment(stamp: str) -> datetime | None:
    """The moment of a stamp; None for digits that are none, or that leave no room after them."""
    try:
        return min(datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), _LATEST)
    except ValueError:
        return None


def batch_time(key: str) -> datetime | None:
    """When the look began that recorded a batch; None for what is no key of a batch."""
    match = _KEY.fullmatch(key)
    return _moment(match[1]) if match else None


def plan_batches(
    entries: Sequence[NewEntry], limits: Batching, now: datetime, *, close: bool = True
) -> tuple[list[PlannedBatch], int]:
    """Batches of entries in their order, and how many entries are left for a later look.

    A batch closes when the next entry would take it over a limit; the last one also when ``close``
    is true. A batch's key is the second of ``now`` and a hash over its entries and where they were
    known before: the same entries against the same ledger give the same hash, which makes
    recording idempotent.
    """
    stamp = now.astimezone(UTC).strftime(_STAMP)
    planned, left = [], 0
    for group, full in _groups(entries, limits):
        if full or close:
            digest = blake2b(digest_size=4)
            for entry in group:
                digest.update(repr(_fact(entry)).encode())
            rows = tuple(entry.row for entry in group)
            planned.append(PlannedBatch(f"{stamp}-{digest.hexdigest()}", rows))
        else:
            left += len(group)
    return planned, left


def _fact(entry: NewEntry) -> tuple[object, ...]:
    row = entry.row
    version = row.size_bytes, row.modified_ns, row.etag
    bounds = row.start, row.stop, *(["unchanged"] if row.unchanged else [])
    return row.address, *version, row.gone, *bounds, entry.known_in


def _groups(entries: Sequence[NewEntry], limits: Batching) -> Iterator[tuple[list[NewEntry], bool]]:
    """Groups in order, each with whether it is full."""
    group: list[NewEntry] = []
    items = held = 0
    for entry in entries:
        over = items + entry.items > limits.max_items or held + entry.size_bytes > limits.max_bytes
        if group and over:
            yield group, True
            group, items, held = [], 0, 0
        group.append(entry)
        items, held = items + entry.items, held + entry.size_bytes
    if group:
        yield group, items >= limits.max_items or held >= limits.max_bytes
