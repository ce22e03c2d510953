"""Every tier keeps the same promises; each also breaks in its own way."""

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.memory_tier import MemoryTier
from resources.feature_cache.parquet_tier import ParquetTier
from resources.feature_cache.redis_tier import RedisTier
from resources.feature_cache.short_texts import ANSWER_WORDS, packed, unpacked
from resources.feature_cache.tier import TierError, seal, unseal
from tests.forked import forked
from tests.resources.feature_cache.conftest import redis_server

MIB = 1 << 20
DAY = 86_400.0
_names = count()


def memory(folder: Path, max_bytes: int = MIB) -> MemoryTier:
    return MemoryTier(f"{folder}{next(_names)}", max_bytes)


def lmdb(folder: Path, max_bytes: int = MIB) -> LmdbStore:
    return LmdbStore(folder / f"lmdb{next(_names)}", max_bytes)


def durable(folder: Path, max_bytes: int = MIB) -> ParquetTier:
    return ParquetTier(str(folder / f"durable{next(_names)}"), max_bytes, DAY)


@pytest.fixture(params=["memory", "lmdb", "durable", "remote", "redis"])
def tier(request, tmp_path):
    if request.param == "redis":
        with redis_server(tmp_path) as (url, _):
            yield RedisTier(url, DAY)
    elif request.param == "remote":
        yield ParquetTier(f"memory://cache{next(_names)}", MIB, DAY)
    else:
        yield globals()[request.param](tmp_path)


def values(number: int, size: int = 100) -> dict[str, bytes]:
    return {os.urandom(16).hex(): os.urandom(size) for _ in range(number)}


def test_what_was_put_is_found_and_what_was_not_is_absent(tier) -> None:
    kept = values(50) | {"empty": b"", "Key": b"1", "key": b"2"}
    tier.put_many(kept)
    assert tier.get_many([*kept, "never"]) == kept
    assert tier.get_many([]) == {}
    tier.put_many({})
    assert tier.contents().entries == len(kept)
    assert tier.counts.corrupt == tier.counts.evicted == 0


def test_what_is_put_again_takes_the_place_of_what_was(tier) -> None:
    tier.put_many({"a": b"old", "b": b"stays"})
    tier.put_many({"a": b"new"})
    assert tier.get_many(["a", "b"]) == {"a": b"new", "b": b"stays"}


@given(st.text(), st.binary(), st.binary(max_size=12))
def test_a_seal_breaks_with_its_key_or_its_value(key, value, other) -> None:
    assert unseal(key, seal(key, value)) == value
    assert unseal(key + "x", seal(key, value)) is None
    assert unseal(key, seal(key, value) + b"x") is None
    assert unseal(key, other) in (None, other[8:])


