import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DECISION_LOG, DecisionRow
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.home import Home
from resources.table_store import (
    TableMissingError,
    parquet_bytes,
    read_parquet,
    write_atomically,
)
from tests.forked import forked

ROW = DecisionRow("b", "i", "t", 0, "ask", ("s",), "first", None, None, None, None)


def test_a_table_keeps_its_meanings_on_disk(tmp_path: Path) -> None:
    path = Home(tmp_path).tables.write(DECISION_LOG, rows_to_arrow(DECISION_LOG, [ROW]), "b1")
    schema = pq.read_schema(path)
    assert schema.metadata[b"table"] == b"decision_log"
    assert schema.field("reason").metadata[b"meaning"] == b"why, in words"


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    store = Home(tmp_path).tables
    first = store.write(DECISION_LOG, rows_to_arrow(DECISION_LOG, [ROW]), "b1").read_bytes()
    assert store.write(DECISION_LOG, rows_to_arrow(DECISION_LOG, [ROW]), "b1").read_bytes() == first


def test_a_missing_table_says_what_to_materialize(tmp_path: Path) -> None:
    with pytest.raises(TableMissingError, match="materialize resolutions first"):
        Home(tmp_path).tables.read("resolutions", "b1")


@pytest.mark.parametrize("batch", ["../x", "a/b", "", "a b", "."])
def test_a_batch_key_cannot_leave_the_folder(tmp_path: Path, batch: str) -> None:
    with pytest.raises(ValueError, match="not a batch key"):
        Home(tmp_path).tables.path("resolutions", batch)


def test_data_that_does_not_fit_the_schema_is_not_stored(tmp_path: Path) -> None:
    store = Home(tmp_path).tables
    with pytest.raises((pa.ArrowInvalid, KeyError)):
        store.write(DECISION_LOG, pa.table({"batch": ["b"]}), "b1")
    assert not store.exists("decision_log", "b1")


def _write_for_ever(path: str) -> None:
    for n in range(10_000_000):
        write_atomically(Path(path), bytes([n % 256]) * 200_000)


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "table.parquet"
    for _ in range(3):
        writer = forked(_write_for_ever, str(target))
        while not target.exists():
            assert writer.is_alive()
        writer.join(0.2)
        writer.kill()
        writer.join()
        data = target.read_bytes()
        assert len(data) == 200_000
        assert len(set(data)) == 1


def test_numbers_of_hashes_take_the_bytes_that_they_have(tmp_path) -> None:
    rng = np.random.default_rng(1)
    kind = CONTENT_VECTORS.schema.field("sketch")
    column = [None, *rng.integers(0, 1 << 16, (500, 128), np.uint32).tolist(), []]
    table = pa.table({"sketch": pa.array(column, kind.type), "n": pa.array(range(502))})
    stored = parquet_bytes(table)
    assert pq.read_table(io.BytesIO(stored)).equals(table)
    assert stored == parquet_bytes(table)
    assert len(stored) < 1.1 * 500 * 128 * 2


def test_tables_written_before_a_column_was_declared_can_be_put_together_with_others(
    tmp_path: Path,
) -> None:
    store = Home(tmp_path).tables
    whole = rows_to_arrow(DECISION_LOG, [ROW])
    new, old = store.write(DECISION_LOG, whole, "new"), store.path(DECISION_LOG.name, "old")
    later = [field.name for field in DECISION_LOG.schema if field.nullable][:1]
    assert whole.schema.names[-1] not in later  # one that stands between others
    pq.write_table(pq.read_table(new).drop_columns(later), old)
    tables = [store.read(DECISION_LOG.name, batch) for batch in ("new", "old")]
    assert pa.concat_tables(tables).num_rows == 2


