"""The Dagster side of the table store: assets hand over Arrow tables, the UI sees their rows."""

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration_assets.schemas.tables import TABLES
from resources.home import Home
from resources.machine import LARGE_BYTES, give_back_memory
from resources.series import read_series
from resources.table_store import TableStore

_PREVIEW_ROWS = 5
_CELL_CHARACTERS = 60
COLUMNS = "columns"
"""Under this key the metadata of an input names the columns that are read of its table."""


class StoredTable:
    """Stands for a table of all batches that its asset has stored: it is described, and not
    written again."""


class ParquetTableIOManager(dg.ConfigurableIOManager):
    """Keeps each asset's table as Parquet below ``<home>/tables``, one file a batch.

    ``series``: the folder of the series of batches that the tables belong to, if they do.
    """

    home: str
    series: str | None = None

    @property
    def opened_home(self) -> Home:
        return Home(Path(self.home).expanduser().absolute())

    @property
    def store(self) -> TableStore:
        return self.opened_home.tables

    def handle_output(self, context: dg.OutputContext, obj: pa.Table | StoredTable) -> None:
        """Stores the table and describes it: rows, columns, size, a preview."""
        table = TABLES[context.asset_key.path[-1]]
        if isinstance(obj, StoredTable):
            first, count = self.store.beginning(table.name, _PREVIEW_ROWS)
            size = self.store.size_bytes(table.name)
            said = _described(table.name, self.store.path(table.name), size, first)
            context.add_output_metadata({"dagster/row_count": count, **said})
            # it was made of what all batches hold
            give_back_memory()
            return
        # a table of the whole corpus may be made in the run of one batch
        batch = context.partition_key if context.has_asset_partitions else None
        is_large = obj.nbytes > LARGE_BYTES
        if is_large:
            # what was needed to make it is free by now, and writing it needs as much again
            give_back_memory()
        path = self.store.write(table, obj, batch)
        if self.series and batch:
            read_series(self.series).note(batch, table.name)
        rows = "dagster/partition_row_count" if batch else "dagster/row_count"
        said = _described(table.name, path, self.store.size_bytes(table.name, batch), obj)
        context.add_output_metadata({rows: obj.num_rows, **said})
        if is_large:
            give_back_memory()

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """The upstream table of the same batch, or the columns that the input names. Raises
        TableMissingError when there is none."""
        batch = context.partition_key if context.has_partition_key else None
        columns = context.definition_metadata.get(COLUMNS)
        found = self.store.read(context.asset_key.path[-1], batch, columns)
        if found.nbytes > LARGE_BYTES:
            # what steps before this one held, and what reading took
            give_back_memory()
        return found


def _described(name: str, path: Path, size_bytes: int, rows: pa.Table) -> dict[str, Any]:
    """What the UI shows of a stored table beside the number of its rows; ``rows``: some of them."""
    return {
        "dagster/column_schema": column_schema(name),
        "bytes": size_bytes,
        "path": dg.MetadataValue.path(str(path)),
        "preview": dg.MetadataValue.md(preview(rows)),
    }


def column_schema(name: str) -> dg.TableSchema:
    """The declared columns of a table, with unit and meaning, as Dagster shows them."""
    table = TABLES[name]
    columns = []
    for field in table.schema:
        column = table.columns[field.name]
        meaning = f"{column.meaning} [{column.unit}]" if column.unit else column.meaning
        constraints = dg.TableColumnConstraints(
            nullable=field.nullable, unique=table.key == (field.name,)
        )
        columns.append(
            dg.TableColumn(
                field.name, _type_words(field.type), description=meaning, constraints=constraints
            )
        )
    return dg.TableSchema(columns)


def _type_words(kind: pa.DataType) -> str:
    """A type as a reader needs it: members of nested records by name only."""
    if pa.types.is_list(kind):
        return f"list of {_type_words(kind.value_type)}"
    if pa.types.is_struct(kind):
        return f"({', '.join(kind.field(n).name for n in range(kind.num_fields))})"
    return str(kind)


def preview(table: pa.Table) -> str:
    """The first rows as a Markdown table; cells are shortened and cannot break the table."""
    names = table.schema.names
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for row in table.slice(0, _PREVIEW_ROWS).to_pylist():
        lines.append(f"| {' | '.join(_cell(row[name]) for name in names)} |")
    return "\n".join(lines)


_ESCAPES = {ord(character): f"&#{ord(character)};" for character in "|<>&`*_[]\\"}


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
    text = " ".join(text.split())
    short = text if len(text) <= _CELL_CHARACTERS else text[: _CELL_CHARACTERS - 1] + "…"
    return short.translate(_ESCAPES)
