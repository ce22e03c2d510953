"""Listing a source and recording its batches: the shell around what the planner decides."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, BinaryIO, Final

import pyarrow as pa

from orchestration_assets.content.batches import (
    NewEntry,
    PlannedBatch,
    item_id,
    next_look,
    plan_batches,
)
from orchestration_assets.content.changes import ChangedFile, Changes, find_changes
from orchestration_assets.content.known_pieces import (
    KnownPiece,
    before_repeated_ids,
    comparable,
    declaration_id,
    rejected_together,
    unchanged_pieces,
)
from orchestration_assets.content.ledger import Ledger, read_ledger
from orchestration_assets.content.look_memory import LookMemory
from orchestration_assets.content.record_dialect import (
    Rewriting,
    dialect,
    look,
    refuse_empty,
    rewrite,
)
from orchestration_assets.content.record_files import Declarations, Dialect, RecordFile
from orchestration_assets.content.splitting import RecordRange, split
from orchestration_assets.content.unpacking import spare_room, unpacked_name, unpacker
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.file_versions import odd_time
from orchestration_assets.schemas.listings import (
    ContentError,
    ListedEntry,
    Listing,
    ListingTotals,
    listing_totals,
)
from orchestration_assets.schemas.policy import Content
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import BATCH_ENTRIES, DISAGREEMENT_REPORT, EntryRow
from resources.content_source import ListingBudget, Source, open_source
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.locks import make_folder
from resources.maintenance import recording
from resources.table_store import BatchStore

# what a sensor's tick can unpack; `orchestrate run` unpacks whatever there is
UNPACKED_IN_A_TICK: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """How one look at a source goes.

    ``start`` is the relative path to begin at. Files that changed within ``settle`` are left for
    later, and so are entries that do not fill a batch unless ``close`` is true.
    """

    budget: ListingBudget = field(default_factory=ListingBudget)
    start: str = ""
    settle: timedelta = timedelta(0)
    close: bool = True
    unpack_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """What a look at a source found, and did.

    ``recorded`` are the keys of the batches recorded now. ``waiting`` counts entries that do not
    fill a batch yet, ``unsettled`` files that are still being written. ``unfinished`` is true when
    the budget ran out before every record file was cut. ``notes`` are for people.
    """

    listing: ListingTotals
    recorded: tuple[str, ...]
    waiting: int = 0
    unsettled: int = 0
    unfinished: bool = False
    notes: tuple[str, ...] = ()


def take_in(
    home: Home, source: str, content: Content, now: datetime, options: IntakeOptions | None = None
) -> Intake:
    """Lists the source and records batches of whatever is new, changed or gone.

    Two looks at once record everything once: what was planned on a ledger that has moved on
    meanwhile is planned again. Raises SourceError when the source cannot be listed.
    """
    options = options or IntakeOptions()
    opened = open_source(
        source,
        content.include,
        content.exclude,
        home.folder,
        content.read_s,
        content.max_bytes,
    )
    store, index = home.batches, home.content_index
    memory = LookMemory(home, opened, content)
    seen = None if options.start else memory.seen(options.budget)
    if seen is not None and seen.totals is not None:
        return Intake(seen.totals, ())
    listing = opened.list(now, options.budget, options.start)
    make_folder(home.folder)
    while True:
        before = set(store.recorded())
        try:
            ledger = read_ledger(home, listing.source)
        except DamagedFileError as error:
            store.set_aside(error)
            continue
        orphans = index.orphans()
        changes = _changes(listing, ledger, content, options, orphans)
        planning = _Planning(home, opened, content, listing, options, orphans)
        entries = list(planning.entries(changes))
        # a record file that is cut in several looks goes on from what is recorded, so it must be
        close = options.close or planning.unfinished
        with recording(home):
            recorded_now = store.recorded()
            since = set(recorded_now) - before
            if any(_is_of(store, key, listing.source) for key in since):
                continue
            moment = next_look(now, recorded_now)
            batches, waiting = plan_batches(entries, content.batch, moment, close=close)
            for batch in batches:
                _record(store, batch)
        recorded = {row.file for batch in batches for row in batch.entries}
        index.adopt({item_id(file) for file in recorded} & orphans)
        planning.forget_stale(batches)
        totals = listing_totals(listing)
        is_settled = not (entries or changes.unsettled or planning.unfinished or orphans)
        if seen is not None and totals.complete and is_settled and not ledger.fails_in_passing():
            memory.keep(seen, totals)
        return Intake(
            totals,
            tuple(batch.key for batch in batches),
            waiting,
            changes.unsettled,
            planning.unfinished,
            tuple(planning.notes),
        )


def _changes(
    listing: Listing, ledger: Ledger, content: Content, options: IntakeOptions, orphans: set[str]
) -> Changes:
    again: list[str] = []
    if orphans:
        known = ledger.files["file"].to_pylist()
        again = [address for address in known if item_id(address) in orphans]
    return find_changes(
        listing,
        ledger,
        retry_after=timedelta(hours=content.retry_hours),
        settle=options.settle,
        again=again,
    )


class _Planning:
    """From changed files to entries: record files are cut into pieces as far as the budget goes."""

    def __init__(
        self,
        home: Home,
        source: Source,
        content: Content,
        listing: Listing,
        look: IntakeOptions,
        orphans: Collection[str],
    ) -> None:
        self._home = home.folder
        self._source = source
        self._content = content
        self._listing = listing
        self._look = look
        # ids of files whose content nobody computes: every record of them is read again
        self._orphans = orphans
        self._declared = Declarations(content.records, content.max_bytes)
        self._store = home.content
        self.unfinished = False
        self._too_large: list[str] = []
        self._odd_times: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What people should know of the files that were planned."""
        odd = self._odd_times
        more = f" (and {len(odd) - 1:,} more files have such times)" if len(odd) > 1 else ""
        return [*self._too_large, *(f"{odd[0]}{more}" for _ in odd[:1])]

    def entries(self, changes: Changes) -> Iterator[NewEntry]:
        """Entries in the order of batches: what is gone first, so that a move shows as one."""
        for file, path, batch in values(changes.gone, "file", "path", "batch"):
            yield NewEntry(self._row(ListedEntry(file, path, 0, 0), gone=True), 1, 0, batch)
        for batch in changes.files.to_batches(max_chunksize=65_536):
            for found in decode(ChangedFile, pa.Table.from_batches([batch])):
                yield from self._entries(found)

    def _entries(self, changed: ChangedFile) -> Iterator[NewEntry]:
        known_in = changed.known_batch
        try:
            records = None if changed.problem else self._declared.find(changed.path)
            if records is None:
                row = self._row(changed)
                yield NewEntry(row, 1, 0 if row.problem else row.size_bytes, known_in)
            elif not self.unfinished:
                yield from self._pieces(changed, records, known_in)
        except ContentError as error:
            row = self._row(changed, problem=error.reason, detail=str(error))
            yield NewEntry(row, 1, 0, known_in)

    def _pieces(
        self, found: ChangedFile, records: RecordFile, known_in: str | None
    ) -> Iterator[NewEntry]:
        """The pieces of a record file, from where an earlier look left off."""
        version = found.size_bytes, found.modified_ns, found.etag
        before = found.known_size_bytes, found.known_modified_ns, found.known_etag
        goes_on = version == before and found.known_final is False
        start, first = 0, 1
        if goes_on and found.known_stop is not None and found.known_next_record is not None:
            start, first = found.known_stop, found.known_next_record
        plain = self._plain(found, records)
        if plain is None:
            return
        records, unpacked = plain
        with self._open(found, unpacked) as stream:
            if unpacked is None:
                entry = self._unchanged(stream, found, records, start)
                if entry is not None:
                    yield NewEntry(entry, 0, 0, known_in)
                    if entry.final or self.unfinished:
                        return
                    start, first = _end(entry)
            for piece in split(stream, records, self._content.batch, start, first):
                row = self._row(found, **_bounds(piece, records, unpacked, found.address))
                yield NewEntry(row, max(piece.count, 1), piece.weight_bytes, known_in)
                if not piece.final and self._look.budget.spent():
                    self.unfinished = True
                    return

    def _unchanged(
        self, stream: BinaryIO, found: ChangedFile, records: RecordFile, begin: int
    ) -> EntryRow | None:
        """An entry for the records from ``begin`` on that batches hold as they stand in the file;
        None for none. It says when the budget ended the comparing.
        """
        if item_id(found.address) in self._orphans:
            return None
        declared = declaration_id(records.recorded())
        known = found.known_pieces or ()
        pieces = comparable(known, declared, begin)
        same: list[KnownPiece] = []
        for piece in unchanged_pieces(stream, pieces, begin):
            same.append(piece)
            if self._look.budget.spent():
                self.unfinished = True
                break
        if begin or len(same) < sum(piece.standing for piece in known):
            same = before_repeated_ids(same)
        if not same:
            return None
        stream.seek(same[-1].stop)
        ends = not stream.read(1)
        self.unfinished = self.unfinished and not ends
        count = sum(piece.count for piece in same)
        size = same[-1].stop - same[0].start
        together = RecordRange(same[0].start, same[-1].stop, same[0].first, count, size, final=ends)
        facts = _bounds(together, records, None, found.address)
        return self._row(found, **facts, unchanged=True, rejected=rejected_together(same))

    def _plain(
        self, changed: ChangedFile, records: RecordFile
    ) -> tuple[RecordFile, str | None] | None:
        """How a record file is read after a look at its bytes, and the name of its plain copy.

        None when it has to wait. Raises ContentError for an empty file.
        """
        unpacked = None
        if records.packing is not None:
            if self._too_much(changed):
                return None
            unpacked = self._unpack(changed, records)
        if records.format == "parquet":
            return records, unpacked
        with self._open(changed, unpacked) as stream:
            refuse_empty(stream)
            seen = look(stream, records)
        if isinstance(seen, Dialect):
            return records.seen(seen), unpacked
        if self._too_much(changed):
            return None
        copy = self._rewrite(changed, unpacked, seen)
        with self._open(changed, copy) as stream:
            refuse_empty(stream)
            return records.seen(dialect(stream, records)), copy

    def _open(self, changed: ChangedFile, unpacked: str | None) -> BinaryIO:
        if unpacked is None:
            return self._source.open(changed.address)
        return self._store.unpacked(unpacked).open("rb")

    def _rewrite(self, changed: ChangedFile, unpacked: str | None, how: Rewriting) -> str:
        """The name of the plain copy in UTF-8, made unless it is there."""
        name = f"{_version_name(changed)}-utf8"
        if not self._store.unpacked(name).exists():
            with self._open(changed, unpacked) as stream:
                spare_room(self._home)
                self._store.unpack(name, partial(rewrite, stream, how))
        return name

    def _too_much(self, found: ChangedFile) -> bool:
        limit = self._look.unpack_bytes
        if limit is None or found.size_bytes <= limit:
            return False
        self._too_large.append(
            f"{found.path}: {found.size_bytes:,} packed bytes are more than a tick can "
            f"unpack ({limit:,}); take it in once with: orchestrate run {self._listing.source}"
        )
        return True

    def _unpack(self, changed: ChangedFile, records: RecordFile) -> str:
        name = _version_name(changed)
        if not self._store.unpacked(name).exists():
            with self._source.open(changed.address) as stream:
                write = unpacker(
                    stream,
                    records.packing or "",
                    changed.size_bytes,
                    records.declared.max_expansion,
                    self._home,
                )
                self._store.unpack(name, write)
        return name

    def _row(self, changed: ListedEntry | ChangedFile, **more: Any) -> EntryRow:
        problem = changed.problem
        address = changed.address
        facts: dict[str, Any] = {
            "item_id": item_id(address),
            "source": self._listing.source,
            "address": address,
            "file": address,
            "path": changed.path,
            "size_bytes": changed.size_bytes,
            "modified_ns": changed.modified_ns,
            "changed_ns": changed.changed_ns,
            "etag": changed.etag,
            "listed_at": self._listing.began,
            "problem": problem,
        }
        odd = odd_time(changed.modified_ns, changed.etag)
        if odd is not None and not more.get("gone"):
            if not more.get("start"):
                self._odd_times.append(f"{changed.path}: {odd}")
            facts["detail"] = None if problem else odd
        return EntryRow(**(facts | more))

    def forget_stale(self, batches: list[PlannedBatch]) -> None:
        """Removes plain copies of versions that are no longer the latest."""
        for batch in batches:
            for row in batch.entries:
                if row.gone or row.unpacked_as:
                    self._store.forget_unpacked(item_id(row.file), row.unpacked_as)


