"""What is known of items before any call."""

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.evidence.item_inputs import ItemInputs

PROFILES = pa.table({"byte_count": [3, 5], "readability": [None, 2.5], "has_shebang": [True, None]})


def test_numbers_are_columns_with_nan_where_an_item_has_no_value() -> None:
    inputs = ItemInputs(PROFILES, np.zeros((2, 512), np.float32))

    found = inputs.numbers(("has_shebang", "readability", "byte_count"))

    np.testing.assert_array_equal(found, [[1.0, np.nan, 3.0], [np.nan, 2.5, 5.0]])


def test_items_are_taken_in_order_with_all_their_parts() -> None:
    words = np.arange(1024, dtype=np.float32).reshape(2, 512)

    taken = ItemInputs(PROFILES, words, words[:, :3]).take(np.array([1, 0]))

    assert taken.profiles["byte_count"].to_pylist() == [5, 3]
    np.testing.assert_array_equal(taken.words, words[::-1])
    assert taken.semantic is not None
    np.testing.assert_array_equal(taken.semantic, words[::-1, :3])


def test_parts_about_different_numbers_of_items_do_not_fit() -> None:
    with pytest.raises(ValueError, match="words are of 3 items, profiles of 2"):
        ItemInputs(PROFILES, np.zeros((3, 512), np.float32))
