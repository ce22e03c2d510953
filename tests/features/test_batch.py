"""Batches one after the other: what is kept, what is linked, and that nobody sees the future."""

import math
import re
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.features import batch as module
from orchestration_assets.features.batch import compute_vectors, relate, vector_key
from orchestration_assets.features.index import NAME, earlier_content, store_segment
from orchestration_assets.profiling.batch import ProfileChunk
from orchestration_assets.profiling.own_table import marked
from orchestration_assets.schemas.policy import Execution, FeatureCache, Features
from orchestration_assets.schemas.source_urls import file_address
from orchestration_assets.schemas.tables import AcceptedItem
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.feature_cache.opening import open_cache
from resources.home import Home
from resources.model_registry import ModelRegistry
from tests.features.test_near_copies import document, edited
from tests.workers import FakeWorkers, no_workers

FEATURES = Features()
STABLE = CONTENT_VECTORS.stable_columns


class Corpus:
    def __init__(self, root: Path) -> None:
        self.folder, self.home = root / "items", root / "home"
        self.folder.mkdir()
        self.read: list[str] = []

    @property
    def store(self) -> ModelRegistry:
        return Home(self.home).models

    def write(self, name: str, words: list[str]) -> AcceptedItem:
        path = self.folder / name
        path.write_text(" ".join(words))
        data = path.read_bytes()
        digest = blake2b(data, digest_size=16).hexdigest()
        address = file_address(path)
        return AcceptedItem(name, address, name, digest, len(data), "utf-8", False, None)

    def run(self, batch: str, rows: list[AcceptedItem], features: Features = FEATURES):
        self.read.clear()
        execution = Execution(cache=FeatureCache(min_item_bytes=0))
        cache = open_cache(self.home, execution.cache)
        work = ProfileChunk(Home(self.home), batch, file_address(self.folder), tuple(rows))
        vectors = compute_vectors(work, cache, execution, features.semantic, no_workers())
        earlier = earlier_content(self.store, Home(self.home).tables, batch, features.window)
        related = relate(vectors, earlier, features)
        store_segment(self.store, batch, features.window, earlier, related.representatives)
        Home(self.home).tables.write(CONTENT_VECTORS, related.table, batch)
        return related.table

    def earlier(self, batch: str, window: int):
        return earlier_content(self.store, Home(self.home).tables, batch, window)


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Corpus:
    made = Corpus(tmp_path)

    def counted(chunk, reader=None, whole=module.reread_texts):
        made.read += [row.path for row in chunk.rows]
        return whole(chunk, reader)

    monkeypatch.setattr(module, "reread_texts", counted)
    return made


def by_item(table, column: str) -> dict:
    return dict(zip(table["item_id"].to_pylist(), table[column].to_pylist(), strict=True))


def three_batches(corpus: Corpus) -> dict[str, list[AcceptedItem]]:
    one, other = document(1), document(2)
    return {
        "b1": [corpus.write("a", one), corpus.write("b", edited(one, 3, 1))],
        "b2": [corpus.write("c", edited(one, 3, 2)), corpus.write("d", other)],
        "b3": [corpus.write("e", edited(other, 60, 3)), corpus.write("f", ["short"])],
    }


def test_copies_and_neighbours_are_found_across_batches_and_only_backwards(corpus) -> None:
    tables = {batch: corpus.run(batch, rows) for batch, rows in three_batches(corpus).items()}
    first = by_item(tables["b1"], "representative")
    assert len({*first.values()}) == 1
    assert not any(tables["b1"]["neighbours"].to_pylist())
    leader = first["a"]
    assert by_item(tables["b2"], "representative") == {"c": leader, "d": "d"}
    assert by_item(tables["b2"], "representative_batch") == {"c": "b1", "d": "b2"}
    near = by_item(tables["b3"], "neighbours")
    assert (near["e"][0]["batch"], near["e"][0]["item_id"]) == ("b2", "d")
    assert all(one["batch"] < "b3" for one in near["e"])
    assert by_item(tables["b3"], "sketch")["f"] is None


def test_a_batch_run_again_gives_equal_rows_whatever_came_since(corpus) -> None:
    batches = three_batches(corpus)
    before = {batch: corpus.run(batch, rows) for batch, rows in batches.items()}
    corpus.run("b0", [corpus.write("z", document(2))])  # an earlier key that came late
    for batch, rows in batches.items():
        again = corpus.run(batch, rows)
        assert again.select(STABLE).equals(before[batch].select(STABLE)), batch
        assert corpus.read == []


