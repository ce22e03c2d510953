"""Profiles come from the cache exactly when nothing that they depend on has changed."""

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pyarrow.compute as pc
import pytest

from orchestration_assets.profiling import batch as batch_module
from orchestration_assets.profiling import profile_cache
from orchestration_assets.profiling.batch import ProfileChunk, profile_batch
from orchestration_assets.profiling.profile_cache import profile_key, profiler_version
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.policy import Execution, FeatureCache
from orchestration_assets.schemas.source_urls import file_address
from orchestration_assets.schemas.tables import CONTENT_PROFILES, AcceptedItem
from resources.feature_cache.opening import open_cache
from resources.home import Home
from tests.workers import FakeWorkers, no_workers

STABLE = CONTENT_PROFILES.stable_columns


def accepted(folder: Path) -> tuple[AcceptedItem, ...]:
    rows = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        digest = blake2b(data, digest_size=16).hexdigest()
        name, address = path.name, file_address(path)
        rows.append(
            AcceptedItem(f"id-{name}", address, name, digest, len(data), "utf-8", False, None)
        )
    return tuple(rows)


class Bench:
    """A folder of items and a home whose cache is opened afresh for every run."""

    def __init__(self, root: Path) -> None:
        self.folder, self.home = root / "items", root / "home"
        self.folder.mkdir()
        self.execution = Execution(cache=FeatureCache(min_item_bytes=0))
        self.computed: list[str] = []

    def run(self, **cache):
        self.computed.clear()
        settings = FeatureCache(**{"min_item_bytes": 0, **cache})
        execution = self.execution.model_copy(update={"cache": settings})
        work = ProfileChunk(Home(self.home), "b", file_address(self.folder), accepted(self.folder))
        tiers = open_cache(self.home, execution.cache)
        return profile_batch(work, tiers, execution, no_workers()), tiers


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    made = Bench(tmp_path)
    for n in range(30):
        (made.folder / f"{n:02d}.py").write_text(f"def f{n}(a):\n    return a + {n}\n")

    def counted(path, text, **options):
        made.computed.append(path)
        return profile(path, text, **options)

    monkeypatch.setattr(batch_module, "profile", counted)
    return made


@pytest.mark.parametrize("turned_off", [{}, {"memory_bytes": 0}, {"local_bytes": 0}])
def test_what_has_not_changed_is_not_computed_again(bench, turned_off) -> None:
    cold, _ = bench.run(**turned_off)
    assert len(bench.computed) == 30
    warm, _ = bench.run(**turned_off)
    assert bench.computed == []
    assert warm.from_cache == 30
    assert warm.profiles.select(STABLE).equals(cold.profiles.select(STABLE))
    assert set(cold.profiles["origin"].to_pylist()) == {"computed"}


def test_one_edit_costs_one_computation_and_the_whole_table_comes_back(bench) -> None:
    bench.run()
    (bench.folder / "07.py").write_text("changed = 1\n")
    done, _ = bench.run()
    assert bench.computed == ["07.py"]
    assert done.profiles["path"].to_pylist() == [f"{n:02d}.py" for n in range(30)]
    assert done.profiles["line_count"].to_pylist() == [1 if n == 7 else 2 for n in range(30)]


def test_the_tier_that_had_it_is_named_row_by_row(bench) -> None:
    bench.run(memory_bytes=0)
    done, _ = bench.run(memory_bytes=0)
    assert set(done.profiles["origin"].to_pylist()) == {"lmdb"}
    done, _ = bench.run(memory_bytes=0, local_bytes=0)
    assert set(done.profiles["origin"].to_pylist()) == {"durable"}


def test_an_item_that_changed_since_it_was_accepted_is_superseded_not_remembered(bench) -> None:
    rows = accepted(bench.folder)
    bench.run()
    (bench.folder / "03.py").write_text("something else\n")
    (bench.folder / "04.py").unlink()
    cache = open_cache(bench.home, bench.execution.cache)
    work = ProfileChunk(Home(bench.home), "b", file_address(bench.folder), rows)
    done = profile_batch(work, cache, bench.execution, no_workers())
    lost = done.profiles.filter(pc.not_equal(done.profiles["status"], "ok"))
    assert lost["path"].to_pylist() == ["03.py", "04.py"]
    assert set(lost["status"].to_pylist()) == {"superseded"}
    assert done.profiles["path"].to_pylist() == [row.path for row in rows]


