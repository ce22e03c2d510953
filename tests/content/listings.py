"""Listings and batch records in memory, as sources and homes give them."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from orchestration_assets.content.batches import NewEntry, item_id, plan_batches
from orchestration_assets.content.changes import Changes, find_changes
from orchestration_assets.content.ledger import Ledger, empty_ledger, extend_ledger
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import EntryTable, Listing, Version
from orchestration_assets.schemas.policy import Batching
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import BATCH_ENTRIES, EntryRow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCE = "file:///s"

# name -> (size, modification time in ns)
Files = dict[str, tuple[int, int]]


def listing(files: Files, began: datetime = NOW, **more) -> Listing:
    entries = EntryTable()
    for name, (size, time) in files.items():
        entries.add(f"{SOURCE}/{name}", name, Version(size, time))
    return Listing(SOURCE, began, entries.table(), **more)


def manifest(entries: pa.Table, failed: dict[str, RejectReason]) -> pa.Table:
    """What the ledger reads of a manifest: which entries failed, by path."""
    reasons = [failed.get(path) for path in entries["path"].to_pylist()]
    columns = {
        "entry_id": entries["item_id"],
        "outcome": pa.array(["rejected" if reason else "accepted" for reason in reasons]),
        "reason": pa.array(reasons, pa.string()),
    }
    return pa.table(columns)


class Records:
    """Batch records kept in memory, as the home keeps them on disk."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, pa.Table, pa.Table | None]] = []
        self.now = NOW

    @property
    def ledger(self) -> Ledger:
        return extend_ledger(empty_ledger(SOURCE), self.kept)

    def look(self, found: Listing, limits: Batching | None = None, *, failed=None, **options):
        """Plans and records; ``failed`` are paths that could not be read, with the reason."""
        self.now += timedelta(seconds=1)
        changes = find_changes(found, self.ledger, **options)
        planned, _ = plan_batches(entries_of(changes, found), limits or Batching(), self.now)
        for batch in planned:
            entries = rows_to_arrow(BATCH_ENTRIES, batch.entries)
            self.kept.append((batch.key, entries, manifest(entries, failed or {})))
        return planned

    def known(self) -> Files:
        rows = self.ledger.present().to_pylist()
        return {row["path"]: (row["size_bytes"], row["modified_ns"]) for row in rows}


def entries_of(changes: Changes, found: Listing) -> list[NewEntry]:
    """Entries of whole files, as the intake makes them."""
    gone = [
        (row["file"], row["path"], 0, 0, 0, True, row["batch"]) for row in changes.gone.to_pylist()
    ]
    there = [
        (
            row["address"],
            row["path"],
            row["size_bytes"],
            row["modified_ns"],
            row["changed_ns"],
            False,
            row["known_batch"],
        )
        for row in changes.files.to_pylist()
    ]
    return [
        NewEntry(
            EntryRow(
                item_id=item_id(address),
                source=found.source,
                address=address,
                file=address,
                path=path,
                size_bytes=size,
                modified_ns=modified,
                changed_ns=changed,
                etag=None,
                listed_at=found.began,
                problem=None,
                gone=is_gone,
            ),
            1,
            size,
            before,
        )
        for address, path, size, modified, changed, is_gone, before in gone + there
    ]
