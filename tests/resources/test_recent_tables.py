"""A table that is kept in memory is the one that would be read."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from resources import table_store
from resources.recent_tables import RecentTables
from resources.table_store import parquet_bytes, read_parquet, write_atomically


@pytest.fixture(autouse=True)
def recent(monkeypatch: pytest.MonkeyPatch) -> RecentTables:
    fresh = RecentTables()
    monkeypatch.setattr(table_store, "_RECENT", fresh)
    return fresh


def _settle(path: Path) -> None:
    """As if it had been written a while ago."""
    past = time.time_ns() - 10**9
    os.utime(path, ns=(past, past))


def _write(path: Path, *numbers: int) -> None:
    write_atomically(path, parquet_bytes(pa.table({"a": numbers, "b": numbers})))
    _settle(path)


def test_a_table_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    _write(path, 1, 2)
    first = read_parquet(path)
    assert read_parquet(path) is first
    assert read_parquet(path, ["a"]).column_names == ["a"]
    assert read_parquet(path, ["b", "a"]).column_names == ["b", "a"]


def test_another_file_in_its_place_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    for numbers in ((1, 2), (3, 4), (5,)):
        _write(path, *numbers)
        assert read_parquet(path)["a"].to_pylist() == list(numbers)


def test_a_file_that_is_put_back_in_place_with_its_time_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    _write(path, 1, 2)
    before = path.stat()
    assert read_parquet(path)["a"].to_pylist() == [1, 2]
    other = parquet_bytes(pa.table({"a": (3, 4), "b": (3, 4)}))
    assert len(other) == before.st_size
    time.sleep(0.02)  # beyond a tick of the system's clock
    path.write_bytes(other)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_ino == before.st_ino
    assert read_parquet(path)["a"].to_pylist() == [3, 4]


def test_what_was_written_just_now_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    _write(path, 1, 2)
    os.utime(path)
    assert read_parquet(path) is not read_parquet(path)


def test_large_tables_and_old_ones_are_not_kept(tmp_path: Path) -> None:
    large = tmp_path / "large.parquet"
    _write(large, *range(100_000))
    assert read_parquet(large) is not read_parquet(large)
    small = [tmp_path / f"{number}.parquet" for number in range(60)]
    for path in small:
        _write(path, 1)
    tables = [read_parquet(path) for path in small]
    assert read_parquet(small[-1]) is tables[-1]
    assert read_parquet(small[0]) is not tables[0]


def test_a_table_that_is_gone_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    _write(path, 1)
    read_parquet(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_parquet(path)
