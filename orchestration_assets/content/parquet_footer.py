"""What the footer of a Parquet file claims, read without trusting it.

Arrow ends the process when it is asked about a column chunk that a damaged footer does not
describe. So the few numbers that are needed are read here, from Thrift's compact protocol, in which
the footer is written.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_MAGIC: Final = b"PAR1"
_TAIL: Final = 8
_DEEPEST: Final = 32
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """One column in one row group: its path in the schema, its values and its bytes unpacked."""

    path: tuple[str, ...]
    values: int
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """What a row group claims to hold."""

    rows: int
    chunks: tuple[ColumnChunk, ...]


def read_footer(stream: BinaryIO) -> tuple[RowGroup, ...]:
    """The row groups as the footer has them. Raises ValueError for a footer that is damaged."""
    size = stream.seek(0, 2)
    if size < 2 * _TAIL:
        raise ValueError("it is too short")
    stream.seek(size - _TAIL)
    tail = stream.read(_TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - _TAIL:
        raise ValueError("it does not end as Parquet does")
    stream.seek(size - _TAIL - length)
    file = _ThriftReader(stream.read(length)).struct()
    groups = tuple(_row_group(one) for one in _items(file.get(4)))
    if sum(group.rows for group in groups) != file.get(3):
        raise ValueError("its row counts disagree")
    return groups


def _row_group(found: Any) -> RowGroup:
    return RowGroup(_count(found, 3), tuple(_chunk(one) for one in _items(found.get(1))))


def _chunk(found: Any) -> ColumnChunk:
    about = found.get(3) if isinstance(found, dict) else None
    if not isinstance(about, dict):
        raise ValueError("a column chunk is not described")
    path = tuple(
        part.decode("utf-8", "replace") for part in _items(about.get(3)) if isinstance(part, bytes)
    )
    if not path:
        raise ValueError("a column chunk has no name")
    return ColumnChunk(path, _count(about, 5), _count(about, 6))


def _items(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise ValueError("a list is missing")
    return found


def _count(found: Any, field: int) -> int:
    value = found.get(field) if isinstance(found, dict) else None
    if not isinstance(value, int) or value < 0:
        raise ValueError("a count is missing or negative")
    return value


class _ThriftReader:
    """Reads Thrift's compact protocol; a struct becomes a mapping by field number."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Reads one struct. Raises ValueError where the bytes end or are not valid."""
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            # a boolean has its value in the type of its field
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _MAP:
            return self._map(depth)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        raise ValueError("it has a field of no known type")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4
        return self._many(self._varint() if count == 15 else count, (head & 15,), depth)

    def _map(self, depth: int) -> list[Any]:
        count = self._varint()
        kinds = self._byte() if count else 0
        return self._many(count, (kinds >> 4, kinds & 15), depth)

    def _many(self, count: int, kinds: tuple[int, ...], depth: int) -> list[Any]:
        # each takes a byte at least
        if count * len(kinds) > len(self._data) - self._at or depth > _DEEPEST:
            raise ValueError("it has a list longer than itself")
        return [self._value(kind, depth + 1) for _ in range(count) for kind in kinds]

    def _bytes(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise ValueError("it is cut short")
        return self._data[start : self._at]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("it has a number of more than 64 bits")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