def test_what_no_tier_keeps_is_found_in_the_stored_table(corpus) -> None:
    rows = [corpus.write(f"{n:02d}", document(n, 60)) for n in range(10)]
    work = ProfileChunk(Home(corpus.home), "b", file_address(corpus.folder), tuple(rows))

    def vectors():
        corpus.read.clear()
        cache = open_cache(corpus.home, FeatureCache())
        found = compute_vectors(work, cache, Execution(), False, no_workers())
        assert [tier.counts.written for tier in cache.tiers] == [0, 0, 0]
        return found

    cold = vectors()
    assert (len(corpus.read), cold.own.not_kept, cold.own.hits) == (10, 10, 0)
    table = relate(cold, corpus.earlier("b", 100), FEATURES).table
    Home(corpus.home).tables.write(CONTENT_VECTORS, marked(table, cold.keys), "b")
    warm = vectors()
    assert corpus.read == []
    assert warm.found.equals(cold.found)
    assert set(warm.origins) == {"table"}


def test_one_edit_costs_one_computation(corpus) -> None:
    rows = [corpus.write(f"{n:02d}", document(n, 60)) for n in range(40)]
    corpus.run("b1", rows)
    assert len(corpus.read) == 40
    rows[7] = corpus.write("07", document(99, 60))
    table = corpus.run("b2", rows)
    assert corpus.read == ["07"]
    assert table["item_id"].to_pylist() == [row.item_id for row in rows]
    assert by_item(table, "representative")["07"] == "07"


def test_the_window_bounds_what_is_searched(corpus) -> None:
    rows = three_batches(corpus)
    narrow = Features(window=1)
    for batch in ("b1", "b2"):
        corpus.run(batch, rows[batch], narrow)
    assert len(corpus.earlier("b3", 1).items) == 1
    assert len(corpus.earlier("b3", 10).items) == 2
    assert corpus.earlier("b1", 10).items == ()
    none = corpus.run("b3", rows["b3"], Features(window=0, neighbours=0))
    assert not any(none["neighbours"].to_pylist())


def test_content_that_changed_is_a_row_with_its_reason_and_is_not_kept(corpus) -> None:
    row = corpus.write("a", document(1))
    (corpus.folder / "a").write_text("something else")
    table = corpus.run("b1", [row])
    assert table["status"].to_pylist() == ["superseded"]
    assert table["vector"].to_pylist() == [None]
    assert corpus.earlier("b2", 10).items == ()
    corpus.write("a", document(1))
    assert corpus.run("b1", [row])["status"].to_pylist() == ["ok"]
    assert corpus.read == ["a"]


def test_a_batch_without_items_is_a_table_without_rows(corpus) -> None:
    assert corpus.run("b1", []).num_rows == 0
    assert corpus.earlier("b2", 10).items == ()


def test_vectors_of_one_kind_are_not_taken_for_another(corpus) -> None:
    row = corpus.write("a", document(1))
    assert vector_key(row, True) != vector_key(row, False)
    assert vector_key(replace(row, path="elsewhere"), True) == vector_key(row, True)


