"""The rows of parts in the order of their positions, each column in one piece."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.batch import joined_in_order

SCHEMA = pa.schema(
    [("number", pa.int64()), ("word", pa.string()), ("list", pa.list_(pa.float32()))],
    metadata={"table": "any"},
)


def part_of(numbers: list[int]) -> pa.Table:
    columns = [numbers, [f"w{n}" for n in numbers], [[n / 2] * (n % 3) for n in numbers]]
    arrays = [pa.array(one, field.type) for one, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


@given(st.permutations(range(12)), st.lists(st.integers(0, 12), max_size=4))
def test_rows_stand_in_the_order_of_their_positions(positions: list[int], cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(positions)]
    parts = [part_of(positions[a:b]) for a, b in pairwise(ends)]

    found = joined_in_order(parts, positions)

    assert found.equals(part_of(sorted(positions)), check_metadata=True)
    assert {column.num_chunks for column in found.columns} == {1}
    assert not parts