def _version_name(found: ChangedFile) -> str:
    return unpacked_name(item_id(found.address), found.size_bytes, found.modified_ns, found.etag)


def _end(entry: EntryRow) -> tuple[int, int]:
    """Where the next piece begins, and the number of its first record."""
    return entry.stop or 0, (entry.first_record or 1) + (entry.record_count or 0)


def _bounds(
    piece: RecordRange, records: RecordFile, unpacked: str | None, address: str
) -> dict[str, Any]:
    inside = f"{address}#from={piece.start}"
    return {
        "item_id": item_id(inside),
        "address": inside,
        "records": records.recorded(),
        "start": piece.start,
        "stop": piece.stop,
        "first_record": piece.first,
        "record_count": piece.count,
        "final": piece.final,
        "unpacked_as": unpacked,
        "piece_hash": piece.piece_hash if unpacked is None else None,
    }


def _record(store: BatchStore, batch: PlannedBatch) -> None:
    store.write(batch.key, rows_to_arrow(BATCH_ENTRIES, batch.entries))


def unfinished(home: Home) -> list[str]:
    """Recorded batches that have no report yet, oldest first."""
    done = set(home.tables.batches(DISAGREEMENT_REPORT.name))
    return [key for key in home.batches.recorded() if key not in done]


def of_source(store: BatchStore, batches: Iterable[str], source: str) -> list[str]:
    """Those of the batches that the source listed; a damaged record is left out, and said."""
    return [key for key in batches if _is_of(store, key, source)]


def _is_of(store: BatchStore, key: str, source: str) -> bool:
    with leaving_out_damage():
        return store.source(key) == source
    return False
