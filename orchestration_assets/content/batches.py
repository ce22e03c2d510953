"""Grouping what is new, changed or gone into immutable batches: a pure decision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from orchestration_assets.content.ledger import KnownEntry, Ledger
from orchestration_assets.schemas.policy import Batching
from orchestration_assets.schemas.tables import EntryRow
from resources.content_source import ListedEntry, Listing


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch to be recorded: its key and its entries, sorted by address."""

    key: str
    entries: tuple[EntryRow, ...]


def item_id(address: str) -> str:
    """The identity of an item: 64 bits of blake2b over its address, hex."""
    return blake2b(address.encode(), digest_size=8).hexdigest()


def plan_batches(
    listing: Listing, ledger: Ledger, limits: Batching, now: datetime
) -> list[PlannedBatch]:
    """Batches of every entry that the ledger does not know as it is now.

    The ledger holds recorded batches, so work in flight is never planned twice. An incomplete
    listing yields no ``gone`` entries: absence from it proves nothing. A batch's key is the
    second of ``now`` and a hash over its entries and what was known of them; the same listing
    against the same ledger gives the same hash, which makes recording idempotent.
    """
    news = sorted(_changes(listing, ledger), key=lambda change: change[0].address)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    batches = []
    for group in _groups(news, limits):
        digest = blake2b(digest_size=4)
        for entry, known in group:
            before = known.batch if known else ""
            fact = (entry.address, entry.size_bytes, entry.modified_ns, entry.gone, before)
            digest.update(repr(fact).encode())
        key = f"{stamp}-{digest.hexdigest()}"
        batches.append(PlannedBatch(key, tuple(entry for entry, _ in group)))
    return batches


_Change = tuple[EntryRow, KnownEntry | None]


def _changes(listing: Listing, ledger: Ledger) -> Iterator[_Change]:
    for entry in listing.entries:
        known = ledger.get(entry.address)
        if known is None or _differs(entry, known):
            yield _entry_row(listing.source, entry), known
    if listing.complete:
        present = {entry.address for entry in listing.entries}
        for address, known in ledger.items():
            if address not in present and not known.gone:
                row = EntryRow(
                    item_id(address), listing.source, address, known.path, 0, 0, None, True
                )
                yield row, known


def _differs(entry: ListedEntry, known: KnownEntry) -> bool:
    now, before = (entry.size_bytes, entry.modified_ns), (known.size_bytes, known.modified_ns)
    return known.gone or now != before


def _entry_row(source: str, entry: ListedEntry) -> EntryRow:
    return EntryRow(
        item_id(entry.address),
        source,
        entry.address,
        entry.path,
        entry.size_bytes,
        entry.modified_ns,
        entry.problem,
        False,
    )


def _groups(changes: Sequence[_Change], limits: Batching) -> Iterator[list[_Change]]:
    group: list[_Change] = []
    held = 0
    for change in changes:
        size = change[0].size_bytes
        if group and (len(group) >= limits.max_items or held + size > limits.max_bytes):
            yield group
            group, held = [], 0
        group.append(change)
        held += size
    if group:
        yield group
