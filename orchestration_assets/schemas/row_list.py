"""Rows of one table while they come in: the latest as records, those before as columns.

Records of a batch of 10,000 items take some 20 MB, which leave holes in memory that is never given
back; the columns that they become in the end take a quarter of it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, overload

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import Record, values
from orchestration_assets.schemas.records import Table, UnstorableError, rows_to_arrow

_DECODED_ROWS: Final = 1_024


Instead = Callable[[Record, UnstorableError], Record]
"""What stands in the place of a row that its table cannot hold."""


class RowList(Sequence[Record]):
    """Rows of ``table`` in their order, which grow at their end.

    ``instead``: as :func:`rows_to_arrow` takes it, which whatever makes columns of rows may raise
    UnstorableError without.
    """

    def __init__(self, table: Table[Record], instead: Instead[Record] | None = None) -> None:
        self.table = table
        self._instead = instead
        self._columns: list[pa.Table] = []
        self._last: list[Record] = []

    def __len__(self) -> int:
        return len(self._last) + sum(int(part.num_rows) for part in self._columns)

    def __iter__(self) -> Iterator[Record]:
        """All rows as records; of those that are columns, equal ones are made at each pass."""
        pieces = (
            part.slice(start, _DECODED_ROWS)
            for part in self._columns
            for start in range(0, part.num_rows, _DECODED_ROWS)
        )
        return chain(chain.from_iterable(map(self.table.rows, pieces)), self._last)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        """One row or several: for a look at a few rows, since all are gone through."""
        return list(self)[place]

    def append(self, row: Record) -> None:
        self._last.append(row)

    def __iadd__(self, rows: "Iterable[Record] | RowList[Record]") -> "RowList[Record]":
        if isinstance(rows, RowList):
            for part in rows._columns:
                self.add_columns(part)
            self._last += rows._last
        else:
            self._last += rows
        return self

    def add_columns(self, rows: pa.Table) -> None:
        """Adds rows of the table as they are stored; of columns that it declares later, an older
        one may lack some."""
        self.pack()
        self._columns.append(rows)

    def pack(self) -> None:
        """Makes columns of all rows."""
        if self._last:
            self._columns.append(rows_to_arrow(self.table, self._last, self._instead))
            self._last = []

    def to_arrow(self) -> pa.Table:
        """All rows, each column in one piece, so that equal rows are stored as equal bytes."""
        self.pack()
        schema = self.table.schema
        parts = [part.select(schema.names).cast(schema) for part in self._columns]
        whole = pa.concat_tables([schema.empty_table(), *parts])
        self._columns = [whole.combine_chunks()]
        return self._columns[0]

    def of_columns(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """No more of each row than two or more columns, as they are stored."""
        stored = (values(part, *names) for part in self._columns)
        return chain(chain.from_iterable(stored), map(attrgetter(*names), self._last))

    def about(self, items: Collection[str]) -> Iterator[Record]:
        """The rows that are about these items."""
        wanted = pa.array(sorted(items), pa.string())
        stored = (part.filter(pc.is_in(part["item_id"], wanted)) for part in self._columns)
        last: Any = self._last
        found = (row for row in last if row.item_id in items)
        return chain(chain.from_iterable(map(self.table.rows, stored)), found)

    def ordered(self, places: Iterable[int]) -> "RowList[Record]":
        """The rows by ascending place, of which each row has one; equal places stay in order."""
        place_of = list(places)
        order = sorted(range(len(place_of)), key=place_of.__getitem__)
        found = RowList(self.table, self._instead)
        if self._columns:
            found.add_columns(self.to_arrow().take(pa.array(order, pa.int64())))
        else:
            found += map(self._last.__getitem__, order)
        return found
