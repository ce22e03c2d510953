"""What a batch says of conversations: messages that arrived, and those that are gone.

A message is gone when its file is, or has a later version that no longer holds it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.ledger import read_ledger
from orchestration_assets.conversations.batch_index import indexed_batches
from orchestration_assets.conversations.threads import MessageReference, content_of
from orchestration_assets.schemas.conversations import THREAD_MESSAGES, MessagePlace
from orchestration_assets.schemas.decoding import column_names, decode, values
from orchestration_assets.schemas.enums import TRANSIENT, EntryOutcome
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError

_THERE = (EntryOutcome.ACCEPTED, EntryOutcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message of the batch: ``record`` is its number in its file, ``path`` that of the file.

    ``is_new`` where the batch has the results about it; else an earlier batch has them.
    """

    item_id: str
    entry_id: str
    path: str
    record: int
    content_hash: str
    place: MessagePlace
    is_new: bool

    def reference(self, batch: str, seen: str) -> MessageReference:
        """How its thread refers to it, with its results in ``batch``."""
        content = content_of(self.content_hash, self.place.speaker)
        return MessageReference(
            self.item_id, batch, seen, self.place.position, self.path, self.record, content
        )


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the batch changes, thread by thread; ``messages`` are all that it accepted."""

    messages: Sequence[ListedMessage] = ()
    arrived: Mapping[str, list[MessageReference]] = field(default_factory=dict)
    gone: Mapping[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Entry:
    """The columns of a recorded entry that tell of its records."""

    item_id: str
    file: str
    path: str
    gone: bool
    records: str | None
    first_record: int | None


@dataclass(frozen=True, slots=True)
class _Row:
    """The columns of a manifest that tell of messages."""

    item_id: str
    entry_id: str
    outcome: EntryOutcome
    reason: str | None
    content_hash: str | None
    message: MessagePlace | None


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A message that an earlier batch accepted."""

    batch: str
    item_id: str
    file: str
    thread: str
    content_hash: str
    is_standing: bool


def arrivals(home: Home, batch: str, manifest: pa.Table) -> Arrivals:
    """What the batch says of conversations. Raises DamagedFileError."""
    has_messages = "message" in manifest.column_names and (
        manifest["message"].null_count < manifest.num_rows
    )
    if not has_messages and not home.threads.exists():
        return Arrivals()
    entries = {one.item_id: one for one in _record_entries(home, batch)}
    listed = list(_listed(manifest, entries)) if has_messages else []
    earlier = _earlier(home, batch, {one.file for one in entries.values()})
    if not listed and not earlier:
        return Arrivals()
    arrived: dict[str, list[MessageReference]] = {}
    gone: dict[str, set[str]] = {}
    for one in listed:
        thread, known = one.place.thread, earlier.get(one.item_id, ())
        # what is unchanged has its results where it was accepted last
        same = [
            old for old in known if old.thread == thread and old.content_hash == one.content_hash
        ]
        if one.is_new or same:
            results = batch if one.is_new else same[-1].batch
            arrived.setdefault(thread, []).append(one.reference(results, batch))
        if known and known[-1].thread != thread:
            gone.setdefault(known[-1].thread, set()).add(one.item_id)
    for item in _fallen(home, batch, manifest, entries, earlier):
        for thread in {old.thread for old in earlier[item]}:
            gone.setdefault(thread, set()).add(item)
    return Arrivals([one for one in listed if one.is_new], arrived, gone)


def _record_entries(home: Home, batch: str) -> Iterator[_Entry]:
    """Entries that are pieces of record files, or files that are gone or were not read."""
    entries = home.batches.read(batch)
    told = pc.or_(pc.is_valid(entries["records"]), entries["gone"])
    told = pc.or_(told, pc.is_valid(entries["problem"]))
    return decode(_Entry, entries.filter(told).select(list(column_names(_Entry))))


