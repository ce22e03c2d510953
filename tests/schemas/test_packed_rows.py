import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.packed_rows import RowCodec
from orchestration_assets.schemas.tables import CONTENT_PROFILES


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", kind, nullable=False))


SCHEMA = pa.schema(
    {
        "number": pa.int64(),
        "share": pa.float64(),
        "flag": pa.bool_(),
        "text": pa.string(),
        "raw": pa.binary(),
        "texts": _list(pa.string()),
        "vector": _list(pa.float32()),
        "sketch": _list(pa.uint32()),
    }
)
text = st.text(st.characters(exclude_categories=["Cs"]))
rows = st.fixed_dictionaries(
    {
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.none() | st.floats(allow_nan=False),
        "flag": st.none() | st.booleans(),
        "text": st.none() | text,
        "raw": st.none() | st.binary(),
        "texts": st.none() | st.lists(text),
        "vector": st.none() | st.lists(st.floats(width=32, allow_nan=False)),
        "sketch": st.none() | st.lists(st.integers(0, 2**32 - 1)),
    }
)


@given(st.lists(rows, max_size=5))
def test_rows_survive_exactly(given_rows) -> None:
    table = pa.Table.from_pylist(given_rows, SCHEMA)
    codec = RowCodec(SCHEMA)
    found, kept = codec.decode(codec.encode(table))
    assert found.equals(table)
    assert kept == list(range(len(given_rows)))


@given(rows, st.binary(max_size=200), st.integers(0, 300))
def test_what_is_no_row_is_left_out_and_nothing_breaks(row, junk, cut) -> None:
    codec = RowCodec(SCHEMA)
    (good,) = codec.encode(pa.Table.from_pylist([row], SCHEMA))
    damaged = [junk, good[: min(cut, len(good) - 1)], good + b"x", good]
    found, kept = codec.decode(damaged)
    assert kept == [3]
    assert found.num_rows == 1


def test_a_row_of_another_layout_is_no_row() -> None:
    other = RowCodec(pa.schema({"number": pa.int64(), "share": pa.float64()}))
    data = other.encode(pa.table({"number": [1], "share": [0.5]}))
    assert RowCodec(pa.schema({"share": pa.float64(), "number": pa.int64()})).decode(data)[1] == []


def test_a_type_without_a_layout_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="alternatives"):
        RowCodec(pa.schema({"alternatives": pa.struct({"a": pa.int8()})}))
    known_later = {"batch", "added_features"}
    RowCodec(pa.schema([f for f in CONTENT_PROFILES.schema if f.name not in known_later]))


def test_a_row_that_claims_to_be_huge_is_no_row_and_takes_no_memory() -> None:
    codec = RowCodec(SCHEMA)
    (good,) = codec.encode(pa.Table.from_pylist([{"text": "a"}], SCHEMA))
    assert codec.decode([b"\xff" * 4 + good[4:]])[1] == []


def test_noughts_take_little_room() -> None:
    codec = RowCodec(SCHEMA)
    (packed,) = codec.encode(pa.Table.from_pylist([{"vector": [0.0] * 500 + [1.0] * 12}], SCHEMA))
    assert len(packed) < 250
