"""Listing a source and recording its batches: the thin shell around ``plan_batches``."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock

from orchestration_assets.content.batches import PlannedBatch, plan_batches
from orchestration_assets.content.ledger import Ledger, read_ledger
from orchestration_assets.schemas.policy import Content
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import BATCH_ENTRIES, DISAGREEMENT_REPORT
from resources.content_source import Listing, open_source
from resources.table_store import BatchStore, TableStore


@dataclass(frozen=True, slots=True)
class Intake:
    """What a look at a source found: the listing, and the keys of the batches recorded now."""

    listing: Listing
    recorded: tuple[str, ...]


def take_in(home: Path, source: str, content: Content, now: datetime) -> Intake:
    """Lists the source and records a batch of whatever is new, changed or gone.

    Two listings at once record everything once: the ledger is read and written under a lock.
    Raises SourceError when the source cannot be listed.
    """
    listing = open_source(source, content.include, content.exclude, home).list()
    store = BatchStore(home)
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".intake.lock"):
        ledger: Ledger = read_ledger(store, listing.source)
        batches = plan_batches(listing, ledger, content.batch, now)
        for batch in batches:
            _record(store, batch)
    return Intake(listing, tuple(batch.key for batch in batches))


def _record(store: BatchStore, batch: PlannedBatch) -> None:
    store.write(batch.key, rows_to_arrow(BATCH_ENTRIES, batch.entries))


def unfinished(home: Path) -> list[str]:
    """Recorded batches that have no report yet, oldest first."""
    done = set(TableStore(home).batches(DISAGREEMENT_REPORT.name))
    return [key for key in BatchStore(home).recorded() if key not in done]


def listing_version(listing: Listing) -> str:
    """A data version of a listing: equal exactly when every entry is as it was."""
    digest = blake2b(digest_size=8)
    for entry in listing.entries:
        digest.update(repr((entry.address, entry.size_bytes, entry.modified_ns)).encode())
    return digest.hexdigest()
