"""From listed entries to outcomes: read, hash, recognise text, and settle who is who."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import blake2b
from typing import BinaryIO, Final, Protocol
from urllib.parse import quote

from orchestration_assets.content.batches import item_id
from orchestration_assets.content.forgotten import FORGOTTEN, nameless
from orchestration_assets.content.message_places import held_content, named_by
from orchestration_assets.content.record_files import RecordFile, recorded_file
from orchestration_assets.content.record_reading import Record, read_records
from orchestration_assets.schemas.conversations import MessagePlace
from orchestration_assets.schemas.enums import EntryOutcome, RejectReason
from orchestration_assets.schemas.listings import ContentError, FileContent, Version
from orchestration_assets.schemas.quick_records import constructor, replaced
from orchestration_assets.schemas.tables import EntryRow, ManifestRow, Metadatum, RecordPlace
from orchestration_assets.text.encodings.detection import Encoding, NotText, detect_encoding
from resources.content_index import Holding

_DETAILS: Final = {
    RejectReason.EMPTY: "no content",
    RejectReason.UNREADABLE: "could not be opened",
    RejectReason.SPECIAL_FILE: "a pipe, socket or device",
    RejectReason.LINK_LOOP: "a link that leads back to itself",
    RejectReason.LINK_DANGLING: "a link to nothing",
    RejectReason.LINK_OUTSIDE: "a link that leads out of the source",
    RejectReason.LINK_FOLDER: "a link to a folder that is listed under its own name",
    RejectReason.VANISHED: "no longer there when listed",
}


def content_hash(data: bytes) -> str:
    """The identity of content: 128 bits of blake2b over its bytes, hex."""
    return blake2b(data, digest_size=16).hexdigest()


class EntryReader(Protocol):
    """How the entries of a batch are read."""

    def read(self, address: str, max_bytes: int) -> FileContent: ...

    def version(self, address: str) -> Version: ...

    def records(self, entry: EntryRow) -> BinaryIO:
        """A stream over the record file, or its plain copy, that a piece belongs to."""
        ...

    def keep(self, content_hash: str, data: bytes) -> bool:
        """Keeps accepted bytes when the policy says so; whether they are kept."""
        ...

    def is_forgotten(self, content_hash: str) -> bool:
        """Whether the content was removed on request, and is not taken in again."""
        ...


@dataclass(frozen=True, slots=True)
class ExaminedEntry:
    """One entry or record after reading: a reject reason, or the hash and encoding of its text."""

    entry: EntryRow
    item_id: str
    address: str
    path: str
    size_bytes: int
    reason: RejectReason | None = None
    detail: str | None = None
    superseded: bool = False
    unpacked: bool = False
    forgotten: bool = False
    hashed: str | None = None
    encoding: Encoding | None = None
    kept: bool = False
    number: int = 0
    record: RecordPlace | None = None
    metadata: tuple[Metadatum, ...] = ()
    named_by_text: bool = False
    # records of earlier batches that it stands for; None for one entry or record
    record_count: int | None = None
    message: MessagePlace | None = None

    @property
    def held(self) -> str | None:
        """By what it is known whether its content was there before; None where it has none."""
        if self.hashed is None:
            return None
        return held_content(self.hashed, self.item_id, self.message)

    @property
    def place(self) -> int:
        """Where in its file it stands."""
        return self.record.start if self.record else 0


def examine(entry: EntryRow, reading: EntryReader, max_bytes: int) -> Iterator[ExaminedEntry]:
    """Reads one entry and the records in it: bad content becomes a reason, never an exception."""
    if entry.gone or entry.problem is not None:
        detail = entry.detail or (_DETAILS[entry.problem] if entry.problem else None)
        yield _of_entry(entry, entry.problem, detail)
    elif entry.unchanged:
        yield from _unchanged(entry, reading)
    elif entry.records is not None:
        yield from _examine_piece(entry, recorded_file(entry.records, entry.path), reading)
    else:
        yield _examine_file(entry, reading, max_bytes)


def _unchanged(entry: EntryRow, reading: EntryReader) -> Iterator[ExaminedEntry]:
    """Records that earlier batches hold: one row together, one for each reason of rejection."""
    count = entry.record_count or 0
    try:
        if _changed(entry, reading.version(entry.file)):
            found = _of_entry(entry, detail="changed after it was listed", superseded=True)
            yield replace(found, record_count=count)
            return
    except ContentError as error:
        yield replace(_of_entry(entry, error.reason, str(error)), record_count=count)
        return
    rejected = entry.rejected or ()
    first = entry.first_record or 1
    told = f"records {first} to {first + count - 1} are byte for byte as they were"
    kept = count - sum(one.count for one in rejected)
    yield replace(_of_entry(entry, detail=told), record_count=kept)
    for one in rejected:
        address = f"{entry.address}&rejected={one.reason}"
        found = _of_entry(entry, one.reason, f"{one.count} of the {told}")
        yield replace(found, item_id=item_id(address), address=address, record_count=one.count)


def _of_entry(
    entry: EntryRow,
    reason: RejectReason | None = None,
    detail: str | None = None,
    *,
    superseded: bool = False,
    unpacked: bool = False,
) -> ExaminedEntry:
    return ExaminedEntry(
        entry,
        entry.item_id,
        entry.address,
        entry.path,
        entry.size_bytes,
        reason,
        detail,
        superseded,
        unpacked,
    )


def _examine_file(entry: EntryRow, reading: EntryReader, max_bytes: int) -> ExaminedEntry:
    if entry.size_bytes > max_bytes:
        detail = f"{entry.size_bytes} bytes, the limit is {max_bytes}"
        return _of_entry(entry, RejectReason.TOO_LARGE, detail)
    try:
        content = reading.read(entry.address, max_bytes)
    except ContentError as error:
        return _of_entry(entry, error.reason, str(error))
    if _changed(entry, Version(content.size_bytes, content.modified_ns, content.etag)):
        return _of_entry(entry, detail="changed after it was listed", superseded=True)
    if not content.data:
        return _of_entry(entry, RejectReason.EMPTY, _DETAILS[RejectReason.EMPTY])
    found = _of_entry(entry, detail=entry.detail)
    return _hashed(found, content.data, detect_encoding(content.data), reading)


def _hashed(
    found: ExaminedEntry, data: bytes, encoding: Encoding | NotText, reading: EntryReader
) -> ExaminedEntry:
    hashed = content_hash(data)
    if reading.is_forgotten(held_content(hashed, found.item_id, found.message)):
        address, path = nameless(found.item_id, found.address, found.path)
        return replace(
            found,
            address=address,
            path=path,
            detail=FORGOTTEN,
            forgotten=True,
            metadata=(),
            message=None,
        )
    if isinstance(encoding, NotText):
        return replace(found, reason=encoding.reason, detail=encoding.detail, hashed=hashed)
    kept = reading.keep(hashed, data)
    return replaced(found, hashed=hashed, encoding=encoding, kept=kept)


def _changed(entry: EntryRow, now: Version) -> bool:
    """Whether a file is no longer the version that was listed."""
    if now.etag is not None and entry.etag is not None and now.etag != entry.etag:
        return True
    return (now.size_bytes, now.modified_ns) != (entry.size_bytes, entry.modified_ns)


def _examine_piece(
    entry: EntryRow, records: RecordFile, reading: EntryReader
) -> Iterator[ExaminedEntry]:
    """A row for the piece and one for each of its records."""
    try:
        if _changed(entry, reading.version(entry.file)):
            yield _of_entry(entry, detail="changed after it was listed", superseded=True)
            return
        with reading.records(entry) as stream:
            found = [
                _examine_record(entry, record, reading, has_id=records.declared.id is not None)
                for record in read_records(stream, records, entry)
            ]
        if _changed(entry, reading.version(entry.file)):
            yield _of_entry(entry, detail="changed while it was read", superseded=True)
            return
    except ContentError as error:
        yield _of_entry(entry, error.reason, str(error))
        return
    named = "" if records.declared.id else ", each known by its text: no id column is declared"
    told = "; ".join(words for words in (f"{len(found)} records{named}", entry.detail) if words)
    yield _of_entry(entry, detail=told, unpacked=True)
    yield from found


def _examine_record(
    entry: EntryRow, record: Record, reading: EntryReader, *, has_id: bool
) -> ExaminedEntry:
    data = record.text.encode() if record.text is not None else b""
    if record.id is not None:
        mark = f"id={quote(record.id, safe='')}"
    else:
        # its position would name another record as soon as one is put in before it
        mark = f"text={named_by(content_hash(data), record.message)}"
    address = f"{entry.file}#{mark}"
    # where others are shown by their ids a number would look like one
    numbered = f"record={record.number}" if has_id else str(record.number)
    shown = record.id if record.id is not None else numbered
    found = constructor(ExaminedEntry)(
        entry,
        item_id(address),
        address,
        record.name or f"{entry.path}#{shown}",
        len(data),
        detail=record.note,
        number=record.number,
        record=record.place,
        metadata=record.metadata,
        named_by_text=record.id is None,
        message=record.message,
    )
    if record.problem is not None or record.encoding is None:
        reason, detail = record.problem or (RejectReason.EMPTY, None)
        return ExaminedEntry(
            entry,
            # a record without usable text is known by its place: its id may be missing or repeated
            item_id(f"{entry.file}#record={record.number}"),
            f"{entry.file}#record={record.number}",
            found.path,
            found.size_bytes,
            reason,
            detail,
            number=record.number,
            metadata=record.metadata,
        )
    return _hashed(found, data, record.encoding, reading)


class KnownVersions(Protocol):
    """What is known of content outside the batch."""

    def computed_as(self, content_hash: str) -> str | None: ...

    def last(self, item_id: str) -> str | None: ...

    def files_holding(self, content_hash: str) -> set[str]: ...

    def elsewhere(
        self, item_id: str, version: str, place: int, stands: Callable[[str, int], bool]
    ) -> bool: ...


def file_version(entry: EntryRow) -> str:
    """64 bits that name a file in one version, hex."""
    fact = entry.file, entry.size_bytes, entry.modified_ns, entry.etag
    return blake2b(repr(fact).encode(), digest_size=8).hexdigest()


def settle(
    batch: str,
    examined: Sequence[ExaminedEntry],
    known: KnownVersions,
    is_gone: Callable[[str], bool],
    stands: Callable[[str, str, int], bool],
) -> tuple[list[Holding], list[ManifestRow]]:
    """The outcome of every entry and record, given what is known and came earlier in the batch.

    ``is_gone`` tells of a file, by its id, whether it is known to be gone; ``stands`` of the
    address of a file, a batch and a place in the file, whether what that batch holds of the place
    is unchanged in the latest version.
    """
    accepted: dict[str, str] = {}
    # what stood before the batch is the same for each of a thousand copies
    files_holding = cache(known.files_holding)
    seen: set[str] = set()
    gone = {found.item_id for found in examined if found.entry.gone}
    holdings, rows = [], []
    # the records of an entry follow each other
    entry, version = None, ""
    for one in examined:
        if one.entry is not entry:
            entry, version = one.entry, file_version(one.entry)
        repeated = one.record is not None and (
            one.item_id in seen
            or known.elsewhere(one.item_id, version, one.place, partial(stands, one.entry.file))
        )
        found = one
        if repeated:
            found = _by_place(one) if one.named_by_text else _repeated(one)
        held = found.held
        outcome, computed_as, detail = _outcome(
            found, known, files_holding, accepted, gone, is_gone
        )
        if outcome is EntryOutcome.ACCEPTED and held is not None:
            accepted[held] = found.item_id
        seen.add(found.item_id)
        rows.append(_row(batch, found, outcome, computed_as, detail))
        if found.record_count is not None:
            continue  # what they hold stands in the history of each of them
        holdings.append(
            Holding(
                found.item_id,
                item_id(found.entry.file),
                version,
                found.place,
                held if computed_as is not None else None,
                outcome is EntryOutcome.ACCEPTED,
            )
        )
    return holdings, rows


def _by_place(found: ExaminedEntry) -> ExaminedEntry:
    """A record whose name another record of the file has: its place becomes its identity."""
    address = f"{found.entry.file}#record={found.number}"
    return replace(found, item_id=item_id(address), address=address)


def _repeated(found: ExaminedEntry) -> ExaminedEntry:
    """A record whose id another record of the file has is rejected."""
    return replace(
        _by_place(found),
        # the path names the record that has the id
        path=f"{found.entry.path}#record={found.number}",
        reason=RejectReason.REPEATED_ID,
        detail=f"record {found.number}: another record of the file has its id ({found.path})",
        hashed=None,
        kept=False,
    )


def _outcome(
    found: ExaminedEntry,
    known: KnownVersions,
    files_holding: Callable[[str], set[str]],
    accepted: dict[str, str],
    gone: set[str],
    is_gone: Callable[[str], bool],
) -> tuple[EntryOutcome, str | None, str | None]:
    """Outcome, the item that computes the content, and the outcome in words."""
    held = found.held
    if found.entry.gone:
        return EntryOutcome.GONE, None, found.detail
    if found.superseded:
        return EntryOutcome.SUPERSEDED, None, found.detail
    if found.unpacked:
        return EntryOutcome.UNPACKED, None, found.detail
    if found.forgotten:
        return EntryOutcome.FORGOTTEN, None, found.detail
    if found.reason is None and found.record_count is not None:
        return EntryOutcome.UNCHANGED, None, found.detail
    if found.reason is not None or held is None:
        return EntryOutcome.REJECTED, None, found.detail
    if held in accepted:
        return (
            EntryOutcome.DUPLICATE,
            accepted[held],
            "same content stands elsewhere in this batch",
        )
    computed_as = known.computed_as(held)
    if computed_as is None:
        return EntryOutcome.ACCEPTED, found.item_id, found.detail
    if known.last(found.item_id) == held:
        return EntryOutcome.UNCHANGED, computed_as, "touched, same content"
    before = files_holding(held)
    if before and all(file in gone or is_gone(file) for file in before):
        return EntryOutcome.MOVED, computed_as, "same content was at another address before"
    return EntryOutcome.DUPLICATE, computed_as, "same content is known at another address"


def _row(
    batch: str,
    found: ExaminedEntry,
    outcome: EntryOutcome,
    computed_as: str | None,
    detail: str | None,
) -> ManifestRow:
    return constructor(ManifestRow)(
        batch=batch,
        item_id=found.item_id,
        entry_id=found.entry.item_id,
        address=found.address,
        path=found.path,
        outcome=outcome,
        reason=found.reason,
        detail=detail,
        computed_as=computed_as,
        content_hash=found.hashed,
        size_bytes=found.size_bytes,
        modified_ns=found.entry.modified_ns,
        encoding=found.encoding.name if found.encoding else None,
        encoding_from=found.encoding.source if found.encoding else None,
        kept=found.kept,
        record=found.record,
        metadata=found.metadata,
        record_count=found.record_count,
        message=found.message,
    )
