"""What is known of an item is the same by way of the index and by way of every table."""

from pathlib import Path

from orchestration_assets.command.explain import explanation
from orchestration_assets.explorer.index_files import IndexFiles
from orchestration_assets.explorer.item_rows import ITEM_TABLES, ItemRows
from orchestration_assets.explorer.item_view import item_home
from orchestration_assets.explorer.upkeep import Upkeep
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import BATCH_TABLES, CONTENT_MANIFEST, TABLES
from resources.home import Home
from tests.conftest import Finished


def test_every_item_is_explained_as_by_the_command(finished: Finished, tmp_path: Path) -> None:
    home, loaded = Home(finished.home), load_policy()
    index = IndexFiles(home.tables, tmp_path).bring_up_to_date()
    rows = ItemRows(home.tables, tmp_path)
    items = home.tables.read(CONTENT_MANIFEST.name, finished.batch, ["item_id"])["item_id"]
    assert len(items) > 5
    for with_rows in (False, True):
        if with_rows:
            for table in ITEM_TABLES:
                rows.make(table, finished.batch)
                assert rows.is_current(table, finished.batch)
        for item in items.to_pylist():
            view = item_home(home, index, rows, item)
            assert view is not None
            found, wanted = (explanation(one, item, loaded).plain() for one in (view, home))
            # whether a profile would be reused is told by its whole table
            for told in (found, wanted):
                told["next_run"] = [words for words in told["next_run"] if "profile: " not in words]
            assert found == wanted


def test_every_table_of_items_is_kept_by_item(finished: Finished, tmp_path: Path) -> None:
    tables = Home(finished.home).tables
    index, rows = IndexFiles(tables, tmp_path), ItemRows(tables, tmp_path)
    Upkeep(index, rows).round()
    for name in BATCH_TABLES:
        kept = rows.path(name, finished.batch).exists()
        assert kept == ("item_id" in TABLES[name].schema.names), name


def test_rows_of_an_older_table_are_not_believed(copied: Finished, tmp_path: Path) -> None:
    tables = Home(copied.home).tables
    rows = ItemRows(tables, tmp_path)
    rows.make(CONTENT_MANIFEST.name, copied.batch)
    data = tables.read(CONTENT_MANIFEST.name, copied.batch)
    item = data["item_id"][0].as_py()
    found = rows.find(CONTENT_MANIFEST.name, copied.batch, [item])
    assert found is not None
    assert found.num_rows == 1
    tables.write(CONTENT_MANIFEST, data.slice(1), copied.batch)
    assert rows.find(CONTENT_MANIFEST.name, copied.batch, [item]) is None
    assert not rows.is_current(CONTENT_MANIFEST.name, copied.batch)


def test_an_item_that_nobody_holds_has_no_view(finished: Finished, tmp_path: Path) -> None:
    home = Home(finished.home)
    index = IndexFiles(home.tables, tmp_path).bring_up_to_date()
    assert item_home(home, index, ItemRows(home.tables, tmp_path), "0" * 16) is None