def test_portions_are_the_table_that_is_read_whole(tmp_path: Path) -> None:
    """And so are the columns that are told without reading it."""
    store = Home(tmp_path).tables
    rows = [replace(ROW, item_id=str(n), gain=n / 7) for n in range(2_500)]
    whole = rows_to_arrow(DECISION_LOG, rows)
    path = store.write(DECISION_LOG, whole, "b1")
    store.write(DECISION_LOG, whole.slice(0, 0), "b2")
    pq.write_table(pq.read_table(path).drop_columns(["gain"]), tmp_path / "older.parquet")
    older = store.path(DECISION_LOG.name, "b3")
    older.write_bytes((tmp_path / "older.parquet").read_bytes())
    for batch in ("b1", "b2", "b3"):
        told = store.stored_schema(DECISION_LOG.name, batch)
        assert told.equals(store.read(DECISION_LOG.name, batch).schema)
        for columns in (None, ["gain", "item_id"]):
            portions = list(store.portions(DECISION_LOG.name, batch, columns))
            assert portions
            assert all(one.num_rows <= 1_024 for one in portions)
            assert pa.concat_tables(portions).equals(store.read(DECISION_LOG.name, batch, columns))
            assert portions[0].schema.equals(store.read(DECISION_LOG.name, batch, columns).schema)


def test_portions_of_a_damaged_table_say_so(tmp_path: Path) -> None:
    store = Home(tmp_path).tables
    rows = [replace(ROW, item_id=str(n)) for n in range(5_000)]
    path = store.write(DECISION_LOG, rows_to_arrow(DECISION_LOG, rows), "b1")
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match="--reprocess"):
        list(store.portions(DECISION_LOG.name, "b1"))
    with pytest.raises(DamagedFileError, match="has no column other"):
        list(store.portions(DECISION_LOG.name, "b1", ["other"]))
    with pytest.raises(TableMissingError, match="materialize decision_log first"):
        list(store.portions(DECISION_LOG.name, "b2"))
    with pytest.raises(TableMissingError, match="materialize decision_log first"):
        store.stored_schema(DECISION_LOG.name, "b2")


def test_the_beginning_and_the_columns_of_a_table_tell_where_there_is_none(tmp_path: Path) -> None:
    store = Home(tmp_path).tables
    for look in (
        lambda: store.stored_schema("gold_labels"),
        lambda: store.beginning("outcomes", 1),
    ):
        with pytest.raises(TableMissingError, match=r"materialize (gold_labels|outcomes) first"):
            look()


def test_a_large_table_is_written_in_groups_of_rows_and_read_as_it_was(tmp_path: Path) -> None:
    vector, count = [0.0] * 500 + [1.0] * 12, 6_000
    schema = pa.schema({"vector": pa.list_(pa.float32()), "sketch": pa.list_(pa.uint32())})
    columns = [[vector] * count, [[n] * 128 for n in range(count)]]
    table = pa.table(columns, schema=schema)
    file = tmp_path / "large.parquet"

    file.write_bytes(parquet_bytes(table))

    assert pq.ParquetFile(file).metadata.num_row_groups > 1
    assert read_parquet(file).equals(table)


def test_a_large_table_has_the_same_bytes_in_whatever_way_it_lies_in_memory() -> None:
    count = 48_000
    texts = pa.array([f"{n * n:0400d}" if n % 3 else None for n in range(count)])
    places = pa.array([{"at": n, "of": [n, n + 1]} for n in range(count)])
    numbers = pa.array(range(count))
    table = pa.table({"text": texts, "place": places, "number": numbers})
    parts = pa.concat_tables([table.slice(n, 700) for n in range(0, count, 700)])
    full = pa.py_buffer(b"\xff" * (count // 8))
    said = pa.Array.from_buffers(numbers.type, count, [full, numbers.buffers()[1]])
    expected = parquet_bytes(table)
    assert pq.ParquetFile(io.BytesIO(expected)).metadata.num_row_groups > 1
    assert parquet_bytes(parts) == expected
    assert parquet_bytes(table.set_column(2, "number", said)) == expected