def test_a_segment_that_was_changed_is_left_out_with_the_remedy(corpus, caplog) -> None:
    corpus.run("b1", [corpus.write("a", document(1))])
    (arrays,) = (corpus.home / "models" / NAME / "b1").glob("*.npz")
    data = bytearray(arrays.read_bytes())
    data[len(data) // 2] ^= 1
    arrays.write_bytes(bytes(data))
    assert corpus.earlier("b2", 10).items == ()
    assert re.search(r"b1 cannot be read.*materialize", caplog.text)


def test_a_segment_whose_table_is_gone_or_damaged_is_left_out(corpus, caplog) -> None:
    corpus.run("b1", [corpus.write("a", document(1))])
    path = Home(corpus.home).tables.path(CONTENT_VECTORS.name, "b1")
    path.write_bytes(path.read_bytes()[:-40])
    assert corpus.earlier("b2", 10).items == ()
    assert "left out" in caplog.text
    path.unlink()
    assert corpus.earlier("b2", 10).items == ()


@pytest.mark.parametrize(
    ("column", "numbers"),
    [("vector", [0.5]), ("vector", [math.nan] * 512), ("sketch", [7] * 127), ("sketch", [])],
)
def test_so_is_one_whose_table_has_other_numbers(corpus, caplog, column, numbers) -> None:
    corpus.run("b1", [corpus.write("a", document(1))])
    tables = Home(corpus.home).tables
    table = tables.read(CONTENT_VECTORS.name, "b1")
    at = table.schema.get_field_index(column)
    broken = pa.array([numbers], table.schema.field(at).type)
    tables.write(CONTENT_VECTORS, table.set_column(at, table.schema.field(at), broken), "b1")
    assert corpus.earlier("b2", 10).items == ()
    assert re.search(r"left out: .*b1\.parquet: has a row.*--reprocess", caplog.text)


def test_segments_that_held_the_numbers_themselves_are_read(corpus) -> None:
    rows = [*three_batches(corpus)["b1"], corpus.write("x", ["too", "short"])]
    corpus.run("b1", rows)
    now = corpus.earlier("b2", 10)
    has_sketch = np.isin(np.arange(len(now.items)), now.sketched)
    assert has_sketch.any() and not has_sketch.all()
    arrays = {
        "items": np.array([item.encode() for item in now.items], dtype=np.bytes_),
        "vectors": now.vectors,
        "has_sketch": has_sketch,
        "sketches": now.sketches | np.uint32(0xABCD << 16),  # they had 32 bits
    }
    corpus.store.store(NAME, arrays, {"window": 10, "earlier": [], "representatives": 2}, "b1")
    Home(corpus.home).tables.path(CONTENT_VECTORS.name, "b1").unlink()
    before = corpus.earlier("b2", 10)
    assert (before.items, before.sketched) == (now.items, now.sketched)
    assert np.array_equal(before.vectors, now.vectors)
    assert np.array_equal(before.sketches, now.sketches)


def test_every_row_names_a_representative_that_is_its_own(corpus) -> None:
    rows = [corpus.write(f"{n:02d}", edited(document(n % 4), n % 7, n)) for n in range(40)]
    table = corpus.run("b1", rows)
    named = by_item(table, "representative")
    assert all(named[representative] == representative for representative in named.values())
    assert pc.min(table["similarity"]).as_py() >= FEATURES.near_duplicate_at


def test_what_was_finished_is_kept_when_the_cluster_breaks(corpus) -> None:
    rows = tuple(corpus.write(f"{n:02d}", document(n, 60)) for n in range(30))
    tiers = Execution().tiers.model_copy(
        update={"dask_from_items": 1, "dask_from_s": 0, "chunk_items": 10}
    )
    execution = Execution(tiers=tiers, cache=FeatureCache(min_item_bytes=0))
    work = ProfileChunk(Home(corpus.home), "b1", file_address(corpus.folder), rows)

    def breaks(function, pieces):
        for piece in pieces[:2]:
            yield piece, function(piece)
        raise RuntimeError("lost")

    cache = open_cache(corpus.home, execution.cache)
    with pytest.raises(RuntimeError, match="lost"):
        compute_vectors(work, cache, execution, False, FakeWorkers(breaks))
    corpus.run("b1", list(rows))
    assert len(corpus.read) == 10


def test_items_without_text_stand_between_others_in_a_chunk(corpus) -> None:
    rows = [corpus.write(name, document(n)) for n, name in enumerate("abcd")]
    rows.append(corpus.write("e", ["?!"]))
    (corpus.folder / "b").write_text("something else")
    together = corpus.run("b1", rows)
    assert together["status"].to_pylist() == ["ok", "superseded", "ok", "ok", "ok"]
    assert [one is None for one in together["vector"].to_pylist()] == [0, 1, 0, 0, 1]
    for n in (0, 2, 3):
        (alone,) = corpus.run(f"c{n}", [rows[n]])["vector"].to_pylist()
        assert together["vector"].to_pylist()[n] == alone


@given(st.permutations(range(7)), st.lists(st.booleans(), min_size=7, max_size=7), st.data())
def test_columns_that_are_collected_in_any_order_are_those_of_one_piece(
    order, worded, data
) -> None:
    texts = [f"word{n} and some more" if has else "" for n, has in enumerate(worded)]
    whole = module._computed(texts, semantic=False)
    collected = module.CollectedColumns(len(texts))
    cut = data.draw(st.integers(0, len(order)))
    for places in (order[:cut], order[cut:]):
        collected.add(whole.take(pa.array(places, pa.int64())), places)
    assert collected.table().equals(whole)


def test_what_is_no_vector_is_not_collected() -> None:
    whole = module._computed(["some words"], semantic=False)
    short = pa.array([[1.0]], whole.schema.field("vector").type)
    at = whole.schema.get_field_index("vector")
    with pytest.raises(ValueError, match="other than 512 numbers"):
        module.CollectedColumns(1).add(whole.set_column(at, "vector", short), [0])