def test_a_failure_is_never_kept(bench) -> None:
    rows = accepted(bench.folder)
    data = (bench.folder / "05.py").read_bytes()
    (bench.folder / "05.py").write_bytes(b"not what was accepted")
    work = ProfileChunk(Home(bench.home), "b", file_address(bench.folder), rows)
    cache = open_cache(bench.home, bench.execution.cache)
    failed = profile_batch(work, cache, bench.execution, no_workers())
    assert failed.profiles["status"].to_pylist()[5] == "superseded"
    (bench.folder / "05.py").write_bytes(data)
    done, _ = bench.run()
    assert bench.computed == ["05.py"]
    assert set(done.profiles["status"].to_pylist()) == {"ok"}


def test_what_the_clock_cut_short_is_not_kept(bench, monkeypatch) -> None:
    def cut(path, text, **options):
        found = profile(path, text, **options)
        return replace(found, cut_by_clock=path == "02.py")

    with monkeypatch.context() as patched:
        patched.setattr(batch_module, "profile", cut)
        bench.run()
    bench.run()
    assert bench.computed == ["02.py"]


def test_a_value_that_is_no_profile_is_counted_and_computed_again(bench) -> None:
    bench.run(memory_bytes=0, durable=None)
    (row, *_) = accepted(bench.folder)
    cache = open_cache(bench.home, FeatureCache(memory_bytes=0, durable=None))
    cache.put_many({profile_key(row.content_hash, row.encoding, row.path): b"no profile"})
    done, tiers = bench.run(memory_bytes=0, durable=None)
    assert bench.computed == ["00.py"]
    assert done.from_cache == 29
    assert tiers.tiers[0].counts.corrupt == 1


def test_small_items_are_not_kept_when_the_policy_says_so(bench) -> None:
    (bench.folder / "long.py").write_text("value = 1\n" * 50)
    bench.run(min_item_bytes=200)
    bench.run(min_item_bytes=200)
    assert len(bench.computed) == 30
    assert "long.py" not in bench.computed


def test_what_no_tier_keeps_is_found_in_the_stored_table(bench) -> None:
    (bench.folder / "long.py").write_text("value = 1\n" * 200)
    cold, tiers = bench.run(min_item_bytes=None)
    assert (cold.own.lookups, cold.own.hits, cold.own.not_kept) == (30, 0, 30)
    assert [tier.counts.written for tier in tiers.tiers] == [1, 1, 1]
    tables = Home(bench.home).tables
    tables.write(CONTENT_PROFILES, cold.profiles, "b")
    warm, _ = bench.run(min_item_bytes=None)
    assert bench.computed == []
    assert (warm.from_cache, warm.from_table) == (1, 30)
    assert warm.own.hits == 30
    assert set(warm.profiles["origin"].to_pylist()) == {"memory", "table"}
    assert warm.profiles.select(STABLE).equals(cold.profiles.select(STABLE))
    tables.write(CONTENT_PROFILES, warm.profiles, "b")
    assert bench.run(min_item_bytes=None)[0].from_table == 30


def test_the_stored_table_serves_only_what_it_was_made_from(bench, monkeypatch) -> None:
    cold, _ = bench.run(min_item_bytes=None)
    tables = Home(bench.home).tables
    unmarked = cold.profiles.replace_schema_metadata(None)
    tables.write(CONTENT_PROFILES, unmarked, "b")
    assert bench.run(min_item_bytes=None)[0].from_table == 0
    tables.write(CONTENT_PROFILES, cold.profiles, "another")
    assert bench.run(min_item_bytes=None)[0].from_table == 0
    tables.write(CONTENT_PROFILES, cold.profiles, "b")
    with monkeypatch.context() as patched:
        patched.setattr(profile_cache, "profiler_version", lambda: "another version")
        assert bench.run(min_item_bytes=None)[0].from_table == 0
    (bench.folder / "07.py").write_text("changed = 1\n")
    assert bench.run(min_item_bytes=None)[0].from_table == 0


