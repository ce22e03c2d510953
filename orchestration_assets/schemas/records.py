"""How a record type becomes an Arrow table schema.

A record is a frozen dataclass whose fields are ``Annotated[type, Column(...)]``. From it
:func:`table_of` derives the Arrow schema; unit and meaning travel in the field metadata of
every Parquet file, so a table explains itself wherever it is opened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """What one column means: ``unit`` is empty for counts of nothing and for words.

    ``run_dependent`` marks a column that may differ between two runs over the same content
    (clocks, origins, costs); all others are equal byte for byte.
    """

    meaning: str
    unit: str = ""
    run_dependent: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, Arrow schema, primary key and the columns' meanings."""

    name: str
    description: str
    schema: pa.Schema
    key: tuple[str, ...]
    columns: Mapping[str, Column]

    @property
    def stable_columns(self) -> list[str]:
        """Columns whose bytes do not depend on the run."""
        return [name for name in self.schema.names if not self.columns[name].run_dependent]


_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def _arrow_type(hint: Any) -> tuple[pa.DataType, bool]:
    """The Arrow type of a Python type hint, and whether it admits None."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        declared = next((x for x in arguments[1:] if isinstance(x, pa.DataType)), None)
        return (declared, False) if declared is not None else _arrow_type(arguments[0])
    if origin in (Union, UnionType):
        inner = [argument for argument in arguments if argument is not NoneType]
        if len(inner) != 1 or len(inner) == len(arguments):
            raise TypeError(f"only 'X | None' unions have an Arrow type, not {hint!r}")
        return _arrow_type(inner[0])[0], True
    if origin is tuple:
        return pa.list_(pa.field("item", _arrow_type(arguments[0])[0], nullable=False)), False
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        members = [(field.name, *_arrow_type(hints[field.name])) for field in fields(hint)]
        return pa.struct(
            [pa.field(name, kind, nullable) for name, kind, nullable in members]
        ), False
    if isinstance(hint, type) and issubclass(hint, str):
        return pa.string(), False
    return _SCALARS[hint], False


def arrow_field(name: str, hint: Any, column: Column) -> pa.Field:
    """One Arrow field with its unit and meaning as metadata."""
    kind, nullable = _arrow_type(hint)
    return pa.field(name, kind, nullable, metadata={"meaning": column.meaning, "unit": column.unit})


def table_of(
    name: str,
    record: type,
    key: tuple[str, ...],
    extra: Sequence[tuple[str, Any, Column]] = (),
) -> Table:
    """The table whose rows are ``record``; ``extra`` appends generated columns.

    Raises TypeError when a field is not annotated with a :class:`Column`.
    """
    hints = get_type_hints(record, include_extras=True)
    named: list[tuple[str, Any, Column]] = []
    for field in fields(record):
        column = next((x for x in get_args(hints[field.name]) if isinstance(x, Column)), None)
        if column is None:
            raise TypeError(f"{record.__name__}.{field.name} lacks a Column annotation")
        named.append((field.name, hints[field.name], column))
    named += extra
    description = " ".join((record.__doc__ or "").split())
    schema = pa.schema(
        [arrow_field(*column) for column in named],
        metadata={"table": name, "description": description, "key": ",".join(key)},
    )
    return Table(name, description, schema, key, {column[0]: column[2] for column in named})


def rows_to_arrow(table: Table, rows: Iterable[Any]) -> pa.Table:
    """Records (dataclass instances, or mappings) as an Arrow table with the declared schema.

    Raises ValueError when a column that must have a value lacks one: Arrow itself lets it pass.
    """
    given = list(rows)
    # looked at once: asking each value what it came from costs more than packing it
    value_of = dict.get if given and isinstance(given[0], dict) else getattr
    arrays = []
    for field in table.schema:
        name = field.name
        values = [value_of(row, name) for row in given]
        column = pa.array(values if _flat(field.type) else map(_plain, values), field.type)
        if column.null_count and not field.nullable:
            raise ValueError(f"{table.name}.{name} must have a value in every row")
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _flat(kind: pa.DataType) -> bool:
    """Whether Arrow takes the values of a column as they are."""
    return not (pa.types.is_list(kind) or pa.types.is_struct(kind))


_ATOMS: Final = frozenset({str, int, float, bool, bytes, NoneType, datetime})


@cache
def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a record type; None for any other type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def _plain(value: Any) -> Any:
    """A record as nested dicts and lists; quicker than dataclasses.asdict, which deep-copies."""
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if kind is tuple:
        # members are of one type: numbers and words pass as they are
        return [_plain(one) for one in value] if value and type(value[0]) not in _ATOMS else value
    names = _field_names(kind)
    return value if names is None else {name: _plain(getattr(value, name)) for name in names}
