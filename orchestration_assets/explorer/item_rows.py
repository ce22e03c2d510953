"""The rows of a batch's tables by item, so that those of one item are found without reading the
table: sorted by item and cut into small pieces, each compressed by itself.

Made from the tables, and believed only for the version of the table that they were made from.
"""

import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.tables import BATCH_TABLES, TABLES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.table_store import TableStore, write_atomically

FOLDER: Final = "rows"
NOT_KEPT: Final = ("vector", "semantic", "sketch", "terms")
"""Columns of ``content_vectors`` that nobody reads: they are most of its bytes."""
ITEM_TABLES: Final = tuple(name for name in BATCH_TABLES if "item_id" in TABLES[name].schema.names)
"""The tables of a batch whose rows are about one item each."""
_PIECE_ROWS: Final = 256
_VERSION: Final = b"version"
_FIRSTS: Final = b"firsts"


class ItemRows:
    """The files of sorted rows below a folder, made from the tables of a home."""

    def __init__(self, tables: TableStore, folder: Path) -> None:
        self._tables = tables
        self._folder = folder

    def path(self, table: str, batch: str) -> Path:
        return self._folder / FOLDER / batch / f"{table}.arrow"

    def is_current(self, table: str, batch: str) -> bool:
        """Whether there is a file that was made from the table as it is."""
        version = self._tables.version(table, batch)
        return version is None or _version_of(self.path(table, batch)) == version

    def make(self, table: str, batch: str) -> None:
        """Makes the file. Raises TableMissingError and DamagedFileError for the table."""
        version = self._tables.version(table, batch)
        schema = TABLES[table].schema
        names = [name for name in schema.names if name not in _left_out(table)]
        # a later feature that an older table lacks is null there, as in the whole table
        data = self._tables.read(table, batch).select(names)
        write_atomically(self.path(table, batch), _packed(data, version))

    def tidy(self, known: Collection[str]) -> None:
        """Removes the rows of batches that are gone."""
        folder = self._folder / FOLDER
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    def find(self, table: str, batch: str, items: Collection[str]) -> pa.Table | None:
        """The rows of some items in the order of the table; None when there is no current file."""
        version = self._tables.version(table, batch)
        try:
            with pa.memory_map(str(self.path(table, batch))) as source:
                file = pa.ipc.open_file(source)
                said = file.schema.metadata or {}
                if version is None or json.loads(said[_VERSION]) != version:
                    return None
                firsts = np.frombuffer(said[_FIRSTS], np.uint64)
                wanted = sorted({place for item in items for place in _pieces(firsts, item)})
                pieces = [file.get_batch(place) for place in wanted]
                found = pa.Table.from_batches(pieces, file.schema)
                # a damaged file must not be read beyond its end
                found.validate(full=True)
        except (OSError, pa.ArrowException, ValueError, KeyError):
            return None
        among = pc.is_in(found["item_id"], value_set=pa.array(sorted(items), pa.string()))
        return _completed(table, found.filter(among).replace_schema_metadata(None))


def _left_out(table: str) -> Sequence[str]:
    return NOT_KEPT if table == CONTENT_VECTORS.name else ()


def _completed(table: str, found: pa.Table) -> pa.Table:
    """The rows with every declared column: those that are not kept are empty."""
    schema = TABLES[table].schema
    for name in _left_out(table):
        field = schema.field(name)
        nothing = pa.array([[]] * found.num_rows, pa.list_(pa.null())).cast(field.type)
        found = found.append_column(field, nothing)
    return found.select(schema.names) if _left_out(table) else found


def _pieces(firsts: np.ndarray, item: str) -> range:
    """The pieces that may hold an item: from the last that begins before it."""
    number = np.uint64(int(item, 16))
    first = int(np.searchsorted(firsts, number, side="left"))
    end = int(np.searchsorted(firsts, number, side="right"))
    return range(max(first - 1, 0), end)


def _packed(data: pa.Table, version: Sequence[int] | None) -> bytes:
    numbers = np.array([int(one, 16) for one in data["item_id"].to_pylist()], np.uint64)
    order = np.argsort(numbers, kind="stable")
    said = {
        _VERSION: json.dumps(version).encode(),
        _FIRSTS: numbers[order][::_PIECE_ROWS].tobytes(),
    }
    rows = data.take(pa.array(order)).combine_chunks().replace_schema_metadata(said)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, rows.schema, options=options) as writer:
        writer.write_table(rows, max_chunksize=_PIECE_ROWS)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _version_of(path: Path) -> list[int] | None:
    try:
        with pa.memory_map(str(path)) as source:
            said = pa.ipc.open_file(source).schema.metadata or {}
            found: list[int] | None = json.loads(said[_VERSION])
            return found
    except (OSError, pa.ArrowException, ValueError, KeyError):
        return None
