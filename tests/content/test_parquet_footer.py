"""The footer as Arrow reads it, and damaged ones that Arrow must not be asked about."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.parquet_footer import read_footer

TABLES = [
    pa.table({"a": [1, 2, 3], "b": [["x"], [], None], "m": [{"q": 1}] * 3}),
    pa.table({f"column {n}": ["x" * n] * 5 for n in range(40)}),
    pa.table({"nothing": pa.nulls(0)}),
]


def written(table: pa.Table, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize("table", TABLES)
def test_it_says_what_arrow_says_of_a_good_file(table) -> None:
    data = written(table, row_group_size=2)
    footer = pq.ParquetFile(io.BytesIO(data)).metadata
    for number, group in enumerate(read_footer(io.BytesIO(data))):
        expected = footer.row_group(number)
        assert group.rows == expected.num_rows
        assert [
            (".".join(chunk.path), chunk.values, chunk.unpacked_bytes) for chunk in group.chunks
        ] == [
            (one.path_in_schema, one.num_values, one.total_uncompressed_size)
            for one in (expected.column(n) for n in range(expected.num_columns))
        ]


GOOD = written(TABLES[0])


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, len(GOOD)),
)
def test_a_damaged_footer_is_a_value_error(changes, length) -> None:
    damaged = bytearray(GOOD)
    for place, value in changes:
        damaged[place] = value
    for data in (bytes(damaged), bytes(damaged[:length])):
        try:
            groups = read_footer(io.BytesIO(data))
        except ValueError as error:
            assert str(error)
        else:
            assert all(group.rows >= 0 for group in groups)
