"""Profiles and vectors of several batches as inputs, by content."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import DIMENSIONS, hashed_words
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, VectorRow
from orchestration_assets.selection.content_inputs import inputs_of_contents, read_inputs
from resources.home import Home
from resources.table_store import TableStore, parquet_bytes
from tests.rows import row


def profiles(*contents: tuple[str, int], status: str = "ok") -> pa.Table:
    """What content_profiles holds, and nothing in the columns that no test is about."""
    schema = pa.schema([field.with_nullable(True) for field in CONTENT_PROFILES.schema])
    rows = [
        {"content_hash": content, "status": status, "word_count": words}
        for content, words in contents
    ]
    return pa.Table.from_pylist(rows, schema)


def vectors(*contents: tuple[str, str], semantic=None) -> pa.Table:
    rows = [
        row(
            VectorRow,
            item_id=f"i{n}",
            content_hash=content,
            vector=tuple(hashed_words([text])[0].tolist()) if text else None,
            terms=tuple(packed_terms(text)) or None,
            semantic=semantic,
        )
        for n, (content, text) in enumerate(contents)
    ]
    return rows_to_arrow(CONTENT_VECTORS, rows)


def test_inputs_come_in_the_order_of_the_contents_and_say_what_is_unknown() -> None:
    wanted = ["b", "missing", "a", "empty", "failed"]
    known = [("a", 1), ("b", 2), ("empty", 0)]
    failed = profiles(("failed", 9), status="failed")
    words = vectors(("a", "red fox"), ("b", "blue sea"), ("empty", ""), ("failed", "no"))
    inputs, described = inputs_of_contents(
        wanted, [profiles(*known), failed], [words], semantic=False
    )
    assert described.tolist() == [True, False, True, True, False]
    numbers = inputs.numbers(["word_count"]).ravel()
    assert numbers[[0, 2, 3]].tolist() == [2.0, 1.0, 0.0]
    assert np.isnan(numbers[[1, 4]]).all()
    np.testing.assert_allclose(inputs.words[[0, 2]], hashed_words(["blue sea", "red fox"]))
    assert not inputs.words[[1, 3]].any()
    assert inputs.terms is not None
    assert inputs.terms.take(slice(0, 1)).packed.tolist() == list(packed_terms("blue sea"))
    assert (inputs.semantic, len(inputs)) == (None, 5)


def test_the_last_batch_that_has_a_content_counts() -> None:
    parts = [vectors(("a", "red fox"), semantic=(0.0, 1.0)), vectors(("a", "red fox"), ("b", ""))]
    inputs, _ = inputs_of_contents(
        ["a", "b"], [profiles(("a", 1)), profiles(("a", 7))], parts, semantic=True
    )
    assert inputs.numbers(["word_count"])[0, 0] == 7.0
    # the last row has no embedded words
    assert inputs.semantic is None


def test_embedded_words_are_read_where_the_policy_asks_for_them() -> None:
    tables = [vectors(("a", "red fox"), semantic=(0.0, 1.0)), vectors(("b", "blue"))]
    inputs, _ = inputs_of_contents(["b", "a"], [], tables, semantic=True)
    assert inputs.semantic is not None
    assert inputs.semantic.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def _before_terms_were_declared(table: pa.Table) -> list[pa.Table]:
    """The same rows as they were stored then: without the column, or, read since, with nulls."""
    place, field = table.schema.get_field_index("terms"), table.schema.field("terms")
    nulls = pa.nulls(table.num_rows, field.type)
    return [table.drop_columns(["terms"]), table.set_column(place, field, nulls)]


@given(st.lists(st.sampled_from(["", "red fox", "blue sea", "北京"]), min_size=1, max_size=6))
def test_terms_that_were_never_stored_are_unknown_and_not_none(texts) -> None:
    contents = [f"c{n}" for n in range(len(texts))]
    known = profiles(*((name, 1) for name in contents))
    now = vectors(*zip(contents, texts, strict=True))
    _, described = inputs_of_contents(contents, [known], [now], semantic=False)
    assert described.all()
    for before in _before_terms_were_declared(now):
        _, described = inputs_of_contents(contents, [known], [before], semantic=False)
        # what has no words has no terms either
        assert described.tolist() == [not text for text in texts]


class RecordingStore(TableStore):
    """Notes what is read of which batch."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[tuple[str, str | None, tuple[str, ...] | None]] = []

    def read(self, table, batch=None, columns=None) -> pa.Table:
        self.reads.append((table, batch, None if columns is None else tuple(columns)))
        return super().read(table, batch, columns)


def stored_vectors(folder: Path, batches: dict[str, pa.Table]) -> RecordingStore:
    store = RecordingStore(folder)
    for batch, table in batches.items():
        store.write(CONTENT_VECTORS, table, batch)
    return store


def test_of_stored_vectors_only_what_is_needed_is_read(tmp_path) -> None:
    batches = {"b1": vectors(("a", "red fox"), ("b", "blue sea")), "b2": vectors(("c", "old tree"))}
    store = stored_vectors(tmp_path, batches)
    inputs, _ = read_inputs(store, ["b"], semantic=False)
    np.testing.assert_allclose(inputs.words, hashed_words(["blue sea"]))
    of_vectors = [read[1:] for read in store.reads if read[0] == CONTENT_VECTORS.name]
    hashes = ("content_hash",)
    needed = ("content_hash", "status", "vector", "terms")
    assert of_vectors == [("b1", hashes), ("b1", needed), ("b2", hashes)]


def test_tables_from_before_a_column_was_declared_are_read_as_they_are(tmp_path) -> None:
    store = stored_vectors(tmp_path, {"b1": vectors(("a", "red fox"), ("b", ""))})
    path = store.path(CONTENT_VECTORS.name, "b1")
    path.write_bytes(parquet_bytes(pq.read_table(path).drop_columns(["terms"])))
    inputs, _ = read_inputs(store, ["a", "b"], semantic=False)
    np.testing.assert_allclose(inputs.words[:1], hashed_words(["red fox"]))
    assert inputs.terms is not None and not len(inputs.terms.packed)


def test_without_any_table_nothing_is_known(tmp_path) -> None:
    inputs, described = read_inputs(Home(tmp_path).tables, ["a"], semantic=True)
    assert isinstance(inputs, ItemInputs) and inputs.words.shape == (1, DIMENSIONS)
    assert not described.any()
