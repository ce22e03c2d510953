"""Parquet tables of a home: written whole and atomically, read by name and batch."""

import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration_assets.schemas.errors import (
    DamagedFileError,
    OrchestrationError,
    os_problem,
    unwritable,
)
from orchestration_assets.schemas.records import MADE_FROM, Table
from orchestration_assets.schemas.tables import BATCH_ENTRIES, PARTED_TABLES, TABLES
from resources.damage import leaving_out_damage, notice
from resources.exclusive_files import create_atomically
from resources.recent_tables import RecentTables
from resources.table_parts import REMEDY as _MAKE_CORPUS_AGAIN
from resources.table_parts import PartedTable, TablePart

_RECENT: Final = RecentTables()
MAKE_AGAIN: Final = "make it again with: orchestrate run SOURCE --reprocess"
_TAKE_IN_AGAIN: Final = "delete it: a run takes its files in again"


_PORTION_ROWS: Final = 1_024

# Numbers of hashes hardly ever come again: a dictionary of them takes time and more bytes. Split by
# byte, those that are always nought take none.
_RANDOM: Final = frozenset({"sketch"})
# of the cells of vectors most are nought, which compress better than their places in a dictionary
_SPARSE: Final = frozenset({"vector", "semantic"})
# what is written of a group of rows is in memory several times over while it is written
_GROUP_BYTES: Final = 12 << 20
_MOST_GROUP_ROWS: Final = 1 << 20


class TableMissingError(OrchestrationError):
    """A table that is needed has not been materialized; the message says which, and the remedy."""


def write_atomically(path: Path, data: bytes) -> None:
    """Writes beside the target and renames: a reader sees the old file or the new one.

    Raises UnwritableError.
    """
    try:
        _write_atomically(path, data)
    except OSError as error:
        raise unwritable(path, error) from error


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Files(Protocol):
    """How files of a home are written and removed; they are read from the disk."""

    def write(self, path: Path, data: bytes) -> None:
        """Writes the file whole. Raises OrchestrationError, also when somebody else did."""

    def overwrite(self, path: Path, data: bytes) -> None:
        """Writes the file whole, whoever wrote it last. Raises OrchestrationError."""

    def create(self, path: Path, data: bytes) -> bool:
        """Writes a file that is never written over, whole; False when there is one already, also
        when somebody else was faster. Raises OrchestrationError."""

    def remove(self, path: Path) -> None:
        """Removes the file, if there is one. Raises OrchestrationError."""

    def fetch(self, path: Path) -> bool:
        """Whether a file that is not on the disk is there now. Raises OrchestrationError."""


class LocalFiles:
    """Files of a home that is a folder of this machine, and nothing more."""

    def write(self, path: Path, data: bytes) -> None:
        write_atomically(path, data)

    overwrite = write

    def create(self, path: Path, data: bytes) -> bool:
        return create_atomically(path, data)

    def remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error

    def fetch(self, path: Path) -> bool:
        return False


