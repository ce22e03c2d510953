"""The totals of all reported batches: as their tables say, whatever is kept beside them."""

import json

import pytest

from orchestration_assets.reporting.reported_totals import reported_totals
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT, ReportRow
from resources.home import Home
from resources.table_store import TableStore, parquet_bytes
from tests.rows import row

BATCHES = ("b0", "b1", "b2")


@pytest.fixture
def tables(tmp_path) -> TableStore:
    tables = Home(tmp_path).tables
    for batch in BATCHES:
        rows = rows_to_arrow(DISAGREEMENT_REPORT, [row(ReportRow, batch=batch, source="s:/ö")])
        tables.write(DISAGREEMENT_REPORT, rows, batch)
    # one that was written before its last column was declared
    older = tables.read(DISAGREEMENT_REPORT.name, "b1").drop_columns(["skipped"])
    tables.path(DISAGREEMENT_REPORT.name, "b1").write_bytes(parquet_bytes(older))
    return tables


def test_they_are_those_of_the_tables_when_read_and_when_kept(tables) -> None:
    expected = tables.read_batches(DISAGREEMENT_REPORT, BATCHES)
    assert reported_totals(tables).equals(expected)
    assert reported_totals(tables).equals(expected)


@pytest.mark.parametrize("rows", [None, ["!"], ["AAAA"], [7], "AAAA", {"a": 1}])
def test_what_is_kept_and_tells_no_rows_is_read_again(tables, rows) -> None:
    expected = reported_totals(tables)
    (path,) = tables.derived.glob("*/b1.json")
    fact = json.loads(path.read_bytes())
    # homes of before have no mark
    del fact["mark"]
    fact["facts"]["rows"] = rows
    path.write_text(json.dumps(fact))
    assert reported_totals(tables).equals(expected)


def test_a_damaged_table_is_left_out_whatever_was_kept_of_it(tables) -> None:
    reported_totals(tables)
    path = tables.path(DISAGREEMENT_REPORT.name, "b1")
    path.write_bytes(path.read_bytes()[:-9])
    assert reported_totals(tables)["batch"].to_pylist() == ["b0", "b2"]
