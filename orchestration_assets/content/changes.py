"""What of a listing is new, changed, gone or to be tried again: a pure decision over columns."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.known_pieces import KnownPiece
from orchestration_assets.content.ledger import LEDGER, Ledger, look_of
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import Listing, relative_path

_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A listed file to be recorded, and what the ledger knows of it, if it does."""

    address: str
    path: str
    size_bytes: int
    modified_ns: int
    changed_ns: int
    etag: str | None
    problem: RejectReason | None
    known_batch: str | None
    known_size_bytes: int | None
    known_modified_ns: int | None
    known_etag: str | None
    known_final: bool | None
    known_stop: int | None
    known_next_record: int | None
    known_pieces: tuple[KnownPiece, ...] | None


@dataclass(frozen=True)
class Changes:
    """Rows to be recorded.

    ``files`` has the columns of :class:`ChangedFile`; ``gone`` are rows of the ledger.
    ``unsettled`` counts files that are still being written.
    """

    files: pa.Table
    gone: pa.Table
    unsettled: int


def find_changes(
    listing: Listing,
    ledger: Ledger,
    *,
    retry_after: timedelta = timedelta(days=1),
    settle: timedelta = timedelta(0),
    again: Collection[str] = (),
) -> Changes:
    """Every file that the ledger does not know as it is now, and every known one that is gone.

    A file is tried again ``retry_after`` its reading failed for a reason that may pass, or as soon
    as its permissions change. One that changed within ``settle`` before the listing began is left
    for a later look. ``again`` are addresses to be recorded whatever is known of them. Only where
    the listing proves that a file is absent is it gone.
    """
    entries = listing.entries
    recorded = ledger.files.take(pc.index_in(entries["address"], ledger.files["file"]))
    news = pc.or_(_differs(entries, recorded), _due(entries, recorded, listing.began, retry_after))
    if again:
        news = pc.or_(news, pc.is_in(entries["address"], pa.array(sorted(again), pa.string())))
    waiting = pc.and_(news, _unsettled(entries, listing.began, settle))
    wanted = pc.and_(news, pc.invert(waiting))
    renamed = recorded.rename_columns([f"known_{name}" for name in LEDGER.names])
    columns = {name: entries[name] for name in entries.schema.names}
    together = pa.table(columns | {name: renamed[name] for name in renamed.schema.names})
    unsettled = pc.sum(waiting).as_py() or 0
    return Changes(together.filter(wanted), _gone(listing, ledger), unsettled)


def _differs(entries: pa.Table, recorded: pa.Table) -> pa.Array:
    """Whether a file is unknown, was gone, is recorded in part, or has another version."""
    differs = pc.or_(pc.is_null(recorded["file"]), pc.fill_null(recorded["gone"], False))
    differs = pc.or_(differs, pc.invert(pc.fill_null(recorded["final"], True)))
    for name in ("size_bytes", "modified_ns"):
        other = pc.not_equal(entries[name], recorded[name])
        differs = pc.or_(differs, pc.fill_null(other, True))
    return pc.or_(differs, pc.fill_null(pc.not_equal(entries["etag"], recorded["etag"]), False))


def _due(
    entries: pa.Table, recorded: pa.Table, began: datetime, retry_after: timedelta
) -> pa.Array:
    """Whether a file failed in passing, and enough has changed to try it again."""
    failed = pc.fill_null(
        pc.greater_equal(look_of(recorded["transient_in"]), look_of(recorded["begun_in"])), False
    )
    long_ago = pc.less_equal(recorded["listed_at"], pa.scalar(began - retry_after))
    touched = pc.not_equal(entries["changed_ns"], recorded["changed_ns"])
    return pc.and_(failed, pc.fill_null(pc.or_(long_ago, touched), False))


def _unsettled(entries: pa.Table, began: datetime, settle: timedelta) -> pa.Array:
    """Whether something changed a file just now.

    A time in the future says nothing: a clock is wrong somewhere, and waiting would not help.
    """
    if not settle:
        return pa.array(np.zeros(entries.num_rows, bool))
    now = int(began.timestamp() * _NANOSECONDS)
    window = int(settle.total_seconds() * _NANOSECONDS)
    changed = pc.max_element_wise(entries["changed_ns"], entries["modified_ns"])
    recent = pc.and_(pc.greater(changed, now - window), pc.less_equal(changed, now + window))
    return pc.fill_null(recent, False)


def _gone(listing: Listing, ledger: Ledger) -> pa.Table:
    """Known files that are certainly no longer there."""
    present = ledger.present()
    missing = present.filter(pc.invert(pc.is_in(present["file"], listing.entries["address"])))
    if listing.complete:
        return missing
    proven = [
        listing.proves_absence(relative_path(listing.source, address))
        for address in missing["file"].to_pylist()
    ]
    return missing.filter(pa.array(proven, pa.bool_()))