LOCAL_FILES: Final = LocalFiles()


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """The columns of a Parquet file that a column of a table is written as."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for n in range(kind.num_fields):
            yield from _leaves(f"{path}.{kind.field(n).name}", kind.field(n).type)
    else:
        yield path


def _data_bytes(data: pa.Array | pa.ChunkedArray) -> int:
    """The bytes that the values of a column take, in whatever way they lie in memory: which parts
    of it there are, and whether a part without nulls says so, makes no difference."""
    kind = data.type
    if pa.types.is_list(kind):
        return 4 * len(data) + _data_bytes(pc.list_flatten(data))
    if pa.types.is_struct(kind):
        return sum(map(_data_bytes, data.flatten()))
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return 4 * len(data) + int(pc.sum(pc.binary_length(data)).as_py() or 0)
    if pa.types.is_primitive(kind):
        return len(data) * int(kind.bit_width) // 8
    return int(data.nbytes)


def _group_rows(table: pa.Table) -> int:
    """How many rows a group has; one at least."""
    if table.nbytes <= _GROUP_BYTES:
        return max(int(table.num_rows), 1)
    size = max(sum(map(_data_bytes, table.columns)), 1)
    return max(_GROUP_BYTES * int(table.num_rows) // size, 1)


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file, the same bytes for the same rows, in whatever way they lie in
    memory; pages carry checksums."""
    # unlike a stream of Arrow's, it hands out what it holds without a copy
    sink = io.BytesIO()
    random: list[str] = []
    others: list[str] = []
    for field in table.schema:
        leaves = list(_leaves(field.name, field.type))
        if field.name in _RANDOM:
            random += leaves
        elif field.name not in _SPARSE:
            others += leaves
    rows = min(_group_rows(table), _MOST_GROUP_ROWS)
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        use_dictionary=others,
        column_encoding=dict.fromkeys(random, "BYTE_STREAM_SPLIT") or None,
        write_page_checksum=True,
    ) as writer:
        for start in range(0, max(table.num_rows, 1), rows):
            # pages end where parts of a column do
            writer.write_table(table.slice(start, rows).combine_chunks(), rows)
    return sink.getvalue()


