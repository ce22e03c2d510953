"""Rows are equal when all of their values are, to the last bit."""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.equal_rows import first_of_each, list_codes, row_codes

_NUMBER = st.sampled_from([0.0, -0.0, 0.5, 1.0, float("nan")])
_WORD = st.sampled_from(["", "a", "b", "ab"])
_PAIR = st.fixed_dictionaries({"answer": _WORD, "confidence": st.none() | _NUMBER})
_ROW = st.fixed_dictionaries(
    {
        "word": st.none() | _WORD,
        "flag": st.booleans(),
        "whole": st.none() | st.integers(0, 2),
        "number": st.none() | _NUMBER,
        "words": st.none() | st.lists(_WORD, max_size=2),
        "numbers": st.none() | st.lists(_NUMBER, max_size=2),
        "pairs": st.lists(_PAIR, max_size=2),
        "pair": st.none() | _PAIR,
    }
)
_TYPES = pa.schema(
    {
        "word": pa.string(),
        "flag": pa.bool_(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "words": pa.list_(pa.string()),
        "numbers": pa.list_(pa.float32()),
        "pairs": pa.list_(pa.struct({"answer": pa.string(), "confidence": pa.float64()})),
        "pair": pa.struct({"answer": pa.string(), "confidence": pa.float64()}),
    }
)


def bits(value: Any) -> Any:
    """The value with numbers as their bytes, so that 0.0 is not -0.0 and equal to itself."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, list):
        return tuple(map(bits, value))
    if isinstance(value, dict):
        return tuple((name, bits(one)) for name, one in value.items())
    return value


@given(st.lists(_ROW, max_size=12), st.integers(0, 3), st.integers(0, 3))
def test_rows_have_one_code_when_all_values_are_the_same(rows, cut, parts) -> None:
    whole = pa.Table.from_pylist(rows, schema=_TYPES)
    # a slice, and several chunks, are the rows that they show
    table = pa.concat_tables([whole.slice(cut), *[whole] * parts])
    codes = row_codes(table).tolist()
    kept = [bits(row) for row in table.to_pylist()]
    assert len(codes) == len(kept)
    for a, first in zip(codes, kept, strict=True):
        for b, second in zip(codes, kept, strict=True):
            assert (a == b) == (first == second)


@given(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=8))
def test_lists_have_one_code_when_their_members_are_the_same(lists) -> None:
    members = np.array([one for of_list in lists for one in of_list], dtype=np.int64)
    starts = np.cumsum([0, *map(len, lists)])
    codes = list_codes(members, starts).tolist()
    for a, first in zip(codes, lists, strict=True):
        for b, second in zip(codes, lists, strict=True):
            assert (a == b) == (first == second)


@given(st.lists(st.integers(0, 5), max_size=12))
def test_first_of_each_code_in_the_order_of_rows(codes) -> None:
    first, number = first_of_each(np.array(codes, dtype=np.int64))
    assert first.tolist() == [codes.index(one) for one in dict.fromkeys(codes)]
    assert [codes[first[n]] for n in number] == codes
