"""Profiles and vectors of several batches as inputs, by content."""

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import DIMENSIONS, hashed_words
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, VectorRow
from orchestration_assets.selection.content_inputs import inputs_of_contents, read_inputs
from resources.home import Home
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


def test_without_any_table_nothing_is_known(tmp_path) -> None:
    inputs, described = read_inputs(Home(tmp_path).tables, ["a"], semantic=True)
    assert isinstance(inputs, ItemInputs) and inputs.words.shape == (1, DIMENSIONS)
    assert not described.any()
