"""The rows of a batch's tables by item, so that those of one item are found without reading tables.

Items are sorted by id and cut into groups of 16. A group's rows of all tables lie together in one
compressed block, so that a page about an item reads one block of some 40 KB. Made from the tables,
and believed only for the version of each table that it was made from.

A file is its front and the blocks. The front is three numbers (length of the front behind them,
its CRC-32, length of the head), the head as JSON, and as arrays: the ids of the items, where each
block begins, and its CRC-32. A block is, for each table, the length of its message and how many of
its rows are about each item of the group, and then the messages: Arrow record batches without
schema.
"""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration_assets.schemas.tables import BATCH_TABLES, TABLES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore, write_atomically

FOLDER: Final = "rows"
NOT_KEPT: Final = ("vector", "semantic", "sketch", "terms")
"""Columns of ``content_vectors`` that nobody reads: they are most of its bytes."""
ITEM_TABLES: Final = tuple(name for name in BATCH_TABLES if "item_id" in TABLES[name].schema.names)
"""The tables of a batch whose rows are about one item each."""
_GROUP_ITEMS: Final = 16
_CODEC: Final = "zstd"
_LEVEL: Final = 1
_SUFFIX: Final = ".rows"
_WORD: Final = 8
_START: Final = struct.Struct("<QQQ")
_MOST_FRONT: Final = 1 << 28
_UNREADABLE: Final = (
    *(OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError, struct.error),
)

Version = list[int] | None
Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class _Front:
    """What a file says of itself: the ``versions`` of the tables that it was made from, the
    ``kept`` ones in the order of the messages; the ``ids`` of the items; where each block
    ``begins``, its CRC-32 (``marks``), and where the first of them ``starts``."""

    form: str
    versions: Mapping[str, Version]
    kept: Sequence[str]
    ids: Numbers
    begins: Numbers
    marks: Numbers
    starts: int


class ItemRows:
    """The files of rows by item below a folder, made from the tables of a home."""

    def __init__(self, tables: TableStore, folder: Path) -> None:
        self._tables = tables
        self._folder = folder / FOLDER
        self._current: dict[str, tuple[tuple[int, int, int], Mapping[str, Version]]] = {}

    def path(self, batch: str) -> Path:
        return self._folder / f"{batch}{_SUFFIX}"

    def is_current(self, batch: str) -> bool:
        """Whether there is a file that was made from the tables as they are."""
        versions = self._versions(batch)
        try:
            with self.path(batch).open("rb") as file:
                state = os.fstat(file.fileno())
                seen = (state.st_size, state.st_mtime_ns, state.st_ino), versions
                # the front holds the ids of all items: it is read again where the file is another
                if self._current.get(batch) == seen:
                    return True
                front = _read_front(file.read)
        except _UNREADABLE:
            return False
        if front.form != _form() or front.versions != versions:
            return False
        self._current[batch] = seen
        return True

    def make(self, batch: str) -> None:
        """Makes the file; damaged tables are left out. Raises UnwritableError."""
        versions = self._versions(batch)
        tables: dict[str, pa.Table] = {}
        for name, version in versions.items():
            with leaving_out_damage():
                if version is not None:
                    # a later feature that an older table lacks is null there, as in the whole table
                    tables[name] = self._tables.read(name, batch).select(_kept(name).names)
        write_atomically(self.path(batch), _packed(tables, versions))

    def tidy(self, known: Collection[str]) -> None:
        """Removes the rows of batches that are gone, and those of other versions of the program."""
        wanted = {self.path(batch).name for batch in known}
        self._current = {one: seen for one, seen in self._current.items() if one in known}
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in wanted and not path.name.startswith("."):
                path.unlink(missing_ok=True)

    def find(self, batch: str, items: Collection[str]) -> Mapping[str, pa.Table]:
        """Table -> the rows of some items in its order, with every declared column; tables that
        have changed since, or whose rows are not kept, are not there."""
        try:
            with pa.memory_map(str(self.path(batch))) as source:
                whole = source.read_buffer()
            front = _read_front(pa.BufferReader(whole).read)
            if front.form != _form():
                return {}
            parts = _parts(whole, front, {int(item, 16) for item in items})
        except _UNREADABLE:
            return {}
        return {
            name: _completed(name, parts.get(place, ()))
            for place, name in enumerate(front.kept)
            if self._version(name, batch) == front.versions[name]
        }

    def _versions(self, batch: str) -> dict[str, Version]:
        return {name: self._version(name, batch) for name in ITEM_TABLES}

    def _version(self, table: str, batch: str) -> Version:
        found = self._tables.version(table, batch)
        return None if found is None else list(found)


@cache
def _form() -> str:
    """The same as long as the columns of all tables are the same: messages have no schema."""
    columns = "\n".join(f"{name} {_kept(name).remove_metadata()}" for name in ITEM_TABLES)
    return blake2b(f"2 {_GROUP_ITEMS} {columns}".encode(), digest_size=8).hexdigest()


@cache
def _kept(table: str) -> pa.Schema:
    """The columns of a table that are kept, as they lie in a message."""
    schema = TABLES[table].schema
    left_out = NOT_KEPT if table == CONTENT_VECTORS.name else ()
    return pa.schema([one for one in schema if one.name not in left_out], schema.metadata)


def _completed(table: str, parts: Sequence[pa.RecordBatch]) -> pa.Table:
    """The rows with every declared column: those that are not kept are empty."""
    kept, schema = _kept(table), TABLES[table].schema
    found = pa.Table.from_batches(parts, kept)
    if kept.names == schema.names:
        return found
    for field in schema:
        if field.name not in kept.names:
            nothing = pa.array([[]] * found.num_rows, pa.list_(pa.null())).cast(field.type)
            found = found.append_column(field, nothing)
    return found.select(schema.names)


