"""What is known of the files of a source, folded from batch records and manifests alone.

The fold of finished batches is kept as a snapshot, so that a look costs what is new; deleting the
snapshot loses nothing.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration_assets.content.batches import item_id
from orchestration_assets.content.known_pieces import (
    KNOWN_PIECES,
    OUTCOME_COLUMNS,
    KnownPiece,
    RecordedPiece,
    as_column,
    fold_pieces,
    recorded_pieces,
)
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import TRANSIENT
from orchestration_assets.schemas.errors import DamagedFileError, UnwritableError
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.damage import leaving_out_damage, notice
from resources.home import Home
from resources.table_store import BatchStore, TableStore, read_parquet, write_atomically

# one row a file: the latest that was listed, how far it is recorded, and whether to try it again
LEDGER: Final = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("path", pa.string()),
        pa.field("size_bytes", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("changed_ns", pa.int64()),
        pa.field("etag", pa.string()),
        pa.field("gone", pa.bool_()),
        # when the latest record of it was listed, and in which batch it stands
        pa.field("listed_at", pa.timestamp("us", tz="UTC")),
        pa.field("batch", pa.string()),
        # false while only the first pieces of a record file are recorded, up to here
        pa.field("final", pa.bool_()),
        pa.field("stop", pa.int64()),
        pa.field("next_record", pa.int64()),
        # the batch that its latest version began in, and the last batch that failed in transient
        pa.field("begun_in", pa.string()),
        pa.field("transient_in", pa.string()),
        # of a record file: what batches hold of it, in the order of its bytes
        pa.field("pieces", KNOWN_PIECES),
    ]
)
_SNAPSHOT_AFTER: Final = 8
_STAMP: Final = len("20260102T030405Z")
_BATCHES: Final = b"batches"


@dataclass(frozen=True)
class Ledger:
    """What is known of one source: ``files`` has the schema LEDGER, one row a file."""

    source: str
    files: pa.Table

    def present(self) -> pa.Table:
        """The files that were there when last looked at."""
        return self.files.filter(pc.invert(self.files["gone"]))

    def fails_in_passing(self) -> bool:
        """Whether a file was not read for a reason that may pass, so that it is tried again."""
        return bool(self.files["transient_in"].null_count < self.files.num_rows)

    def gone_files(self) -> set[str]:
        """Ids of the files that are no longer there."""
        return {item_id(file) for file in self.files.filter(self.files["gone"])["file"].to_pylist()}

    def pieces(self, files: Iterable[str] | None = None) -> dict[str, tuple[KnownPiece, ...]]:
        """What is known of the records of each of the files, by default of all that hold records,
        in the order of their bytes.
        """
        held = pc.is_valid(self.files["pieces"])
        if files is not None:
            wanted = pa.array(sorted(set(files)), pa.string())
            held = pc.and_(held, pc.is_in(self.files["file"], wanted))
        return {row.file: row.pieces for row in decode(_FilePieces, self.files.filter(held))}


@dataclass(frozen=True, slots=True)
class _FilePieces:
    file: str
    pieces: tuple[KnownPiece, ...]


def empty_ledger(source: str) -> Ledger:
    """The ledger of a source that nothing is known of."""
    return Ledger(source, LEDGER.empty_table())


def extend_ledger(
    ledger: Ledger, batches: Iterable[tuple[str, pa.Table, pa.Table | None]]
) -> Ledger:
    """The ledger with further batches: key, entries, manifest (None while it is not made).

    Batches come oldest first. A file whose reading failed for a reason that may pass, in its latest
    version, says in which batch.
    """
    parts = [ledger.files]
    transient: dict[str, str] = {}
    with_pieces = ledger.files.filter(pc.is_valid(ledger.files["pieces"]))
    known_files = set(with_pieces["file"].to_pylist())
    recorded: list[RecordedPiece] = []
    for key, entries, manifest in batches:
        mine = entries.filter(pc.equal(entries["source"], ledger.source))
        if mine.num_rows:
            parts.append(_rows(key, mine))
            transient |= dict.fromkeys(_failed_in_passing(mine, manifest), key)
            found = recorded_pieces(key, mine, manifest, known_files)
            known_files |= {one.entry.file for one in found}
            recorded += found
    if len(parts) == 1:
        return ledger
    rows = pa.concat_tables(parts)
    files = _last(rows)
    for name in ("begun_in", "transient_in"):
        files = _filled(files, name, _last(rows.filter(pc.is_valid(rows[name]))))
    if transient:
        names, keys = list(transient), list(transient.values())
        told = pa.table({"file": pa.array(names, pa.string()), "transient_in": pa.array(keys)})
        files = _filled(files, "transient_in", told)
    if recorded:
        files = _with_pieces(files, ledger, recorded)
    return Ledger(ledger.source, files.combine_chunks())


def _with_pieces(files: pa.Table, before: Ledger, recorded: Iterable[RecordedPiece]) -> pa.Table:
    """The files with what is known of their records after further looks."""
    looks: dict[tuple[str, str], list[RecordedPiece]] = {}
    for one in recorded:
        looks.setdefault((one.batch[:_STAMP], one.entry.file), []).append(one)
    pieces = before.pieces(file for _, file in looks)
    for (_, file), of_look in sorted(looks.items()):
        pieces[file] = fold_pieces(pieces.get(file, ()), of_look)
    told = pa.table({"file": pa.array(pieces, pa.string()), "pieces": as_column(pieces.values())})
    touched = pc.is_in(files["file"], told["file"].combine_chunks())
    later = told["pieces"].combine_chunks().take(pc.index_in(files["file"], told["file"]))
    column = files.schema.get_field_index("pieces")
    kept = files["pieces"].combine_chunks()
    merged = pc.if_else(touched.combine_chunks(), later.combine_chunks(), kept)
    return files.set_column(column, LEDGER.field("pieces"), merged)


def _filled(files: pa.Table, name: str, told: pa.Table) -> pa.Table:
    """A column with what ``told`` says of a file, and its own value where that says nothing."""
    said = (
        told[name].combine_chunks().take(pc.index_in(files["file"], told["file"].combine_chunks()))
    )
    column = files.schema.get_field_index(name)
    return files.set_column(column, LEDGER.field(name), pc.coalesce(said, files[name]))


def _rows(batch: str, entries: pa.Table) -> pa.Table:
    """The entries of a batch as rows of the ledger."""
    count = entries.num_rows
    name = pa.repeat(batch, count)
    # a file begins where it stands
    starts = pc.fill_null(pc.equal(entries["first_record"], 1), True)
    columns = {
        field.name: entries[field.name] for field in LEDGER if field.name in entries.schema.names
    }
    columns |= {
        "batch": name,
        "begun_in": pc.if_else(starts, name, pa.scalar(None, pa.string())),
        "transient_in": pa.nulls(count, pa.string()),
        "pieces": pa.nulls(count, KNOWN_PIECES),
        "next_record": pc.add(entries["first_record"], entries["record_count"]),
    }
    return pa.table([columns[field.name] for field in LEDGER], schema=LEDGER)


def _last(rows: pa.Table) -> pa.Table:
    """The last row of each file, sorted by file.

    Batches of one look have the same second in their keys, so that their order says nothing: what
    counts is that second, which never goes back, and how far into the file a piece reaches. The
    clock of the listing may be wrong.
    """
    rows = rows.append_column("look", look_of(rows["batch"]))
    rows = rows.sort_by([("look", "ascending"), ("stop", "ascending")]).drop_columns(["look"])
    numbered = pa.table({"file": rows["file"], "row": pa.array(range(rows.num_rows), pa.int64())})
    last = numbered.group_by("file").aggregate([("row", "max")]).sort_by("file")
    return rows.take(last["row_max"])


def look_of(batches: Any) -> Any:
    """The looks that recorded batches, comparable: the seconds that their keys begin with."""
    return pc.utf8_slice_codeunits(batches, 0, _STAMP)


def _failed_in_passing(entries: pa.Table, manifest: pa.Table | None) -> list[str]:
    """Files with an entry that was rejected for a reason that may pass."""
    if manifest is None:
        return []
    transient = pc.is_in(manifest["reason"], pa.array(sorted(TRANSIENT), pa.string()))
    failed = manifest.filter(transient)["entry_id"]
    if not len(failed):
        return []
    files: list[str] = pc.unique(
        entries.filter(pc.is_in(entries["item_id"], failed.combine_chunks()))["file"]
    ).to_pylist()
    return files


def read_ledger(home: Home, source: str) -> Ledger:
    """The ledger of one source as the home records it now."""
    store, tables = home.batches, home.tables
    snapshot = home.ledgers / f"{blake2b(source.encode(), digest_size=8).hexdigest()}.parquet"
    ledger, included = _read_snapshot(snapshot, source)
    recorded = store.recorded()
    if not included <= set(recorded):
        # batch records were taken away: what was folded of them must go too
        ledger, included = empty_ledger(source), set()
    finished = set(tables.batches(CONTENT_MANIFEST.name))
    new = [key for key in recorded if key not in included]
    done: list[str] = []
    for key in new:
        if key not in finished or not tables.is_whole(CONTENT_MANIFEST.name, key):
            break  # the snapshot ends before the first batch whose outcomes are not known
        done.append(key)
    # a look is folded as a whole: the order of its batches says nothing
    while done and len(done) < len(new) and done[-1][:_STAMP] == new[len(done)][:_STAMP]:
        done.pop()
    ledger = extend_ledger(ledger, _batches(store, tables, done, finished))
    if len(done) >= _SNAPSHOT_AFTER:
        _write_snapshot(snapshot, ledger, included | set(done))
    return extend_ledger(ledger, _batches(store, tables, new[len(done) :], finished))


def _batches(
    store: BatchStore, tables: TableStore, keys: Iterable[str], finished: set[str]
) -> Iterator[tuple[str, pa.Table, pa.Table | None]]:
    for key in keys:
        manifest = None
        if key in finished:
            with leaving_out_damage():
                manifest = tables.read(CONTENT_MANIFEST.name, key, OUTCOME_COLUMNS)
        yield key, store.read(key), manifest


def _read_snapshot(path: Path, source: str) -> tuple[Ledger, set[str]]:
    try:
        files = read_parquet(path, remedy="it is folded anew from the batch records")
        if files.schema.names != LEDGER.names:
            return empty_ledger(source), set()
        included = set(json.loads((files.schema.metadata or {})[_BATCHES]))
        return Ledger(source, files.cast(LEDGER)), included
    except FileNotFoundError:
        return empty_ledger(source), set()
    except (DamagedFileError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        notice(f"made again: {path}: {' '.join(str(error).split())}")
        return empty_ledger(source), set()


def _write_snapshot(path: Path, ledger: Ledger, included: set[str]) -> None:
    sink = pa.BufferOutputStream()
    metadata = {_BATCHES: json.dumps(sorted(included)).encode()}
    files = ledger.files.replace_schema_metadata(metadata)
    pq.write_table(files, sink, compression="zstd", write_page_checksum=True)
    try:
        write_atomically(path, sink.getvalue().to_pybytes())
    except UnwritableError as error:
        notice(f"not kept: {error}")  # the next look folds it again


def known_sources(store: BatchStore) -> list[str]:
    """Every source that batches were made from, in order of first appearance."""
    found: dict[str, None] = {}
    for key in store.recorded():
        with leaving_out_damage():
            found[store.source(key)] = None
    return list(found)
