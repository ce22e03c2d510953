"""Rows of an Arrow table as bytes and back, many at a time: numbers at fixed places, texts behind.

Layout of a row, little-endian: 8 bytes that name the layout, one byte a column (1: there is a
value), the columns of fixed width in order (int64, float64, bool), then each column of open width
as a length in bytes (uint32) and its bytes: UTF-8, raw bytes, float32 or uint32 numbers, or texts
that each have their own length. All of it is compressed with LZ4, behind its length in bytes
(uint32): vectors of short texts are mostly noughts. Nothing is executed when it is read.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa

_LENGTH: Final = struct.Struct("<I")
_LAYOUT_BYTES: Final = 8
# a row has at most a few thousand numbers: what claims to be more is damaged
_MOST_BYTES: Final = 1 << 26
_FIXED: Final = {pa.int64(): "<i8", pa.float64(): "<f8", pa.bool_(): "?"}


def _texts_to_bytes(texts: Sequence[str]) -> bytes:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return b"".join(part for text in encoded for part in (_LENGTH.pack(len(text)), text))


def _texts_from_bytes(data: bytes) -> list[str]:
    texts, at = [], 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size + length
        texts.append(data[at - length : at].decode("utf-8", "surrogatepass"))
    return texts


def _numbers(kind: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    return (
        lambda values: np.asarray(values, kind).tobytes(),
        lambda data: np.frombuffer(data, kind),
    )


_OPEN: Final[dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]]] = {
    "string": (lambda text: text.encode(), bytes.decode),
    "binary": (bytes, bytes),
    "list<item: string>": (_texts_to_bytes, _texts_from_bytes),
    "list<item: float>": _numbers("<f4"),
    "list<item: uint32>": _numbers("<u4"),
}


def _values(column: pa.ChunkedArray) -> Iterator[Any]:
    """The values of a column; lists of numbers without a Python object for each number."""
    kind = column.type
    if not (pa.types.is_list(kind) and pa.types.is_primitive(kind.value_type)):
        yield from column.to_pylist()
        return
    for chunk in column.chunks:
        ends = chunk.offsets.to_numpy()
        numbers = chunk.values.to_numpy()
        for n, valid in enumerate(chunk.is_valid().to_pylist()):
            yield numbers[ends[n] : ends[n + 1]] if valid else None


def _compressed(data: bytes) -> bytes:
    compressed: bytes = pa.compress(data, "lz4", asbytes=True)
    return _LENGTH.pack(len(data)) + compressed


def decompressed(compressed: bytes) -> bytes:
    """The bytes of a row behind their packing, or nothing where it is no packed row."""
    if len(compressed) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack_from(compressed)
    if length > _MOST_BYTES:
        return b""
    try:
        data: bytes = pa.decompress(compressed[_LENGTH.size :], length, "lz4", asbytes=True)
    except (pa.ArrowException, OSError):
        return b""
    return data


class RowCodec:
    """Packs rows of one schema. Raises TypeError for a column type that has no layout here."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._fixed = [field.name for field in schema if field.type in _FIXED]
        self._open = [
            (field.name, *_OPEN[kind])
            for field in schema
            if (kind := str(field.type).replace(" not null", "")) in _OPEN
        ]
        if unsupported := {*schema.names} - {*self._fixed} - {name for name, *_ in self._open}:
            raise TypeError(f"no layout for the columns {', '.join(sorted(unsupported))}")
        named = [(field.name, str(field.type)) for field in schema]
        self._layout = blake2b(repr(named).encode(), digest_size=_LAYOUT_BYTES).digest()
        present = [(f"has {name}", "?") for name in schema.names]
        values = [(name, _FIXED[schema.field(name).type]) for name in self._fixed]
        self._dtype = np.dtype([("layout", f"V{_LAYOUT_BYTES}"), *present, *values])

    def encode(self, rows: pa.Table) -> list[bytes]:
        """One packed value a row."""
        table = rows.select(self.schema.names).combine_chunks()
        heads = np.zeros(table.num_rows, self._dtype)
        heads["layout"] = np.void(self._layout)
        for name in self.schema.names:
            heads[f"has {name}"] = table[name].is_valid().to_numpy()
        for name in self._fixed:
            kind = self.schema.field(name).type
            filled = table[name].fill_null(pa.scalar(0, kind) if kind != pa.bool_() else False)
            heads[name] = filled.to_numpy()
        packed = [[head.tobytes()] for head in heads]
        for name, to_bytes, _ in self._open:
            for parts, value in zip(packed, _values(table[name]), strict=True):
                data = b"" if value is None else to_bytes(value)
                parts.extend((_LENGTH.pack(len(data)), data))
        return [_compressed(b"".join(parts)) for parts in packed]

    def decode(self, packed: Sequence[bytes]) -> tuple[pa.Table, list[int]]:
        """The rows, and the positions that they had in ``packed``: what is no row is left out."""
        kept: list[int] = []
        texts: list[list[Any]] = [[] for _ in self._open]
        fixed: list[bytes] = []
        for position, compressed in enumerate(packed):
            data = decompressed(compressed)
            values = self._texts(data)
            if values is not None:
                kept.append(position)
                fixed.append(data[: self._dtype.itemsize])
                for column, value in zip(texts, values, strict=True):
                    column.append(value)
        joined = b"".join(fixed)
        heads = np.frombuffer(joined, self._dtype)
        columns: dict[str, pa.Array] = {}
        for name in self._fixed:
            kind = self.schema.field(name).type
            values_of = np.ascontiguousarray(heads[name])
            columns[name] = pa.array(values_of, kind, mask=~heads[f"has {name}"])
        for (name, *_), column in zip(self._open, texts, strict=True):
            present = heads[f"has {name}"].tolist()
            nullable = [value if has else None for value, has in zip(column, present, strict=True)]
            columns[name] = pa.array(nullable, self.schema.field(name).type)
        arrays = [columns[name] for name in self.schema.names]
        return pa.Table.from_arrays(arrays, schema=self.schema), kept

    def _texts(self, data: bytes) -> list[Any] | None:
        """The columns of open width, or None when the bytes are not a row of this layout."""
        at = self._dtype.itemsize
        if not data.startswith(self._layout) or len(data) < at:
            return None
        values = []
        try:
            for _, _, from_bytes in self._open:
                (length,) = _LENGTH.unpack_from(data, at)
                at += _LENGTH.size + length
                if at > len(data):
                    return None
                values.append(from_bytes(data[at - length : at]))
        except (struct.error, ValueError):
            return None
        return values if at == len(data) else None
