"""Groups: many values as one durable record, which takes its place among the entries later."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.feature_cache.lmdb_store import LmdbStore, _packed, _unpacked
from resources.feature_cache.tier import seal

entries = st.dictionaries(st.text(max_size=20), st.binary(max_size=50))


def values(number: int, size: int = 100) -> dict[str, bytes]:
    return {os.urandom(16).hex(): os.urandom(size) for _ in range(number)}


@given(entries)
def test_a_record_holds_what_was_packed(given_) -> None:
    assert _unpacked(_packed(given_)) == given_


def test_a_group_is_found_before_and_after_it_takes_its_place(tmp_path) -> None:
    store, first, second, third = LmdbStore(tmp_path), values(5), values(4), values(3)
    assert store.get_many(first) == {}
    store.put_group(first)
    store.put_group(second)
    everything = first | second
    assert store.get_many(everything) == everything
    assert store.contents().entries == 0
    store.put_many(third)
    assert store.get_many(everything | third) == everything | third
    assert store.contents().entries == 12


def test_what_is_put_later_stands_whichever_way_it_came(tmp_path) -> None:
    store = LmdbStore(tmp_path)
    store.put_many({"a": b"1", "b": b"1", "c": b"1"})
    store.put_group({"a": b"2", "b": b"2"})
    store.put_group({"b": b"3"})
    assert store.get_many("abc") == {"a": b"2", "b": b"3", "c": b"1"}
    store.put_many({"a": b"4"})
    assert store.get_many("abc") == {"a": b"4", "b": b"3", "c": b"1"}
    assert store.contents().entries == 3


def test_another_store_finds_the_groups_of_a_process_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from resources.feature_cache.lmdb_store import LmdbStore; "
        "LmdbStore(sys.argv[1]).put_group({'kept': b'value'}); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert LmdbStore(tmp_path).get_many(["kept"]) == {"kept": b"value"}


def test_two_stores_see_each_others_groups_as_they_come_and_go(tmp_path) -> None:
    ours, theirs = LmdbStore(tmp_path), LmdbStore(tmp_path)
    ours.put_group({"a": b"1"})
    assert theirs.get_many("ab") == {"a": b"1"}
    theirs.put_group({"b": b"1"})
    assert ours.get_many("ab") == {"a": b"1", "b": b"1"}
    theirs.put_many({"a": b"2"})
    assert ours.get_many("ab") == {"a": b"2", "b": b"1"}
    ours.put_group({"b": b"3"})
    assert theirs.get_many("ab") == {"a": b"2", "b": b"3"}


def test_the_newest_answers_stay_though_groups_alone_are_put(tmp_path) -> None:
    cap = 1 << 20
    store = LmdbStore(tmp_path, cap)
    for _ in range(100):
        latest = values(20, 2000)
        store.put_group(latest)
        assert store.get_many(latest) == latest
    assert store.contents().bytes <= cap
    store.put_many({})
    assert store.get_many(latest) == latest


def test_groups_count_towards_the_cap_and_make_room(tmp_path) -> None:
    cap = 1 << 20
    store = LmdbStore(tmp_path, cap)
    for _ in range(40):
        store.put_group(values(20, 2000))
        store.put_many({})
    assert store.contents().bytes <= cap
    assert store.counts.evicted > 0
    latest = values(10, 2000)
    store.put_group(latest)
    assert store.get_many(latest) == latest


def test_groups_of_before_which_were_not_compressed_are_read(tmp_path) -> None:
    group = _packed({"a": b"1", "b": b"2"})
    place = struct.pack(">Q", 1)
    program = (
        "import sys, lmdb; e = lmdb.open(sys.argv[1], max_dbs=3, map_size=1 << 24)\n"
        "with e.begin(write=True) as t:\n"
        f"    t.put({place!r}, {seal(place.hex(), group)!r}, db=e.open_db(b'groups', t))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    store = LmdbStore(tmp_path)
    assert store.get_many("ab") == {"a": b"1", "b": b"2"}
    store.put_many({})
    assert LmdbStore(tmp_path).get_many("ab") == {"a": b"1", "b": b"2"}


def test_a_group_too_large_for_one_record_is_kept_as_entries(tmp_path) -> None:
    store = LmdbStore(tmp_path, 1 << 20)
    large = values(200, 2000)
    store.put_group(large)
    assert store.contents().entries == 200
    assert store.get_many(large) == large


def test_a_damaged_group_is_ignored_and_counted(tmp_path) -> None:
    program = (
        "import sys, lmdb; e = lmdb.open(sys.argv[1], max_dbs=3, map_size=1 << 24)\n"
        "with e.begin(write=True) as t:\n"
        "    t.put(b'\\0' * 8, b'no seal', db=e.open_db(b'groups', t))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == 0
    store = LmdbStore(tmp_path)
    assert store.get_many(["a"]) == {}
    assert store.counts.corrupt == 1


@pytest.mark.parametrize("body", [struct.pack(">II", 2**32 - 1, 9) + b"packed?", b"short"])
def test_so_is_a_sealed_group_that_cannot_be_taken_apart(tmp_path: Path, body: bytes) -> None:
    place = struct.pack(">Q", 1)
    program = (
        "import sys, lmdb; e = lmdb.open(sys.argv[1], max_dbs=3, map_size=1 << 24)\n"
        "with e.begin(write=True) as t:\n"
        f"    t.put({place!r}, {seal(place.hex(), body)!r}, db=e.open_db(b'groups', t))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    store = LmdbStore(tmp_path)
    store.put_group({"a": b"1"})
    assert store.get_many("a") == {"a": b"1"}
    assert store.counts.corrupt == 1
    store.put_many({"b": b"2"})
    assert LmdbStore(tmp_path).get_many("ab") == {"a": b"1", "b": b"2"}


def test_every_value_is_listed_and_nothing_is_written(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, words=b"values that are alike")
    store.put_many({"a": b"values that are alike: 1"})
    store.put_group({"b": b"values that are alike: 2"})
    before = (tmp_path / "data.mdb").read_bytes()
    listed = LmdbStore(tmp_path, words=b"values that are alike").values()
    assert sorted(listed) == [b"values that are alike: 1", b"values that are alike: 2"]
    assert (tmp_path / "data.mdb").read_bytes() == before
