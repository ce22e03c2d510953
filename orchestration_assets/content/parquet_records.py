"""Rows of Parquet files, with long texts that repeat held once."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import numpy as np

from orchestration_assets.schemas.enums import RejectReason
from resources.content_source import ContentError

_ROWS: Final = 1024
_HELD_GROUPS: Final = 2


def open_parquet(stream: BinaryIO, columns: Sequence[str]) -> Any:
    """A Parquet file that has the columns. Raises ContentError when it is none or lacks one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # as a dictionary, one long text repeated a million times is held once
        file = pq.ParquetFile(stream, read_dictionary=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise ContentError(RejectReason.MALFORMED, f"not Parquet: {error}") from error
    names = file.schema_arrow.names
    if missing := [name for name in columns if name not in names]:
        words = f"no column {missing[0]!r}; its columns are: {', '.join(names[:20])}"
        raise ContentError(RejectReason.MALFORMED, words)
    return file


def parquet_rows(stream: BinaryIO, columns: Sequence[str], start: int, stop: int) -> Iterator[Any]:
    """Rows of a Parquet file from ``start`` to before ``stop``, a thousand at a time.

    Raises ContentError when it is no Parquet or lacks a column.
    """
    import pyarrow as pa

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
                        yield batch.slice(low, high - low)
                    before += batch.num_rows
            row += rows
    except (pa.ArrowException, OSError) as error:
        raise ContentError(RejectReason.MALFORMED, f"damaged Parquet: {error}") from error


class ParquetTexts:
    """One text column by row number; the last row groups that were asked for are held."""

    def __init__(self, stream: BinaryIO, column: str) -> None:
        self._column = column
        self._file = open_parquet(stream, [column])
        metadata = self._file.metadata
        rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
        self._ends = np.cumsum(rows)
        self._held: dict[int, Any] = {}

    def text(self, row: int) -> str | None:
        """The text in a row; None when there is no such row or no text in it."""
        number = int(np.searchsorted(self._ends, row, side="right"))
        if number >= len(self._ends):
            return None
        begin = int(self._ends[number - 1]) if number else 0
        found = self._group(number)[row - begin].as_py()
        return found if isinstance(found, str) else None

    def _group(self, number: int) -> Any:
        import pyarrow as pa

        if number not in self._held:
            while len(self._held) >= _HELD_GROUPS:
                del self._held[next(iter(self._held))]
            try:
                table = self._file.read_row_group(number, [self._column])
            except (pa.ArrowException, OSError) as error:
                words = f"damaged Parquet: {error}"
                raise ContentError(RejectReason.MALFORMED, words) from error
            self._held[number] = table[self._column]
        return self._held[number]
