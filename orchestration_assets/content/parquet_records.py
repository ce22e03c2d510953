"""Rows of Parquet files, with long texts that repeat held once.

A file of a few kilobytes may claim terabytes: nothing is decoded before the footer was found
plausible, and decoding goes by a thousand rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration_assets.content.parquet_footer import RowGroup, read_footer
from orchestration_assets.content.record_values import CellError
from orchestration_assets.content.unpacking import bomb, expansion_limit
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.storable_values import whole_text

_ROWS: Final = 1024
_HELD_GROUPS: Final = 2
_BUFFER_BYTES: Final = 1 << 20
# what one row holds of a column at least: its place
_ROW_BYTES: Final = 8
# what a damaged file, or a value that Python has nothing for, makes Arrow raise
_DAMAGE: Final = (
    pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowGroupSize:
    """A row group: how many rows it has, and how many bytes of text (0 where not looked at)."""

    rows: int
    text_bytes: int


def open_parquet(stream: BinaryIO, columns: Sequence[str]) -> Any:
    """A Parquet file that has each of the columns once.

    Raises ContentError when it is none, is empty, or lacks a column.
    """
    if stream.seek(0, 2) == 0:
        raise ContentError(RejectReason.EMPTY, "no content")
    try:
        plain = pq.ParquetFile(stream)
        schema = plain.schema_arrow
        names = schema.names
        # as a dictionary, one long text repeated a million times is held once
        long = [
            name
            for name in columns
            if names.count(name) == 1 and _is_bytes(schema.field(name).type)
        ]
        file = pq.ParquetFile(
            stream, metadata=plain.metadata, read_dictionary=long, buffer_size=_BUFFER_BYTES
        )
    except _DAMAGE as error:
        raise ContentError(RejectReason.MALFORMED, f"not Parquet: {_error_text(error)}") from error
    check_columns(columns, names)
    return file


def check_columns(columns: Sequence[str], names: Sequence[str]) -> None:
    """Raises ContentError unless each of the columns is among the names, and once."""
    for column in columns:
        if column not in names:
            shown = whole_text(", ".join(names[:20]))
            words = f"no column {column!r}; its columns are: {shown}"
            raise ContentError(RejectReason.MALFORMED, words)
        if names.count(column) > 1:
            places = [str(n) for n, name in enumerate(names, 1) if name == column]
            words = (
                f"the column {column!r} is there more than once (columns {', '.join(places)}): "
                "rename or remove all but one"
            )
            raise ContentError(RejectReason.MALFORMED, words)


def _is_bytes(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _error_text(error: BaseException) -> str:
    return whole_text(str(error))[:300]


def row_groups(
    stream: BinaryIO, columns: Sequence[str], max_expansion: float, start: int = 0
) -> Iterator[RowGroupSize]:
    """Every row group; those that hold rows from ``start`` on are decoded to weigh their texts.

    The texts are in the first column. Raises ContentError for a bomb: a file whose columns, by its
    own footer or when they are decoded, grow beyond ``max_expansion`` times its size.
    """
    file = open_parquet(stream, columns)
    size = stream.seek(0, 2)
    limit = expansion_limit(size, max_expansion)
    try:
        footer = read_footer(stream)
        if sum(_claim(group, columns) for group in footer) > limit:
            raise bomb(size, limit)
        held = before = 0
        for number, group in enumerate(footer):
            rows, texts = group.rows, 0
            if before + rows > start:
                decoded = 0
                for batch in file.iter_batches(_ROWS, [number], list(columns)):
                    weights = [_weight(_column(batch, name)) for name in columns]
                    texts += weights[0]
                    held += sum(weights)
                    if held > limit:
                        raise bomb(size, limit)
                    decoded += batch.num_rows
                if decoded != rows:
                    raise _short(decoded, rows)
            before += rows
            yield RowGroupSize(rows, texts)
    except _DAMAGE as error:
        raise ContentError(
            RejectReason.MALFORMED, f"damaged Parquet: {_error_text(error)}"
        ) from error


def _short(decoded: int, rows: int) -> ContentError:
    words = f"damaged Parquet: {decoded} rows are there, its footer has {rows}"
    return ContentError(RejectReason.MALFORMED, words)


def _claim(group: RowGroup, columns: Sequence[str]) -> int:
    """Bytes that the columns of a row group take, as the footer has it."""
    return sum(
        max(chunk.unpacked_bytes, chunk.values * _ROW_BYTES)
        for chunk in group.chunks
        if chunk.path[0] in columns
    )


def _weight(column: Any) -> int:
    """Bytes that a decoded column holds, each repeated text counted as often as it is there."""
    places = len(column) * _ROW_BYTES
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes) + places
    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0) + places


def _column(batch: Any, name: str) -> Any:
    position = batch.schema.get_field_index(name)
    if position < 0:
        raise ContentError(RejectReason.MALFORMED, f"damaged Parquet: column {name!r} is missing")
    return batch.column(position)


def parquet_rows(
    stream: BinaryIO, columns: Sequence[str], start: int, stop: int
) -> Iterator[list[Any]]:
    """The columns of a Parquet file from row ``start`` to before ``stop``, a thousand at a time.

    Raises ContentError when it is no Parquet or lacks a column.
    """
    file = open_parquet(stream, columns)
    row = 0
    try:
        for number in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if row + rows > start and row < stop:
                before = row
                for batch in file.iter_batches(_ROWS, [number], list(columns)):
                    low, high = max(start - before, 0), min(stop - before, batch.num_rows)
                    if low < high:
                        part = batch.slice(low, high - low)
                        yield [_column(part, name) for name in columns]
                    before += batch.num_rows
                    if before >= stop:
                        break
                if before < min(row + rows, stop):
                    raise _short(before - row, rows)
            row += rows
    except _DAMAGE as error:
        raise ContentError(
            RejectReason.MALFORMED, f"damaged Parquet: {_error_text(error)}"
        ) from error


def cell(column: Any, row: int, max_bytes: int) -> Any:
    """One value as Python has it. Raises CellError when it is larger or cannot be read."""
    try:
        found = column[row]
        if isinstance(found, pa.DictionaryScalar):
            found = found.value
        if not found.is_valid:
            return None
        plain = isinstance(found, pa.StringScalar | pa.LargeStringScalar | pa.BinaryScalar)
        if plain:
            size = found.as_buffer().size
        else:
            size = column.slice(row, 1).nbytes if pa.types.is_nested(column.type) else 0
        if size > max_bytes:
            raise CellError(RejectReason.TOO_LARGE, f"has {size} bytes, the limit is {max_bytes}")
        return found.as_py()
    except UnicodeDecodeError as error:
        raise CellError(RejectReason.UNDECODABLE, "is not UTF-8") from error
    except _DAMAGE as error:
        return _as_arrow_writes(found, error)


def _as_arrow_writes(found: Any, error: BaseException) -> str:
    """What Python has no value for, such as a time in the year 200,000, as text."""
    try:
        text = found.cast(pa.string()).as_py()
    except _DAMAGE:
        text = None
    if not isinstance(text, str):
        raise CellError(RejectReason.MALFORMED, f"cannot be read ({_error_text(error)})") from error
    return text


class ParquetTexts:
    """One text column by row number; the last row groups that were asked for are held."""

    def __init__(self, stream: BinaryIO, column: str) -> None:
        self._column = column
        self._file = open_parquet(stream, [column])
        metadata = self._file.metadata
        rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
        self._ends = np.cumsum(rows)
        self._held: dict[int, Any] = {}

    def text(self, row: int, max_bytes: int) -> str | None:
        """The text in a row; None when there is none, or not within so many bytes."""
        number = int(np.searchsorted(self._ends, row, side="right"))
        if number >= len(self._ends):
            return None
        begin = int(self._ends[number - 1]) if number else 0
        for chunk in self._group(number).chunks:
            if row - begin < len(chunk):
                try:
                    found = cell(chunk, row - begin, max_bytes)
                except CellError:
                    return None
                return found if isinstance(found, str) else None
            begin += len(chunk)
        return None

    def _group(self, number: int) -> Any:
        if number not in self._held:
            while len(self._held) >= _HELD_GROUPS:
                del self._held[next(iter(self._held))]
            try:
                table = self._file.read_row_group(number, [self._column])
            except _DAMAGE as error:
                words = f"damaged Parquet: {_error_text(error)}"
                raise ContentError(RejectReason.MALFORMED, words) from error
            self._held[number] = _column(table, self._column)
        return self._held[number]
