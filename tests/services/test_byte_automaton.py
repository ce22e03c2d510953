"""The automaton sees in texts what the table that it was made of leads to, byte by byte."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orchestration_assets.services.language.byte_automaton import ByteAutomaton

STATES = 6
LETTERS = 256

# few different values, so that blocks come again and rows differ in some
tables = arrays(np.uint32, (4, LETTERS), elements=st.integers(0, STATES - 1), fill=st.just(0))
rows = st.lists(st.integers(0, 3), min_size=STATES, max_size=STATES)
features = st.lists(st.integers(-1, 9), min_size=STATES, max_size=STATES)


def walked(table: Any, row: Sequence[int], feature: Sequence[int], text: bytes) -> list[int]:
    state, seen = 0, []
    for letter in text:
        state = int(table[row[state], letter])
        if feature[state] >= 0:
            seen.append(feature[state])
    return seen


@given(tables, rows, features, st.lists(st.binary(max_size=60), min_size=1, max_size=40))
def test_a_text_alone_and_among_others_is_read_as_by_the_table(
    table: Any, row: list[int], feature: list[int], texts: list[bytes]
) -> None:
    automaton = ByteAutomaton.of_table(table.ravel(), row, feature)

    expected = [walked(table, row, feature, text) for text in texts]

    assert [automaton.features_of(text) for text in texts] == expected
    counted = [(numbers.tolist(), times.tolist()) for numbers, times in automaton.counted(texts)]
    # in the order of the first ones: sums over them round alike
    assert counted == [(list(Counter(seen)), list(Counter(seen).values())) for seen in expected]


def test_blocks_that_lead_to_the_same_states_are_held_once() -> None:
    table = np.zeros((1_000, LETTERS), np.uint32)
    table[7, 65] = 1

    automaton = ByteAutomaton.of_table(table.ravel(), [7, 8], [-1, 3])

    assert len(automaton.following) == 2 * 32
    assert automaton.features_of(b"AxA") == [3, 3]