def read_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    remedy: str = MAKE_AGAIN,
    later: pa.Schema | None = None,
) -> pa.Table:
    """A Parquet file of the home, or some of its columns.

    Columns of ``later`` may have been declared after the file was written: they are null then.
    Raises FileNotFoundError, and DamagedFileError for whatever else keeps it from being read.
    """
    with _whole(path, remedy), path.open("rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise DamagedFileError(path, "is no regular file", remedy)
        key = (str(path), None if columns is None else tuple(columns), later is None)
        return _RECENT.read(key, state, lambda: _columns(path, file, columns, remedy, later))


def _columns(
    path: Path,
    file: BinaryIO,
    columns: Sequence[str] | None,
    remedy: str,
    later: pa.Schema | None,
) -> pa.Table:
    parquet = pq.ParquetFile(file, page_checksum_verification=True)
    if columns is None:
        return parquet.read()
    absent = _absent(path, parquet.schema_arrow, columns, remedy, later)
    found = parquet.read(columns=[name for name in columns if name not in absent.names])
    return _with_nulls(found, absent, columns)


def _portions(
    path: Path, columns: Sequence[str] | None, remedy: str, later: pa.Schema | None
) -> Iterator[pa.Table]:
    """As :func:`read_parquet`, some rows at a time; one portion without rows of a file without."""
    with _whole(path, remedy), path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DamagedFileError(path, "is no regular file", remedy)
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        schema = parquet.schema_arrow
        absent = _absent(path, schema, columns, remedy, later)
        names = schema.names if columns is None else [n for n in columns if n not in absent.names]
        if not parquet.metadata.num_rows:
            empty = pa.schema([schema.field(name) for name in names], schema.metadata)
            yield _with_nulls(empty.empty_table(), absent, columns)
        for rows in parquet.iter_batches(_PORTION_ROWS, columns=names):
            yield _with_nulls(pa.Table.from_batches([rows]), absent, columns)


def _absent(
    path: Path,
    schema: pa.Schema,
    columns: Sequence[str] | None,
    remedy: str,
    later: pa.Schema | None,
) -> pa.Schema:
    """Those of ``columns`` that the file lacks, since they were declared later. Raises
    DamagedFileError."""
    missing = sorted(set(columns or ()) - set(schema.names))
    later = later or pa.schema([])
    if not set(missing) <= set(later.names):
        raise _of_another_version(path, f"has no column {', '.join(missing)}", remedy)
    return pa.schema([later.field(name) for name in missing])


def _with_nulls(found: pa.Table, absent: pa.Schema, columns: Sequence[str] | None) -> pa.Table:
    """``found`` with the absent columns, which are null, in the order of ``columns``."""
    for field in absent:
        found = found.append_column(field, pa.nulls(found.num_rows, field.type))
    return found if columns is None else found.select(list(columns))


def _of_another_version(path: Path, what: str, remedy: str) -> DamagedFileError:
    return DamagedFileError(path, f"{what}: it is damaged or of another version", remedy)


@contextmanager
def _whole(path: Path, remedy: str) -> Iterator[None]:
    """Turns whatever reading a damaged file raises into one error."""
    try:
        if path.is_fifo():  # opening it would wait for somebody to write
            raise DamagedFileError(path, "is no regular file", remedy)
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise DamagedFileError(path, "cannot be read", os_problem(error)) from error
        raise DamagedFileError(path, f"cannot be read ({error})", remedy) from error
    except (pa.ArrowException, ValueError, KeyError, MemoryError) as error:
        raise DamagedFileError(path, f"cannot be read ({error})", remedy) from error


def _as_declared(
    path: Path, found: pa.Table, table: Table[Any] | None, remedy: str, *, whole: bool
) -> pa.Table:
    """The table, whose columns have the types and values that are declared for them.

    Of a ``whole`` one only columns that may be null may be missing: they were declared later, and
    are null.
    Raises DamagedFileError.
    """
    if table is None:
        return found
    for field in table.schema:
        at = found.schema.get_field_index(field.name)
        if at < 0 and whole and not field.nullable:
            raise _of_another_version(path, f"has no column {field.name}", remedy)
        if at >= 0 and not found.schema.field(at).type.equals(field.type):
            raise _of_another_version(path, f"has a column {field.name} of another type", remedy)
        if at >= 0 and not field.nullable and found.column(at).null_count:
            raise _of_another_version(path, f"has no value in a row of {field.name}", remedy)
        if at < 0 and whole:
            found = found.append_column(field, pa.nulls(found.num_rows, field.type))
    if whole and found.schema.names[: len(table.schema)] != table.schema.names:
        # tables that were written before and after a column was declared can be put together
        beyond = [name for name in found.schema.names if name not in table.schema.names]
        found = found.select([*table.schema.names, *beyond])
    return found


def _declared_rows(table: Table[Any], data: pa.Table) -> pa.Table:
    """The rows under the declared schema; says what they were made from, if ``data`` does. Raises
    pyarrow.ArrowInvalid when they do not fit it."""
    said = {k: v for k, v in (data.schema.metadata or {}).items() if k == MADE_FROM}
    schema = table.schema.with_metadata({**(table.schema.metadata or {}), **said})
    return data.select(schema.names).cast(schema)


def _missing_table(table: str, batch: str | None, path: Path) -> TableMissingError:
    which = f"{table} of batch {batch}" if batch else table
    return TableMissingError(f"the table {which} is missing ({path}); materialize {table} first")


def _remedy(table: str, batch: str | None) -> str:
    return MAKE_AGAIN if batch and table not in PARTED_TABLES else _MAKE_CORPUS_AGAIN


def later_columns(table: Table[Any]) -> pa.Schema:
    """The columns that tables of an earlier version may lack."""
    return pa.schema([field for field in table.schema if field.nullable])


class TableStore:
    """``<table>/<batch>.parquet`` for a table of batches, ``<table>.parquet`` for one of all.

    Of the tables of all batches those of PARTED_TABLES stand in several files, each of which may be
    read and described as a batch is, by the name of the part; without a batch they are one table.
    """

    has_all_rows = True
    """Whether all rows of a table are read: what is derived of a part is not kept for all."""

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self._folder = folder
        self._files = files

    def path(self, table: str, batch: str | None = None) -> Path:
        """Where a table is kept, one in parts in a folder; raises ValueError for a batch that is
        not a plain name."""
        return Path(self._place(table, batch))

    def _place(self, table: str, batch: str | None) -> str:
        """:meth:`path` as a string, which takes a tenth of the time."""
        if batch is None:
            return f"{self._folder}/{table}{'' if table in PARTED_TABLES else '.parquet'}"
        if not batch or not batch.replace("-", "").isalnum():
            raise ValueError(f"not a batch key: {batch!r}")
        return f"{self._folder}/{table}/{batch}.parquet"

    def write(self, table: Table[Any], data: pa.Table, batch: str | None = None) -> Path:
        """Stores ``data`` under the declared schema.

        Raises pyarrow.ArrowInvalid when the data does not fit the schema.
        """
        path = self.path(table.name, batch)
        rows = _declared_rows(table, data)
        if batch is None and (parted := self._parted(table.name)):
            parted.write(rows)
            self._files.remove(self._before_parts(table.name))
            return path
        # one of all batches is made from theirs, in the run of any
        write = self._files.write if batch else self._files.overwrite
        write(path, parquet_bytes(rows))
        return path

    def append(self, table: Table[Any], data: pa.Table) -> None:
        """Adds rows to a table that stands in parts; no stored row has the key of one of them.

        Raises TableMissingError, DamagedFileError, UnwritableError.
        """
        parted = self._parted(table.name)
        if parted is None:
            raise ValueError(f"{table.name} does not stand in parts")
        with self._there(table.name):
            parted.append(_declared_rows(table, data))

    def parts(self, table: str) -> tuple[TablePart, ...]:
        """The files that a table of all batches stands in. Raises TableMissingError and
        DamagedFileError."""
        parted = self._parted(table)
        if parted is None:
            raise ValueError(f"{table} does not stand in parts")
        with self._there(table):
            return parted.parts()

    def other_bytes(self, table: str, parts: Sequence[TablePart]) -> Path | None:
        """The first file of these parts whose bytes are not those that were written. Raises OSError
        where one cannot be read."""
        parted = self._parted(table)
        if parted is None:
            raise ValueError(f"{table} does not stand in parts")
        return parted.other_bytes(parts)

    def _parted(self, table: str) -> PartedTable | None:
        if table not in PARTED_TABLES:
            return None
        return PartedTable(
            TABLES[table],
            self,
            parquet_bytes,
            self._files.overwrite,
            self._files.fetch,
            TableMissingError,
        )

    def _before_parts(self, table: str) -> Path:
        """One file that held all of it in homes of before."""
        return self._folder / f"{table}.parquet"

    def holds_rows(self, table: str) -> bool:
        """Whether any file holds rows of a table in parts, also one that is no longer, or not yet,
        part of the table."""
        return self._before_parts(table).exists() or bool(self.batches(table))

    @contextmanager
    def _there(self, table: str, batch: str | None = None) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise _missing_table(table, batch, self.path(table, batch)) from error

    def read(
        self, table: str, batch: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One stored table.

        Raises TableMissingError when it has not been materialized, and DamagedFileError when it
        cannot be read: also one without a column that is asked for, or without its key.
        """
        path, remedy = self.path(table, batch), _remedy(table, batch)
        declared = TABLES.get(table)
        with self._there(table, batch):
            if batch is None and (parted := self._parted(table)):
                return parted.read(columns)
            found = read_parquet(path, columns, remedy, declared and later_columns(declared))
        return _as_declared(path, found, declared, remedy, whole=columns is None)

    def portions(
        self, table: str, batch: str | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """A table as :meth:`read` reads it, at most 1,024 rows at a time and at least once: for
        columns that take much memory.

        Raises TableMissingError and DamagedFileError.
        """
        if batch is None and table in PARTED_TABLES:
            # in the order of their keys, and so not one part after the other
            rows = self.read(table, batch, columns)
            for start in range(0, max(rows.num_rows, 1), _PORTION_ROWS):
                yield rows.slice(start, _PORTION_ROWS)
            return
        path, remedy = self.path(table, batch), _remedy(table, batch)
        declared = TABLES.get(table)
        with self._there(table, batch):
            for found in _portions(path, columns, remedy, declared and later_columns(declared)):
                yield _as_declared(path, found, declared, remedy, whole=columns is None)

    def is_whole(self, table: str, batch: str | None = None) -> bool:
        """Whether the table is there and its columns can be read, as far as its end tells."""
        if batch is None and table in PARTED_TABLES:
            try:
                return all(self.is_whole(table, part.name) for part in self.parts(table))
            except (TableMissingError, DamagedFileError):
                return False
        path = self.path(table, batch)
        try:
            with _whole(path, MAKE_AGAIN), path.open("rb") as file:
                names = set(pq.ParquetFile(file).schema_arrow.names)
        except (FileNotFoundError, DamagedFileError):
            return False
        declared = TABLES.get(table)
        return declared is None or names >= set(declared.key)

    def forget(self, table: str, batch: str) -> None:
        """Takes the stored table away, if there is one. Raises UnwritableError."""
        self._files.remove(self.path(table, batch))

    @property
    def derived(self) -> Path:
        """Where facts that are derived from tables are kept: whoever deletes it loses time only."""
        return self._folder / "derived"

    def stored_schema(self, table: str, batch: str | None = None) -> pa.Schema:
        """The columns of a table as :meth:`read` has them, of which few rows are read.

        Raises TableMissingError and DamagedFileError.
        """
        if batch is None and table in PARTED_TABLES:
            batch = self.parts(table)[0].name
        return next(self.portions(table, batch)).schema

    def beginning(self, table: str, rows: int) -> tuple[pa.Table, int]:
        """The first rows of a stored table of all batches, and how many it has.

        Raises TableMissingError and DamagedFileError.
        """
        if table not in PARTED_TABLES:
            return self._beginning(table, None, rows)
        parts = self.parts(table)
        begun = [self._beginning(table, part.name, rows) for part in parts]
        # parts that stand for good may lack columns that were declared since
        declared = [
            _as_declared(
                self.path(table, part.name), found, TABLES[table], _MAKE_CORPUS_AGAIN, whole=True
            )
            for part, (found, _) in zip(parts, begun, strict=True)
        ]
        first = pa.concat_tables(declared)
        ordered = first.sort_by([(name, "ascending") for name in TABLES[table].key])
        return ordered.slice(0, rows), sum(count for _, count in begun)

    def count_rows(self, table: str, batch: str | None = None) -> int:
        """How many rows the files of a stored table have, as their ends tell.

        Raises TableMissingError and DamagedFileError.
        """
        if batch is None and table in PARTED_TABLES:
            return sum(self.count_rows(table, part.name) for part in self.parts(table))
        path = self.path(table, batch)
        with self._there(table, batch), _whole(path, _remedy(table, batch)):
            return int(pq.read_metadata(path).num_rows)

    def _beginning(self, table: str, batch: str | None, rows: int) -> tuple[pa.Table, int]:
        path = self.path(table, batch)
        with (
            self._there(table, batch),
            _whole(path, _MAKE_CORPUS_AGAIN),
            path.open("rb") as file,
        ):
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            first = next(parquet.iter_batches(rows), None)
            found = parquet.schema_arrow.empty_table()
            if first is not None:
                found = pa.Table.from_batches([first])
            return found, parquet.metadata.num_rows

    def size_bytes(self, table: str, batch: str | None = None) -> int:
        """What the files of a stored table take. Raises TableMissingError."""
        with self._there(table, batch):
            if batch is None and table in PARTED_TABLES:
                return sum(self.size_bytes(table, part.name) for part in self.parts(table))
            return self.path(table, batch).stat().st_size

    def version(self, table: str, batch: str | None = None) -> list[int] | None:
        """What changes whenever the stored table does; None where there is none, or not all."""
        if batch is None and table in PARTED_TABLES:
            return self._version_of_parts(table)
        try:
            found = os.stat(self._place(table, batch))  # noqa: PTH116 -- asked for every batch
        except FileNotFoundError:
            return None
        return [found.st_size, found.st_mtime_ns, found.st_ino]

    def _version_of_parts(self, table: str) -> list[int] | None:
        version: list[int] = []
        try:
            for part in self.parts(table):
                of_part = self.version(table, part.name)
                if of_part is None:
                    return None
                version += of_part
        except (TableMissingError, DamagedFileError):
            return None
        return version

    def exists(self, table: str, batch: str | None = None) -> bool:
        if batch is None and (parted := self._parted(table)):
            return parted.list_path.exists()
        return self.path(table, batch).exists()

    def batches(self, table: str) -> list[str]:
        """Batches for which the table is stored, oldest first."""
        return sorted(path.stem for path in (self._folder / table).glob("[!.]*.parquet"))

    def intact(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The table of every batch, oldest first; a damaged one is left out, and said."""
        for batch in self.batches(table):
            with leaving_out_damage():
                yield self.read(table, batch, columns)

    def read_batches(
        self, table: Table[Any], batches: Iterable[str], columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of several batches, in the order given; empty when there is none.

        A batch whose table is damaged is left out, and said.
        """
        names = list(columns or table.schema.names)
        parts = []
        for batch in batches:
            with leaving_out_damage():
                parts.append(self.read(table.name, batch, names))
        empty = pa.schema([table.schema.field(name) for name in names]).empty_table()
        return pa.concat_tables([empty, *parts], promote_options="none") if parts else empty


@lru_cache(maxsize=100_000)
def _source_of(path: Path) -> str:
    # batch records are immutable, so what one read found holds for good
    sources = read_parquet(path, ["source"], _TAKE_IN_AGAIN)["source"]
    if not len(sources):
        raise DamagedFileError(path, "has no entry", _TAKE_IN_AGAIN)
    if sources.null_count:
        raise _of_another_version(path, "has no value in a row of source", _TAKE_IN_AGAIN)
    return str(sources[0].as_py())


class BatchStore:
    """The immutable batch records: what was listed, before anything was read."""

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self._folder = folder
        self._files = files

    def _path(self, batch: str) -> Path:
        return self._folder / f"{batch}.parquet"

    def recorded(self) -> list[str]:
        """Recorded batches, oldest first."""
        return sorted(path.stem for path in self._folder.glob("[!.]*.parquet"))

    def write(self, batch: str, entries: pa.Table) -> None:
        self._files.write(self._path(batch), parquet_bytes(entries))

    def source(self, batch: str) -> str:
        """The source that listed the batch. Raises TableMissingError when it was never recorded."""
        try:
            return _source_of(self._path(batch))
        except FileNotFoundError as error:
            raise self._missing(batch) from error

    def read(self, batch: str) -> pa.Table:
        """The entries of one batch. Raises TableMissingError when it was never recorded."""
        path = self._path(batch)
        try:
            found = read_parquet(path, remedy=_TAKE_IN_AGAIN)
        except FileNotFoundError as error:
            raise self._missing(batch) from error
        if not found.num_rows:
            raise DamagedFileError(path, "has no entry", _TAKE_IN_AGAIN)
        return _as_declared(path, found, BATCH_ENTRIES, _TAKE_IN_AGAIN, whole=True)

    def foreign(self, batch: str) -> DamagedFileError:
        """The error for a record that can be read, and lists other entries than it once did."""
        path = self._path(batch)
        return DamagedFileError(path, "does not list what its manifest holds", _TAKE_IN_AGAIN)

    def set_aside(self, error: DamagedFileError) -> None:
        """Takes a damaged record out of the way, so that its files are taken in again.

        Raises the error when it is about anything else.
        """
        if error.path.parent != self._folder or error.path.suffix != ".parquet":
            raise error
        aside = error.path.with_name(f"{error.path.name}.damaged")
        where, problem = error.path.resolve(), " ".join(error.problem.split())
        if error.path.is_symlink():  # a look that changes nothing
            error.path.unlink()
            notice(f"left out: {where}: {problem}; {error.remedy}")
            return
        try:
            error.path.replace(aside)
        except OSError as refused:
            raise unwritable(aside, refused) from refused
        notice(f"{where}: {problem}; set aside as {aside.name}, its files are taken in again")

    def _missing(self, batch: str) -> TableMissingError:
        return TableMissingError(
            f"the batch {batch} is not recorded in {self._folder.parent}; record it with: "
            "orchestrate run SOURCE"
        )
