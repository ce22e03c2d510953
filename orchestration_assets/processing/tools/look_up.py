"""Rows of a table by conditions on columns: read only, and no text of a query."""

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from orchestration_assets.extensions.built_in_tools import ColumnFilter, LookUpArguments
from orchestration_assets.extensions.tools import ToolError

LARGEST_BYTES: Final = 256 * 1024 * 1024
"""Tables are held in memory."""


def read_table(path: Path, columns: Sequence[str]) -> tuple[pa.Table, str]:
    """The columns of a Parquet or CSV file, and a hash of its bytes. Raises ToolError."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ToolError(f"{path.name} is larger than {LARGEST_BYTES} bytes")
        data = path.read_bytes()
        source = pa.BufferReader(data)
        whole = pq.read_table(source) if data[:4] == b"PAR1" else pa.csv.read_csv(source)
    except (OSError, pa.ArrowException) as error:
        raise ToolError(f"the table {path.name} cannot be read: {type(error).__name__}") from error
    if missing := [name for name in columns if name not in whole.column_names]:
        raise ToolError(f"the table {path.name} has no column {', '.join(missing)}")
    return whole.select(list(columns)), blake2b(data, digest_size=8).hexdigest()


def looked_up(table: pa.Table, asked: LookUpArguments) -> dict[str, Any]:
    """The first rows that meet all conditions, and how many there are. Raises ToolError."""
    wanted = asked.columns or tuple(table.column_names)
    for name in (*wanted, *(one.column for one in asked.where)):
        if name not in table.column_names:
            raise ToolError(f"the columns are {', '.join(table.column_names)}")
    for one in asked.where:
        try:
            table = table.filter(_mask(table[one.column], one))
        except ToolError:
            raise
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            kind = table.schema.field(one.column).type
            raise ToolError(f"{one.column} holds {kind}: give values of that") from error
    rows = table.select(list(wanted)).slice(0, asked.limit).to_pylist()
    return {"rows_in_all": table.num_rows, "rows": rows}


def _mask(column: pa.ChunkedArray, asked: ColumnFilter) -> Any:
    if asked.op == "in":
        values = pa.array([_of_type(one, column.type) for one in asked.values], column.type)
        return pc.is_in(column, values)
    if asked.op == "eq":
        if asked.value is None:
            return pc.is_null(column)
        return pc.equal(column, pa.scalar(_of_type(asked.value, column.type), column.type))
    if asked.low is None and asked.high is None:
        raise ToolError("range wants low, high or both")
    mask: Any = pc.is_valid(column)
    if asked.low is not None:
        low = pa.scalar(_of_type(asked.low, column.type, math.ceil), column.type)
        mask = pc.and_(mask, pc.greater_equal(column, low))
    if asked.high is not None:
        high = pa.scalar(_of_type(asked.high, column.type, math.floor), column.type)
        mask = pc.and_(mask, pc.less_equal(column, high))
    return mask


def _of_type(value: Any, kind: pa.DataType, rounded: Callable[[float], int] | None = None) -> Any:
    """The value as the column's type reads it: dates and times from text, bounds of whole numbers
    ``rounded``. Raises ValueError for what a whole number cannot be equal to."""
    if isinstance(value, str) and not pa.types.is_string(kind):
        return pa.scalar(value).cast(kind).as_py()
    if isinstance(value, float) and pa.types.is_integer(kind):
        # pyarrow would cut off the decimals
        if rounded is None and not value.is_integer():
            raise ValueError(value)
        return int(value) if rounded is None else rounded(value)
    return value