def _packed(tables: Mapping[str, pa.Table], versions: Mapping[str, Version]) -> bytes:
    """The file of a batch's rows."""
    numbers = {name: _numbers(data) for name, data in tables.items()}
    ids = np.unique(np.concatenate([*numbers.values(), np.zeros(0, np.uint64)]))
    groups = -(-len(ids) // _GROUP_ITEMS)
    messages: list[list[bytes]] = [[] for _ in range(groups)]
    counts = np.zeros((len(tables), groups * _GROUP_ITEMS), np.uint64)
    for number, (name, data) in enumerate(tables.items()):
        places = np.searchsorted(ids, numbers[name])
        counts[number] = np.bincount(places, minlength=groups * _GROUP_ITEMS)
        for group, message in enumerate(_messages(data, places, groups)):
            messages[group].append(message)
    codec = pa.Codec(_CODEC, _LEVEL)
    blocks = [
        _block(one, counts[:, group * _GROUP_ITEMS :][:, :_GROUP_ITEMS], codec)
        for group, one in enumerate(messages)
    ]
    begins = np.cumsum([0, *(len(one) for one in blocks)]).astype(np.uint64)
    marks = np.array([zlib.crc32(one) for one in blocks], np.uint64)
    head = {"form": _form(), "versions": versions, "kept": list(tables), "items": len(ids)}
    said = json.dumps(head).encode()
    said = said.ljust(-(-len(said) // _WORD) * _WORD)
    front = b"".join((said, ids.tobytes(), begins.tobytes(), marks.tobytes()))
    return b"".join((_START.pack(len(front), zlib.crc32(front), len(said)), front, *blocks))


def _numbers(data: pa.Table) -> Numbers:
    return np.array([int(one, 16) for one in data["item_id"].to_pylist()], np.uint64)


def _messages(data: pa.Table, places: npt.NDArray[np.intp], groups: int) -> Iterator[bytes]:
    """The rows of each group as a message, empty where a group has none."""
    order = np.argsort(places, kind="stable")
    edges = np.searchsorted(places[order], np.arange(groups + 1) * _GROUP_ITEMS).tolist()
    rows = data.combine_chunks().to_batches()
    for start, end in pairwise(edges):
        # a slice would bring all offsets of an empty list with it
        taken = rows[0].take(pa.array(order[start:end])) if end > start else None
        yield b"" if taken is None else taken.serialize().to_pybytes()


def _block(messages: Sequence[bytes], counts: Numbers, codec: pa.Codec) -> bytes:
    lengths = np.array([len(one) for one in messages], np.uint64)
    plain = b"".join((lengths.tobytes(), counts.tobytes(), *messages))
    packed: bytes = codec.compress(plain, asbytes=True)
    return struct.pack("<Q", len(plain)) + packed


def _read_front(read: Callable[[int], bytes]) -> _Front:
    """Raises struct.error, ValueError, KeyError and TypeError for what is no front."""
    length, mark, said = _START.unpack(read(_START.size))
    front = read(min(length, _MOST_FRONT))
    if zlib.crc32(front) != mark:
        raise ValueError("the front is damaged")
    given: Any = json.loads(front[:said])
    items, blocks = given["items"], -(-given["items"] // _GROUP_ITEMS)
    ids, begins, marks = np.split(
        np.frombuffer(front[said:], np.uint64), [items, items + blocks + 1]
    )
    starts = _START.size + length
    return _Front(given["form"], given["versions"], given["kept"], ids, begins, marks, starts)


def _parts(
    whole: pa.Buffer, front: _Front, items: Collection[int]
) -> Mapping[int, list[pa.RecordBatch]]:
    """Of each kept table by its place the rows of the items, those of an item together.

    Raises ValueError where a byte of them is another than was written.
    """
    wanted = np.array(sorted(items), np.uint64)
    at = np.searchsorted(front.ids, wanted)
    at = at[at < len(front.ids)]
    at = at[np.isin(front.ids[at], wanted)]
    body = whole.slice(front.starts)
    parts: dict[int, list[pa.RecordBatch]] = {}
    for group in np.unique(at // _GROUP_ITEMS).tolist():
        begin, end = int(front.begins[group]), int(front.begins[group + 1])
        packed = body.slice(begin, end - begin)
        if zlib.crc32(packed) != int(front.marks[group]):
            raise ValueError("a block is damaged")
        own = (at[at // _GROUP_ITEMS == group] % _GROUP_ITEMS).tolist()
        for number, ends, message in _unpacked(packed, len(front.kept)):
            rows = pa.ipc.read_record_batch(message, _kept(front.kept[number]))
            taken = [rows.slice(ends[one], ends[one + 1] - ends[one]) for one in own]
            parts.setdefault(number, []).extend(one for one in taken if one.num_rows)
    return parts


def _unpacked(packed: pa.Buffer, tables: int) -> Iterator[tuple[int, Sequence[int], pa.Buffer]]:
    """Each table that has rows in a block: its place, where the rows of each item end, and the
    message."""
    (size,) = struct.unpack("<Q", packed.slice(0, _WORD).to_pybytes())
    plain = pa.Codec(_CODEC).decompress(packed.slice(_WORD), size)
    words = np.frombuffer(plain.slice(0, _WORD * tables * (1 + _GROUP_ITEMS)), np.uint64)
    lengths, counts = words[:tables], words[tables:].reshape(tables, _GROUP_ITEMS)
    ends = np.zeros((tables, _GROUP_ITEMS + 1), np.int64)
    np.cumsum(counts, axis=1, out=ends[:, 1:])
    at = words.nbytes
    for number, length in enumerate(lengths.tolist()):
        if length:
            yield number, ends[number].tolist(), plain.slice(at, length)
        at += length
