"""Arrow tables read as records: the way back from :mod:`orchestration_assets.schemas.records`.

The decoder of a record type is made once from its type hints. It takes each column apart as a
whole and builds the records from the columns, so that no value is asked for its type.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import chain, pairwise, repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.quick_records import constructor

_FEW_ROWS: Final = 32
"""To find equal texts among so few takes longer than it saves."""
Record = TypeVar("Record")
Decoder = Callable[[pa.Array], Sequence[Any]]


class UnknownValueError(OrchestrationError):
    """A stored word that its column's enumeration does not have."""


def decode(record: type[Record], data: pa.Table) -> Iterator[Record]:
    """The rows as instances of ``record``, a dataclass whose fields are columns of the table.

    Lists become tuples, structs the dataclasses of their hints, words their enumeration. Columns
    that the record does not have are not looked at. A missing column reads as None when the field
    admits None (it was declared after the table was written); otherwise KeyError names it. Raises
    UnknownValueError.
    """
    kind: Any = record
    names = set(data.column_names)
    columns = [
        repeat(None, data.num_rows)
        if nullable and name not in names
        else _of_column(name, data[name], decoder)
        for name, nullable, decoder in _fields(kind)
    ]
    return map(constructor(kind), *columns)


def column_names(record: type) -> tuple[str, ...]:
    """The columns that :func:`decode` needs for a record type, in their order."""
    return tuple(field.name for field in fields(record))


def values(data: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples of some columns, where no more than keys is wanted."""
    return zip(*(data[name].to_pylist() for name in names), strict=True)


def _of_column(name: str, column: pa.ChunkedArray, decoder: Decoder) -> Sequence[Any]:
    try:
        parts = [
            [None] * len(chunk) if chunk.null_count == len(chunk) else decoder(chunk)
            for chunk in column.chunks
        ]
    except UnknownValueError as error:
        raise UnknownValueError(f"column {name} {error}") from None
    return parts[0] if len(parts) == 1 else list(chain.from_iterable(parts))


@cache
def _fields(record: Any) -> tuple[tuple[str, bool, Decoder], ...]:
    """Name, whether it admits None, and decoder of each field, in the order of construction."""
    hints = get_type_hints(record, include_extras=True)
    return tuple((field.name, *_decoder(hints[field.name])) for field in fields(record))


def _decoder(hint: Any) -> tuple[bool, Decoder]:
    """Whether a type hint admits None, and what takes apart an array of its values."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _decoder(arguments[0])
    if origin in (Union, UnionType):
        inner = next(argument for argument in arguments if argument is not NoneType)
        return True, _decoder(inner)[1]
    if origin is tuple:
        return False, _lists(_decoder(arguments[0])[1])
    if is_dataclass(hint):
        return False, _structs(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return False, _members(hint)
    return False, _texts if hint is str else pa.Array.to_pylist


def _with_none(array: pa.Array, values: Sequence[Any]) -> Sequence[Any]:
    """The values with None where the array has none."""
    if not array.null_count:
        return values
    valid = array.is_valid().to_pylist()
    return [value if there else None for value, there in zip(values, valid, strict=True)]


def _texts(array: pa.Array) -> Sequence[Any]:
    """The values; of many rows equal texts are one object, since most columns repeat a few."""
    if len(array) <= _FEW_ROWS or not pa.types.is_string(array.type):
        values: Sequence[Any] = array.to_pylist()
        return values
    encoded = array.dictionary_encode()
    texts = [*encoded.dictionary.to_pylist(), None]
    places = encoded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
    return list(map(texts.__getitem__, places.tolist()))


def _members(kind: type[Enum]) -> Decoder:
    by_value: dict[Any, Enum | None] = {None: None, **{member.value: member for member in kind}}

    def members(array: pa.Array) -> Sequence[Any]:
        try:
            return [by_value[value] for value in _texts(array)]
        except KeyError as error:
            raise UnknownValueError(
                f"holds {error.args[0]!r}, which is no {kind.__name__} of this version; "
                "make the table again with: orchestrate run SOURCE --reprocess"
            ) from None

    return members


def _structs(record: Any) -> Decoder:
    def structs(array: pa.Array) -> Sequence[Any]:
        names = [field.name for field in array.type]
        parts = dict(zip(names, array.flatten(), strict=True))
        columns = [
            repeat(None, len(array)) if nullable and name not in parts else decoder(parts[name])
            for name, nullable, decoder in _fields(record)
        ]
        return _with_none(array, list(map(constructor(record), *columns)))

    return structs


def _lists(member: Decoder) -> Decoder:
    def lists(array: pa.Array) -> Sequence[Any]:
        ends = array.offsets.to_pylist()
        first, last = ends[0], ends[-1]
        values = tuple(member(array.values.slice(first, last - first)))
        return _with_none(
            array, [values[start - first : end - first] for start, end in pairwise(ends)]
        )

    return lists
