"""What an asset is handed of a stored table."""

from pathlib import Path

import dagster as dg

from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.table_io_manager import COLUMNS, ParquetTableIOManager

BATCH = "20260101T000000Z-00000000"


def test_an_input_that_names_columns_is_handed_no_others(tmp_path: Path) -> None:
    manager = ParquetTableIOManager(home=str(tmp_path))
    manager.store.write(CONTENT_VECTORS, rows_to_arrow(CONTENT_VECTORS, []), BATCH)
    key = dg.AssetKey(CONTENT_VECTORS.name)

    def loaded(**metadata: list[str]) -> list[str]:
        context = dg.build_input_context(
            asset_key=key, partition_key=BATCH, definition_metadata=metadata
        )
        names: list[str] = manager.load_input(context).column_names
        return names

    assert loaded(**{COLUMNS: ["item_id", "representative"]}) == ["item_id", "representative"]
    assert loaded() == CONTENT_VECTORS.schema.names
