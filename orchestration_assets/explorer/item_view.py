"""A home as far as it is about one item: what explains an item finds it there without reading the
other batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.explorer.batch_index import item_number
from orchestration_assets.explorer.index_files import HomeIndex
from orchestration_assets.explorer.item_rows import ITEM_TABLES, ItemRows
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.home import Home
from resources.table_store import TableStore

_OF_ITEMS: Final = frozenset(ITEM_TABLES)


class ItemTables(TableStore):
    """The tables of a home, of which those of batches hold the rows of some items alone."""

    has_all_rows = False

    def __init__(
        self, tables: TableStore, rows: ItemRows, items: frozenset[str], batches: frozenset[str]
    ) -> None:
        super().__init__(tables.path("_").parent)
        self._whole = tables
        self._rows = rows
        self._items = items
        self._batches = batches
        # one page asks for the same rows several times
        self._found: dict[tuple[str, str], pa.Table] = {}
        self._kept: dict[str, Mapping[str, pa.Table]] = {}

    def exists(self, table: str, batch: str | None = None) -> bool:
        """Whether the table is there: what is kept of it by item says so without a look at it."""
        if batch is not None and table in self._rows_of(batch):
            return True
        return self._whole.exists(table, batch)

    def batches(self, table: str) -> list[str]:
        """Those that hold one of the items, oldest first."""
        return sorted(one for one in self._batches if self.exists(table, one))

    def read(
        self, table: str, batch: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of the items. Raises what reading the whole table does."""
        if batch is None or table not in _OF_ITEMS:
            return self._whole.read(table, batch, columns)
        found = self._found.get((table, batch))
        if found is None:
            found = self._found[table, batch] = self._read(table, batch)
        return found if columns is None else found.select(list(columns))

    def _read(self, table: str, batch: str) -> pa.Table:
        found = self._rows_of(batch).get(table)
        if found is None:
            data = self._whole.read(table, batch)
            wanted = pa.array(sorted(self._items), pa.string())
            found = data.filter(pc.is_in(data["item_id"], value_set=wanted))
        return found

    def _rows_of(self, batch: str) -> Mapping[str, pa.Table]:
        if batch not in self._kept:
            self._kept[batch] = self._rows.find(batch, self._items)
        return self._kept[batch]


@dataclass(frozen=True, slots=True)
class ItemHome(Home):
    """A home whose tables are about some items alone."""

    item_tables: Any = None

    @property
    def tables(self) -> TableStore:
        held: TableStore = self.item_tables
        return held


def item_home(
    home: Home, index: HomeIndex, rows: ItemRows, item_id: str, batch: str = ""
) -> ItemHome | None:
    """The home as far as it is about an item and those that its results are kept under; as it was
    in one ``batch``, where one is given.

    None when no indexed batch holds it.
    """
    batches = {
        one.batch for one, _ in index.holding(item_number(item_id)) if batch in ("", one.batch)
    }
    if not batches:
        return None
    items = {item_id}
    own = ItemTables(home.tables, rows, frozenset(items), frozenset(batches))
    for one in batches:
        held = own.read(CONTENT_MANIFEST.name, one)["computed_as"].to_pylist()
        items |= {other for other in held if other}
    if items == {item_id}:
        return ItemHome(home.folder, home.claim, home.series, own)
    for other in items - {item_id}:
        batches |= {one.batch for one, _ in index.holding(item_number(other))}
    tables = ItemTables(home.tables, rows, frozenset(items), frozenset(batches))
    return ItemHome(home.folder, home.claim, home.series, tables)