@pytest.mark.parametrize("make", [memory, lmdb, durable])
def test_the_cap_holds_and_the_latest_survive(make, tmp_path) -> None:
    small = make(tmp_path, MIB // 2)
    for _ in range(12):
        latest = values(100, 1000)
        small.put_many(latest)
    held = small.contents()
    assert held.bytes <= held.cap_bytes
    assert small.counts.evicted > 500
    assert len(small.get_many(latest)) == 100
    assert small.counts.corrupt == 0


@pytest.mark.parametrize("make", [memory, lmdb])
def test_one_put_beyond_the_cap_keeps_what_fits(make, tmp_path) -> None:
    small = make(tmp_path, MIB // 2)
    small.put_many(values(2000, 1000) | {"huge": os.urandom(MIB)})
    assert 100 < small.contents().entries < 600
    assert small.get_many(["huge"]) == {}


def test_the_least_recently_used_makes_room_in_memory(tmp_path) -> None:
    small = memory(tmp_path, 4 * 500)
    small.put_many({key: bytes(100) for key in "abcd"})
    small.get_many(["a"])
    small.put_many({"e": bytes(100)})
    assert set(small.get_many("abcde")) == {"a", "c", "d", "e"}


def test_a_corrupt_entry_in_memory_is_ignored_and_counted(tmp_path) -> None:
    tier = memory(tmp_path)
    tier.put_many({"a": b"1", "b": b"2"})
    entries = tier._memory.entries
    entries["a"] = entries["a"]._replace(stored=entries["a"].stored[:-1] + b"x")
    assert tier.get_many(["a", "b"]) == {"b": b"2"}
    assert tier.counts.corrupt == 1


def _flip(file: Path, found: bytes) -> None:
    data = file.read_bytes()
    position = data.find(found)
    assert position > 0
    descriptor = os.open(file, os.O_WRONLY)
    os.pwrite(descriptor, bytes([data[position] ^ 1]), position)
    os.close(descriptor)


def test_a_corrupt_entry_in_lmdb_is_ignored_and_counted(tmp_path) -> None:
    tier = LmdbStore(tmp_path, MIB)
    tier.put_many({"a": b"value of a", "b": b"value of b"})
    _flip(tmp_path / "data.mdb", b"value of a")
    assert tier.get_many(["a", "b"]) == {"b": b"value of b"}
    assert tier.counts.corrupt == 1


def test_values_are_compressed_against_words_that_they_share(tmp_path) -> None:
    kept = {f"{n:032x}": b'{"status":"ok","answer":"%d","reason":null}' % n for n in range(1000)}
    plain, dense = LmdbStore(tmp_path / "p"), LmdbStore(tmp_path / "d", words=ANSWER_WORDS)
    for store in (plain, dense):
        store.put_many(kept | {"empty": b"", "odd": b"\x01 as if packed"})
        assert store.get_many([*kept, "empty", "odd"])["odd"] == b"\x01 as if packed"
    assert dense.get_many(kept) == kept
    assert sum(n for _, n, _ in dense.entries()) < 0.6 * sum(n for _, n, _ in plain.entries())
    assert sorted(dense.values()) == sorted([*kept.values(), b"", b"\x01 as if packed"])


def test_what_was_put_before_without_words_is_read_with_them(tmp_path) -> None:
    LmdbStore(tmp_path).put_many({"a": b'{"status":"ok"}'})
    store = LmdbStore(tmp_path, words=ANSWER_WORDS)
    store.put_many({"b": b"1"})
    assert store.get_many("ab") == {"a": b'{"status":"ok"}', "b": b"1"}


def test_what_is_forgotten_is_found_in_packed_values_and_gone_from_the_file(tmp_path) -> None:
    store = LmdbStore(tmp_path, words=ANSWER_WORDS)
    store.put_group({"a": b'{"status":"ok","answer":"secret","reason":null}'})
    store.put_many({"b": b'{"status":"ok","answer":"other","reason":null}'})
    assert store.forget((), lambda key, value: b"secret" in value) == 1
    assert list(store.values()) == [b'{"status":"ok","answer":"other","reason":null}']
    assert b"secret" not in (tmp_path / "data.mdb").read_bytes()


def test_what_was_not_packed_is_given_back_and_what_is_cut_short_is_refused() -> None:
    assert unpacked(b"plain", b"words") == b"plain"
    with pytest.raises(ValueError, match="not what was packed"):
        unpacked(packed(b"a longer text", b"words")[:-2], b"words")


def test_a_corrupt_entry_in_redis_is_ignored_and_counted(tmp_path) -> None:
    import redis

    with redis_server(tmp_path) as (url, _):
        tier = RedisTier(url, DAY)
        tier.put_many({"a": b"1", "b": b"2"})
        redis.Redis.from_url(url).set("orchestration:a", b"something else")
        assert tier.get_many(["a", "b"]) == {"b": b"2"}
        assert tier.counts.corrupt == 1


def test_a_corrupt_entry_in_the_durable_table_is_ignored_and_counted(tmp_path) -> None:
    tier = ParquetTier(str(tmp_path), MIB, DAY)
    tier.put_many({"a": b"1", "b": b"2"})
    (segment,) = tmp_path.glob("*.parquet")
    table = pq.read_table(segment)
    changed = table.set_column(2, table.schema.field(2), [[b"not sealed", seal("b", b"2")]])
    pq.write_table(changed, segment)
    assert tier.get_many(["a", "b"]) == {"b": b"2"}
    assert tier.counts.corrupt == 1


def test_a_segment_that_is_no_parquet_is_ignored_and_counted_once(tmp_path) -> None:
    tier = ParquetTier(str(tmp_path), MIB, DAY)
    tier.put_many({"a": b"1"})
    (tmp_path / "000000000000001-abc.parquet").write_bytes(b"torn")
    assert tier.get_many(["a"]) == tier.get_many(["a"]) == {"a": b"1"}
    assert tier.counts.corrupt == 1
    assert "000000000000001-abc" in (tier.counts.last_error or "")


@pytest.mark.parametrize("damage", ["torn", "foreign"])
def test_a_broken_lmdb_file_is_set_aside_and_begun_anew(tmp_path, damage) -> None:
    # made by another process: this one would still hold the whole file open
    program = (
        "import sys; from resources.feature_cache.lmdb_store import LmdbStore\n"
        "LmdbStore(sys.argv[1]).put_many({str(n): bytes(2000) for n in range(200)})"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    file = tmp_path / "data.mdb"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3] if damage == "torn" else b"no database" * 5000)
    tier = LmdbStore(tmp_path)
    assert tier.get_many(["1"]) == {}
    assert tier.counts.errors == 1
    tier.put_many({"1": b"again"})
    assert tier.get_many(["1"]) == {"1": b"again"}
    assert (tmp_path / "data.mdb.broken").exists()


def test_the_durable_table_forgets_after_its_time_to_live(tmp_path) -> None:
    now = [1_000_000.0]
    tier = ParquetTier(str(tmp_path), MIB, 100.0, lambda: now[0])
    tier.put_many({"a": b"1"})
    now[0] += 60
    tier.put_many({"b": b"2"})
    now[0] += 60
    assert tier.get_many(["a", "b"]) == {"b": b"2"}
    tier.put_many({"c": b"3"})
    assert len(list(tmp_path.glob("*.parquet"))) == 2


def test_small_segments_are_merged_and_the_newest_value_stays(tmp_path) -> None:
    now = [1_000_000.0]
    tier = ParquetTier(str(tmp_path), MIB, DAY, lambda: now[0])
    kept: dict[str, bytes] = {}
    for n in range(40):
        now[0] += 1
        part = {f"k{n}": os.urandom(10), "shared": str(n).encode()}
        tier.put_many(part)
        kept |= part
    assert len(list(tmp_path.glob("*.parquet"))) < 20
    assert tier.get_many(kept) == kept


def test_the_durable_table_serves_another_machine_while_it_is_merged(tmp_path) -> None:
    here, there = (ParquetTier(str(tmp_path), MIB, DAY) for _ in range(2))
    kept = {}
    for n in range(20):
        kept[f"k{n}"] = bytes([n])
        here.put_many({f"k{n}": bytes([n])})
        assert there.get_many(kept) == kept


def test_redis_forgets_after_its_time_to_live(tmp_path) -> None:
    with redis_server(tmp_path) as (url, _):
        tier = RedisTier(url, 0.05)
        tier.put_many({"a": b"1"})
        ends = time.monotonic() + 10.0
        while tier.get_many(["a"]):
            assert time.monotonic() < ends, "it was not forgotten"


def test_a_dead_redis_is_a_tier_error_without_its_password(tmp_path) -> None:
    with redis_server(tmp_path, "--requirepass", "hunter2") as (url, process):
        tier = RedisTier(url.replace("//", "//:hunter2@"), DAY)
        tier.put_many({"a": b"1"})
        process.kill()
        process.wait()
        with pytest.raises(TierError) as caught:
            tier.get_many(["a"])
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_cannot_be_used_is_a_tier_error(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for tier in (LmdbStore(tmp_path / "file"), ParquetTier(str(tmp_path / "file"), MIB, DAY)):
        with pytest.raises(TierError):
            tier.put_many({"a": b"1"})


def test_reading_what_was_never_written_leaves_nothing_behind(tmp_path) -> None:
    for tier in (LmdbStore(tmp_path / "l"), ParquetTier(str(tmp_path / "p"), MIB, DAY)):
        assert tier.get_many(["a"]) == {}
        assert tier.contents().entries == 0
    assert list(tmp_path.iterdir()) == []


def test_several_processes_write_one_lmdb_at_once(tmp_path) -> None:
    program = (
        "import sys; from resources.feature_cache.lmdb_store import LmdbStore\n"
        "store = LmdbStore(sys.argv[1])\n"
        "for n in range(50): store.put_many({f'{sys.argv[2]}-{n}': sys.argv[2].encode() * 50})"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "xyz"
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    wanted = {f"{name}-{n}": name.encode() * 50 for name in "xyz" for n in range(50)}
    assert LmdbStore(tmp_path).get_many(wanted) == wanted


def test_what_is_forgotten_is_gone_and_all_else_is_there(tier) -> None:
    kept = values(30)
    secret = b"something that must go: " + os.urandom(40)
    named, quoting = {"by-name": os.urandom(50)}, {"by-value": b"a copy of " + secret}
    tier.put_many(kept | named)
    tier.put_many(quoting)
    assert tier.forget({"by-name", "never there"}, lambda key, value: secret in value) == 2
    everything = [*kept, *named, *quoting]
    assert tier.get_many(everything) == kept
    assert tier.contents().entries == len(kept)
    assert tier.forget({"by-name"}, lambda key, value: secret in value) == 0
    tier.put_many({"later": b"1"})
    assert tier.get_many([*everything, "later"]) == kept | {"later": b"1"}


@pytest.mark.parametrize("kind", ["lmdb", "durable"])
def test_no_file_holds_what_was_forgotten(tmp_path, kind) -> None:
    store = globals()[kind](tmp_path)
    secret = os.urandom(64)
    store.put_many(values(50) | {"secret": secret * 3})
    store.put_many({"secret": b"written over", "other": secret})

    def holding() -> list[Path]:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return [path for path in files if secret in _bytes_of(path)]

    assert holding()
    store.forget((), lambda key, value: secret in value)
    assert holding() == []


def _bytes_of(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    return b"".join(pq.read_table(path)["value"].to_pylist())


def test_a_store_that_is_open_goes_on_with_the_file_that_took_its_place(tmp_path) -> None:
    store = LmdbStore(tmp_path / "shared")
    store.put_many({"a": b"1", "b": b"2"})
    other = forked(_forget_one, tmp_path / "shared")
    other.join()
    assert other.exitcode == 0
    assert store.get_many(["a", "b"]) == {"b": b"2"}
    store.put_many({"c": b"3"})
    assert LmdbStore(tmp_path / "shared").get_many(["b", "c"]) == {"b": b"2", "c": b"3"}


def _forget_one(folder: Path) -> None:
    assert LmdbStore(folder).forget({"a"}, lambda key, value: False) == 1


def test_entries_are_listed_with_size_and_age(tmp_path) -> None:
    for store in (lmdb(tmp_path), durable(tmp_path)):
        before = time.time() - 1
        store.put_many({"a": b"1" * 100, "b": b"2" * 500})
        entries = {key: (size, written) for key, size, written in store.entries()}
        assert entries.keys() == {"a", "b"}
        assert all(
            size > 0 and before < written < time.time() + 1 for size, written in entries.values()
        )


def test_a_durable_tier_behind_s3_keeps_and_forgets(monkeypatch) -> None:
    pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            monkeypatch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("cache-bucket")
        kept = values(20)
        one, two = (ParquetTier("s3://cache-bucket/features", MIB, DAY) for _ in range(2))
        one.put_many(kept | {"gone": b"secret bytes"})
        assert two.get_many([*kept, "gone"]) == kept | {"gone": b"secret bytes"}
        assert two.forget({"gone"}, lambda key, value: False) == 1
        assert one.get_many([*kept, "gone"]) == kept
    finally:
        server.stop()