def _listed(manifest: pa.Table, entries: Mapping[str, _Entry]) -> Iterator[ListedMessage]:
    """The messages among the records of a manifest, which come in the order of their files."""
    numbers: dict[str, int] = {}
    rows = manifest.filter(pc.is_in(manifest["entry_id"], pa.array(sorted(entries), pa.string())))
    for row in decode(_Row, rows):
        entry = entries[row.entry_id]
        if row.item_id == row.entry_id:
            continue
        number = numbers.get(row.entry_id, entry.first_record or 1)
        numbers[row.entry_id] = number + 1
        if row.message is not None and row.content_hash is not None and row.outcome in _THERE:
            yield ListedMessage(
                row.item_id,
                row.entry_id,
                entry.path,
                number,
                row.content_hash,
                row.message,
                row.outcome is EntryOutcome.ACCEPTED,
            )


def _earlier(home: Home, batch: str, files: set[str]) -> Mapping[str, list[_Earlier]]:
    """Item -> what earlier batches accepted of the records of these files, the oldest first.

    Pieces that stand in the latest version hold nothing that the batch says anything of.
    """
    found: dict[str, list[_Earlier]] = {}
    if not files:
        return found
    touched = [one for one in indexed_batches(home, batch) if files & set(one.entries.values())]
    if not touched:
        return found
    standing = _standing(home, batch, files)
    for one in touched:
        of_files = {entry for entry, file in one.entries.items() if file in files}
        if all((one.batch, entry) in standing for entry in of_files):
            continue
        with leaving_out_damage():
            for item, thread, content, entry in _accepted(home, one.batch):
                if entry in of_files:
                    stands = (one.batch, entry) in standing
                    found.setdefault(item, []).append(
                        _Earlier(one.batch, item, one.entries[entry], thread, content, stands)
                    )
    return found


def _accepted(home: Home, batch: str) -> Sequence[tuple[str, str, str, str]]:
    columns = ("item_id", "thread", "content_hash", "entry_id")
    try:
        return list(values(home.tables.read(THREAD_MESSAGES.name, batch, columns), *columns))
    except TableMissingError:
        return ()


def _standing(home: Home, batch: str, files: set[str]) -> set[tuple[str, str]]:
    """Batch and entry of every piece that the latest versions of the files consist of."""
    pieces = read_ledger(home, home.batches.source(batch)).pieces(files)
    return {
        (piece.batch, piece.entry_id)
        for of_file in pieces.values()
        for piece in of_file
        if piece.standing
    }


def _fallen(
    home: Home,
    batch: str,
    manifest: pa.Table,
    entries: Mapping[str, _Entry],
    earlier: Mapping[str, Sequence[_Earlier]],
) -> Iterator[str]:
    """Items of the batch's record files that are in no piece of their latest versions any more."""
    by_file: dict[str, set[str]] = {}
    for item, known in earlier.items():
        if not any(one.is_standing for one in known):
            by_file.setdefault(known[-1].file, set()).add(item)
    if not by_file:
        return
    of_entries = pc.is_in(manifest["entry_id"], pa.array(sorted(entries), pa.string()))
    rows: dict[str, list[_Row]] = {}
    for row in decode(_Row, manifest.filter(of_entries)):
        rows.setdefault(entries[row.entry_id].file, []).append(row)
    for file, items in by_file.items():
        there = _still_there(home, batch, file, rows.get(file, []))
        if there is not None:
            yield from sorted(items - there)


def _still_there(home: Home, batch: str, file: str, rows: Sequence[_Row]) -> set[str] | None:
    """The items in the latest version of a file, of which the batch has these rows.

    None while that cannot be told: another batch has yet to read the rest of it, or it could not be
    read.
    """
    if any(row.outcome is EntryOutcome.SUPERSEDED or row.reason in TRANSIENT for row in rows):
        return None
    there = {row.item_id for row in rows if row.outcome in _THERE}
    others: dict[str, set[str]] = {}
    for other, entry in _standing(home, batch, {file}):
        if other != batch:
            others.setdefault(other, set()).add(entry)
    read = home.series.not_later(batch, home.tables.batches(CONTENT_MANIFEST.name))
    if not others.keys() <= set(read):
        return None
    for other, wanted in others.items():
        with leaving_out_damage():
            data = home.tables.read(CONTENT_MANIFEST.name, other, column_names(_Row))
            mine = data.filter(pc.is_in(data["entry_id"], pa.array(sorted(wanted), pa.string())))
            there |= {row.item_id for row in decode(_Row, mine) if row.outcome in _THERE}
    return there
