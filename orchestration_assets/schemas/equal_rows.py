"""Rows that are equal in every value, found in columns and not row by row.

What is computed of many rows that are mostly alike is computed once for each that differs, and
spread over the others.
"""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes: TypeAlias = npt.NDArray[np.int64]

_BITS: Final = {pa.float64(): pa.int64(), pa.float32(): pa.int32()}


def row_codes(table: pa.Table) -> Codes:
    """(n,) numbers, the same for rows whose values are all the same.

    Missing values are the same as each other. Numbers are compared by their bits: 0.0 is not -0.0,
    for what is made of them is not the same either.
    """
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for name in table.column_names:
        codes = _together(codes, _codes(_whole(table[name])))
    return codes


def list_codes(members: npt.NDArray[Any], starts: Codes) -> Codes:
    """(n,) numbers, the same for lists with the same members in the same order.

    ``members`` (m,) are the members of all lists, ``starts`` (n + 1,) where each begins in them,
    and where the last ends.
    """
    known: dict[bytes, int] = {}
    bounds = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    found = (known.setdefault(members[a:b].tobytes(), len(known)) for a, b in bounds)
    return np.fromiter(found, np.int64, len(starts) - 1)


def first_of_each(codes: Codes) -> tuple[Codes, Codes]:
    """Where each code stands first, in the order of these places, and for each row the number of
    its code in this order."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return first[order].astype(np.int64), number[inverse]


def _codes(values: pa.Array) -> Codes:
    """The codes of one column, below the number of its rows; missing values have the highest."""
    kind = values.type
    if values.null_count == len(values):
        return np.zeros(len(values), dtype=np.int64)
    if pa.types.is_list(kind):
        starts = values.offsets.to_numpy().astype(np.int64)
        members = values.values.slice(starts[0], starts[-1] - starts[0])
        # long vectors of numbers are compared as they are: that they differ shows at once
        flat = pa.types.is_primitive(members.type) and not members.null_count
        found = list_codes(_bits(members) if flat else _codes(members), starts - starts[0])
    elif pa.types.is_struct(kind):
        found = row_codes(pa.Table.from_arrays(values.flatten(), names=_numbered(kind)))
    else:
        if pa.types.is_floating(kind):
            values = values.view(_BITS[kind])
        # the place of a missing value is -1 here, and set below
        encoded = values.dictionary_encode().indices.fill_null(0)
        found = encoded.to_numpy(zero_copy_only=False).astype(np.int64)
    if values.null_count:
        missing = ~values.is_valid().to_numpy(zero_copy_only=False)
        found = np.where(missing, found.max() + 1, found)
        found = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return found


def _bits(values: pa.Array) -> npt.NDArray[Any]:
    numbers = values.view(_BITS.get(values.type, values.type))
    found: npt.NDArray[Any] = numbers.to_numpy(zero_copy_only=False)
    return found


def _numbered(kind: pa.StructType) -> list[str]:
    return [str(number) for number in range(kind.num_fields)]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _together(codes: Codes, more: Codes) -> Codes:
    if not len(codes) or not more.any():
        return codes
    # both are below the number of rows: the product fits
    joined = codes * (more.max() + 1) + more
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)