def test_another_item_of_the_same_content_and_name_has_its_own_row(bench) -> None:
    """Where the first of two equal files is gone, the manifest made again accepts the second."""
    cold, _ = bench.run(min_item_bytes=None)
    Home(bench.home).tables.write(CONTENT_PROFILES, cold.profiles, "b")
    rows = list(accepted(bench.folder))
    (bench.folder / "other").mkdir()
    (bench.folder / "00.py").rename(bench.folder / "other" / "00.py")
    address = file_address(bench.folder / "other" / "00.py")
    rows[0] = replace(rows[0], item_id="id-other", address=address, path="other/00.py")
    execution = Execution()
    work = ProfileChunk(Home(bench.home), "b", file_address(bench.folder), tuple(rows))
    done = profile_batch(work, open_cache(bench.home, execution.cache), execution, no_workers())
    for column in ("item_id", "path"):
        assert done.profiles[column].to_pylist() == [getattr(row, column) for row in rows]
    assert set(done.profiles["status"].to_pylist()) == {"ok"}


def test_a_damaged_stored_table_costs_only_time(bench) -> None:
    cold, _ = bench.run(min_item_bytes=None)
    path = Home(bench.home).tables.write(CONTENT_PROFILES, cold.profiles, "b")
    path.write_bytes(path.read_bytes()[:-100])
    done, _ = bench.run(min_item_bytes=None)
    assert len(bench.computed) == 30
    assert done.profiles.select(STABLE).equals(cold.profiles.select(STABLE))


def test_an_item_of_the_stored_table_that_changed_is_superseded(bench) -> None:
    rows = accepted(bench.folder)
    cold, _ = bench.run(min_item_bytes=None)
    Home(bench.home).tables.write(CONTENT_PROFILES, cold.profiles, "b")
    (bench.folder / "03.py").write_text("something else\n")
    execution = Execution()
    work = ProfileChunk(Home(bench.home), "b", file_address(bench.folder), rows)
    done = profile_batch(work, open_cache(bench.home, execution.cache), execution, no_workers())
    assert done.profiles["status"].to_pylist()[3] == "superseded"
    assert (done.from_table, done.profiles.num_rows) == (29, 30)
    # what is no whole profile is not taken from the table afterwards either
    Home(bench.home).tables.write(CONTENT_PROFILES, done.profiles, "b")
    (bench.folder / "03.py").write_text("def f3(a):\n    return a + 3\n")
    bench.computed.clear()
    bench.run(min_item_bytes=None)
    assert bench.computed == ["03.py"]


def test_what_was_finished_is_kept_when_the_cluster_breaks(bench, monkeypatch) -> None:
    monkeypatch.setattr(batch_module, "_STORE_EVERY", 1000)
    tiers = bench.execution.tiers.model_copy(
        update={"dask_from_items": 1, "dask_from_s": 0, "chunk_items": 10}
    )
    execution = bench.execution.model_copy(update={"tiers": tiers})

    def breaks(function, pieces):
        for piece in pieces[:2]:
            yield piece, function(piece)
        raise RuntimeError("lost")

    work = ProfileChunk(Home(bench.home), "b", file_address(bench.folder), accepted(bench.folder))
    cache = open_cache(bench.home, execution.cache)
    with pytest.raises(RuntimeError, match="lost"):
        profile_batch(work, cache, execution, FakeWorkers(breaks))
    done, _ = bench.run()
    assert len(bench.computed) == 10
    assert done.from_cache == 20


def test_the_key_covers_all_that_a_profile_depends_on(monkeypatch) -> None:
    same = profile_key("c", "utf-8", "other/b.py")
    keys = [
        profile_key("c", "utf-8", "a/b.py"),
        profile_key("c", "utf-8", "a/B.py"),
        profile_key("c", "utf-8", "a/b.js"),
        profile_key("C", "utf-8", "a/b.py"),
        profile_key("c", "latin-1", "a/b.py"),
    ]
    monkeypatch.setattr(
        "orchestration_assets.profiling.profile_cache.profiler_version", lambda: "next"
    )
    keys.append(profile_key("c", "utf-8", "a/b.py"))
    assert len(set(keys)) == len(keys)
    assert same == keys[0]


@pytest.mark.parametrize("text", ["def f():\n    pass\n", "# Title\n\nWords.\n", "{}"])
def test_the_profiler_reads_of_the_path_no_more_than_the_key_has(text) -> None:
    for name in ("x.py", "Makefile", "y.md", "z"):
        here, there = (profile(p + name, text, size_bytes=9) for p in ("", "docs/v1.2/"))
        assert here.features == there.features


def test_the_profilers_version_covers_its_modules() -> None:
    assert profiler_version() == profiler_version()
    assert len(profiler_version()) == 16
