"""The rows of a batch's tables by item, so that those of one item are found without reading tables.

Items are sorted by id and cut into groups of 16. A group's rows of all tables lie together in one
compressed block, so that a page about an item reads one block of some 40 KB. Made from the tables,
and believed only for the version of each table that it was made from.

A file is its front and the blocks. The front is three numbers (length of the front behind them,
its CRC-32, length of the head), the head as JSON, and as arrays: the first id of each block, where
each block begins, and its CRC-32. A block is the length of each table's message, and the messages:
Arrow record batches without schema.
"""

import json
import shutil
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
    ``kept`` ones in the order of the messages; ``firsts``, ``begins`` and ``marks`` of the blocks,
    and where the first of them ``starts``."""

    form: str
    versions: Mapping[str, Version]
    kept: Sequence[str]
    firsts: Numbers
    begins: Numbers
    marks: Numbers
    starts: int


class ItemRows:
    """The files of rows by item below a folder, made from the tables of a home."""

    def __init__(self, tables: TableStore, folder: Path) -> None:
        self._tables = tables
        self._folder = folder / FOLDER

    def path(self, batch: str) -> Path:
        return self._folder / f"{batch}{_SUFFIX}"

    def is_current(self, batch: str) -> bool:
        """Whether there is a file that was made from the tables as they are."""
        try:
            with self.path(batch).open("rb") as file:
                front = _read_front(file.read)
        except _UNREADABLE:
            return False
        return front.form == _form() and front.versions == self._versions(batch)

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
        among = pa.array(sorted(items), pa.string())
        return {
            name: _completed(name, parts.get(place, ()), among)
            for place, name in enumerate(front.kept)
            if self._version(name, batch) == front.versions[name]
        }

    def _versions(self, batch: str) -> dict[str, Version]:
        return {name: self._version(name, batch) for name in ITEM_TABLES}

    def _version(self, table: str, batch: str) -> Version:
        found = self._tables.version(table, batch)
        return None if found is None else list(found)


def _form() -> str:
    """The same as long as the columns of all tables are the same: messages have no schema."""
    columns = "\n".join(f"{name} {_kept(name)}" for name in ITEM_TABLES)
    return blake2b(f"1 {_GROUP_ITEMS} {columns}".encode(), digest_size=8).hexdigest()


def _kept(table: str) -> pa.Schema:
    """The columns of a table that are kept, as they lie in a message."""
    left_out = NOT_KEPT if table == CONTENT_VECTORS.name else ()
    fields = [one.remove_metadata() for one in TABLES[table].schema if one.name not in left_out]
    return pa.schema(fields)


def _completed(table: str, messages: Sequence[pa.Buffer], among: pa.Array) -> pa.Table:
    """The rows of some items, with every declared column: those that are not kept are empty."""
    kept, schema = _kept(table), TABLES[table].schema
    if not messages:
        return schema.empty_table()
    batches = [pa.ipc.read_record_batch(one, kept) for one in messages]
    found = pa.Table.from_batches(batches, kept)
    found = found.filter(pc.is_in(found["item_id"], value_set=among))
    for field in schema:
        if field.name not in kept.names:
            nothing = pa.array([[]] * found.num_rows, pa.list_(pa.null())).cast(field.type)
            found = found.append_column(field, nothing)
    return found.select(schema.names).cast(schema)


def _packed(tables: Mapping[str, pa.Table], versions: Mapping[str, Version]) -> bytes:
    """The file of a batch's rows."""
    numbers = {name: _numbers(data) for name, data in tables.items()}
    every = np.unique(np.concatenate([*numbers.values(), np.zeros(0, np.uint64)]))
    firsts = every[::_GROUP_ITEMS]
    messages: list[list[bytes]] = [[] for _ in firsts]
    for name, data in tables.items():
        for place, message in enumerate(_messages(data, numbers[name], firsts)):
            messages[place].append(message)
    codec = pa.Codec(_CODEC, _LEVEL)
    blocks = [_block(one, codec) for one in messages]
    begins = np.cumsum([0, *(len(one) for one in blocks)]).astype(np.uint64)
    marks = np.array([zlib.crc32(one) for one in blocks], np.uint64)
    head = {
        "form": _form(),
        "versions": versions,
        "kept": list(tables),
        "blocks": len(blocks),
    }
    said = json.dumps(head).encode()
    said = said.ljust(-(-len(said) // _WORD) * _WORD)
    front = b"".join((said, firsts.tobytes(), begins.tobytes(), marks.tobytes()))
    return b"".join((_START.pack(len(front), zlib.crc32(front), len(said)), front, *blocks))


def _numbers(data: pa.Table) -> Numbers:
    return np.array([int(one, 16) for one in data["item_id"].to_pylist()], np.uint64)


def _messages(data: pa.Table, numbers: Numbers, firsts: Numbers) -> Iterator[bytes]:
    """The rows of each group as a message, empty where a group has none."""
    order = np.argsort(numbers, kind="stable")
    edges = [*np.searchsorted(numbers[order], firsts).tolist(), len(order)]
    rows = data.combine_chunks().to_batches()
    for start, end in pairwise(edges):
        # a slice would bring all offsets of an empty list with it
        taken = rows[0].take(pa.array(order[start:end])) if end > start else None
        yield b"" if taken is None else taken.serialize().to_pybytes()


def _block(messages: Sequence[bytes], codec: pa.Codec) -> bytes:
    plain = b"".join((struct.pack(f"<{len(messages)}Q", *map(len, messages)), *messages))
    packed: bytes = codec.compress(plain, asbytes=True)
    return struct.pack("<Q", len(plain)) + packed


def _read_front(read: Callable[[int], bytes]) -> _Front:
    """Raises struct.error, ValueError, KeyError and TypeError for what is no front."""
    length, mark, said = _START.unpack(read(_START.size))
    front = read(min(length, _MOST_FRONT))
    if zlib.crc32(front) != mark:
        raise ValueError("the front is damaged")
    given: Any = json.loads(front[:said])
    blocks = given["blocks"]
    firsts, begins, marks = np.split(
        np.frombuffer(front[said:], np.uint64), [blocks, 2 * blocks + 1]
    )
    starts = _START.size + length
    return _Front(given["form"], given["versions"], given["kept"], firsts, begins, marks, starts)


def _parts(
    whole: pa.Buffer, front: _Front, items: Collection[int]
) -> Mapping[int, list[pa.Buffer]]:
    """Of each kept table by its place the messages that may hold one of the items.

    Raises ValueError where a byte of them is another than was written.
    """
    body = whole.slice(front.starts)
    wanted = np.array(sorted(items), np.uint64)
    behind = np.unique(np.searchsorted(front.firsts, wanted, side="right"))
    parts: dict[int, list[pa.Buffer]] = {}
    for place in (behind[behind > 0] - 1).tolist():
        begin, end = int(front.begins[place]), int(front.begins[place + 1])
        packed = body.slice(begin, end - begin)
        if zlib.crc32(packed) != int(front.marks[place]):
            raise ValueError("a block is damaged")
        for number, message in enumerate(_unpacked(packed, len(front.kept))):
            if message.size:
                parts.setdefault(number, []).append(message)
    return parts


def _unpacked(packed: pa.Buffer, tables: int) -> Iterator[pa.Buffer]:
    (size,) = struct.unpack("<Q", packed.slice(0, _WORD).to_pybytes())
    plain = pa.Codec(_CODEC).decompress(packed.slice(_WORD), size)
    at = _WORD * tables
    for length in struct.unpack(f"<{tables}Q", plain.slice(0, at).to_pybytes()):
        yield plain.slice(at, length)
        at += length
