"""A query is one line that finds exactly the rows asked for."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.reporting.queries import rows_query


def test_values_cannot_leave_their_quotes(tmp_path):
    hostile = "it's ' OR '1'='1"
    table = pa.table(
        {name: [hostile, "other"] for name in ("path", "outcome", "reason", "detail", "size_bytes")}
    )
    folder = tmp_path / "tables" / "content_manifest"
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "b1.parquet")
    sql = rows_query("b1", "content_manifest", "path", reason=hostile)
    assert "\n" not in sql
    found = duckdb.sql(sql.replace("'tables/", f"'{tmp_path}/tables/")).fetchall()
    assert [row[0] for row in found] == [hostile]


def test_values_are_written_by_their_type():
    sql = rows_query("b1", "decision_log", also="gain > 0", final=True, round=2, answer=None)
    assert sql.endswith("WHERE final = true AND round = 2 AND answer IS NULL AND gain > 0")
