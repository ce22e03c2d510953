"""Parquet tables of a home: written whole and atomically, read by name and batch."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.schemas.records import Table


class TableMissingError(Exception):
    """A table that is needed has not been materialized; the message says which, and the remedy."""


def write_atomically(path: Path, data: bytes) -> None:
    """Writes beside the target and renames: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file, the same bytes for the same rows."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    buffer: bytes = sink.getvalue().to_pybytes()
    return buffer


class TableStore:
    """The tables below ``<home>/tables``, and the batch records below ``<home>/batches``."""

    def __init__(self, home: str | Path) -> None:
        self.home = Path(home).expanduser().absolute()

    def path(self, table: str, batch: str | None = None) -> Path:
        """Where a table is kept; raises ValueError for a batch that is not a plain name."""
        if batch is None:
            return self.home / "tables" / f"{table}.parquet"
        if not batch or not batch.replace("-", "").isalnum():
            raise ValueError(f"not a batch key: {batch!r}")
        return self.home / "tables" / table / f"{batch}.parquet"

    def write(self, table: Table, data: pa.Table, batch: str | None = None) -> Path:
        """Stores ``data`` under the declared schema.

        Raises pyarrow.ArrowInvalid when the data does not fit the schema.
        """
        path = self.path(table.name, batch)
        write_atomically(path, parquet_bytes(data.select(table.schema.names).cast(table.schema)))
        return path

    def read(
        self, table: str, batch: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One stored table. Raises TableMissingError when it has not been materialized."""
        path = self.path(table, batch)
        try:
            return pq.read_table(path, columns=columns, partitioning=None)
        except FileNotFoundError as error:
            which = f"{table} of batch {batch}" if batch else table
            raise TableMissingError(
                f"the table {which} is missing ({path}); materialize {table} first"
            ) from error

    def exists(self, table: str, batch: str | None = None) -> bool:
        return self.path(table, batch).exists()

    def batches(self, table: str) -> list[str]:
        """Batches for which the table is stored, oldest first."""
        return sorted(path.stem for path in (self.home / "tables" / table).glob("[!.]*.parquet"))

    def read_batches(
        self, table: Table, batches: Iterable[str], columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of several batches, in the order given; empty when there is none."""
        names = list(columns or table.schema.names)
        parts = [self.read(table.name, batch, names) for batch in batches]
        empty = pa.schema([table.schema.field(name) for name in names]).empty_table()
        return pa.concat_tables([empty, *parts], promote_options="none") if parts else empty


@lru_cache(maxsize=100_000)
def _source_of(path: Path) -> str:
    # batch records are immutable, so what one read found holds for good
    return str(pq.read_table(path, columns=["source"], partitioning=None)["source"][0])


class BatchStore:
    """The immutable batch records: what was listed, before anything was read."""

    def __init__(self, home: str | Path) -> None:
        self.home = Path(home).expanduser().absolute()

    def _path(self, batch: str) -> Path:
        return self.home / "batches" / f"{batch}.parquet"

    def recorded(self) -> list[str]:
        """Recorded batches, oldest first."""
        return sorted(path.stem for path in (self.home / "batches").glob("[!.]*.parquet"))

    def write(self, batch: str, entries: pa.Table) -> None:
        write_atomically(self._path(batch), parquet_bytes(entries))

    def source(self, batch: str) -> str:
        """The source that listed the batch. Raises TableMissingError when it was never recorded."""
        try:
            return _source_of(self._path(batch))
        except FileNotFoundError as error:
            raise self._missing(batch) from error

    def read(self, batch: str) -> pa.Table:
        """The entries of one batch. Raises TableMissingError when it was never recorded."""
        try:
            return pq.read_table(self._path(batch), partitioning=None)
        except FileNotFoundError as error:
            raise self._missing(batch) from error

    def _missing(self, batch: str) -> TableMissingError:
        return TableMissingError(
            f"the batch {batch} is not recorded in {self.home}; record it with: "
            "orchestrate run SOURCE"
        )
