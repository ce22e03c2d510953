"""What is known of an item is the same by way of the index and by way of every table."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.command.explain import explanation
from orchestration_assets.explorer.index_files import IndexFiles
from orchestration_assets.explorer.item_rows import NOT_KEPT, ItemRows
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
            rows.make(finished.batch)
            assert rows.is_current(finished.batch)
            assert set(rows.find(finished.batch, items.to_pylist())) >= {"resolutions", "call_log"}
        for item in items.to_pylist():
            view = item_home(home, index, rows, item)
            assert view is not None
            found, wanted = (explanation(one, item, loaded).plain() for one in (view, home))
            # whether a profile would be reused is told by its whole table
            for told in (found, wanted):
                told["next_run"] = [words for words in told["next_run"] if "profile: " not in words]
            assert found == wanted


def test_the_rows_of_items_are_those_of_the_tables(finished: Finished, tmp_path: Path) -> None:
    tables = Home(finished.home).tables
    index, rows = IndexFiles(tables, tmp_path), ItemRows(tables, tmp_path)
    Upkeep(index, rows).round()
    items = tables.read(CONTENT_MANIFEST.name, finished.batch, ["item_id"])["item_id"].to_pylist()
    for some in (items[:1], items[2:5], items, ["0" * 16], ["f" * 16]):
        found = rows.find(finished.batch, some)
        of_items = {name for name in BATCH_TABLES if "item_id" in TABLES[name].schema.names}
        assert set(found) == {one for one in of_items if tables.exists(one, finished.batch)}
        for name, kept in found.items():
            data = tables.read(name, finished.batch)
            wanted = data.filter(pc.is_in(data["item_id"], value_set=pa.array(some)))
            names = [one for one in wanted.column_names if one not in NOT_KEPT]
            order = [("item_id", "ascending")]
            assert _plain(kept.select(names).sort_by(order)) == _plain(
                wanted.select(names).sort_by(order)
            )


def _plain(data: pa.Table) -> list[str]:
    # numbers that are none are not equal to themselves
    return sorted(map(repr, data.to_pylist()))


def test_rows_of_an_older_table_are_not_believed(copied: Finished, tmp_path: Path) -> None:
    tables = Home(copied.home).tables
    rows = ItemRows(tables, tmp_path)
    rows.make(copied.batch)
    data = tables.read(CONTENT_MANIFEST.name, copied.batch)
    item = data["item_id"][0].as_py()
    assert rows.find(copied.batch, [item])[CONTENT_MANIFEST.name].num_rows == 1
    tables.write(CONTENT_MANIFEST, data.slice(1), copied.batch)
    found = rows.find(copied.batch, [item])
    assert CONTENT_MANIFEST.name not in found
    assert found["resolutions"].num_rows > 0
    assert not rows.is_current(copied.batch)


@given(places=st.lists(st.floats(0, 1), min_size=1, max_size=3), to=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_rows_are_not_believed(
    finished: Finished, tmp_path: Path, places: list[float], to: int
) -> None:
    tables = Home(finished.home).tables
    rows = ItemRows(tables, tmp_path)
    if not rows.is_current(finished.batch):
        rows.make(finished.batch)
    path = rows.path(finished.batch)
    whole = path.read_bytes()
    items = tables.read(CONTENT_MANIFEST.name, finished.batch, ["item_id"])["item_id"].to_pylist()
    wanted = {name: _plain(one) for name, one in rows.find(finished.batch, items).items()}
    damaged = bytearray(whole)
    for place in places:
        damaged[int(place * (len(whole) - 1))] ^= to
    try:
        for written in (bytes(damaged), whole[: int(places[0] * (len(whole) - 1))]):
            path.write_bytes(written)
            found = rows.find(finished.batch, items)
            assert {name: _plain(one) for name, one in found.items()}.items() <= wanted.items()
    finally:
        path.write_bytes(whole)


def test_an_item_that_nobody_holds_has_no_view(finished: Finished, tmp_path: Path) -> None:
    home = Home(finished.home)
    index = IndexFiles(home.tables, tmp_path).bring_up_to_date()
    assert item_home(home, index, ItemRows(home.tables, tmp_path), "0" * 16) is None
