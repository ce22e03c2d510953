"""Terms of many items in one array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.item_terms import item_terms
from tests.evidence.test_item_inputs import PROFILES

LISTS = st.lists(st.none() | st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=8)


@given(LISTS, st.randoms(use_true_random=False))
def test_items_are_taken_with_their_terms(lists: list[list[int] | None], random) -> None:
    terms = item_terms(lists)
    rows = [random.randrange(len(lists)) for _ in lists]

    taken = terms.take(np.array(rows, dtype=np.int64))

    assert len(terms) == len(lists)
    for row, begin, end in zip(rows, taken.starts[:-1], taken.starts[1:], strict=True):
        assert taken.packed[begin:end].tolist() == (lists[row] or [])


def test_a_term_is_a_hash_and_a_count() -> None:
    terms = item_terms([[(7 << 8) | 3], None, [(9 << 8) | 1, (11 << 8) | 255]])

    assert terms.ids.tolist() == [7, 9, 11]
    assert terms.counts.tolist() == [3, 1, 255]
    assert terms.items.tolist() == [0, 2, 2]


def test_terms_of_another_number_of_items_do_not_fit() -> None:
    with pytest.raises(ValueError, match="terms are of 3 items, profiles of 2"):
        ItemInputs(PROFILES, np.zeros((2, 512), np.float32), terms=item_terms([None] * 3))
