"""How a record type becomes an Arrow table schema.

A record is a frozen dataclass whose fields are ``Annotated[type, Column(...)]``. From it
:func:`table_of` derives the Arrow schema; unit and meaning travel in the field metadata of
every Parquet file, so a table explains itself wherever it is opened.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter, methodcaller
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Generic, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import Record, decode
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.storable_values import whole_text


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
class Table(Generic[Record]):
    """One table: its name, record type, Arrow schema, primary key and the columns' meanings."""

    name: str
    record: type[Record]
    description: str
    schema: pa.Schema
    key: tuple[str, ...]
    columns: Mapping[str, Column]

    @property
    def stable_columns(self) -> list[str]:
        """Columns whose bytes do not depend on the run."""
        return [name for name in self.schema.names if not self.columns[name].run_dependent]

    def rows(self, data: pa.Table) -> Iterator[Record]:
        """The rows of a table with these columns as records; see :func:`decode`."""
        return decode(self.record, data)


@dataclass(frozen=True, slots=True)
class TableResult:
    """A table that was made, figures that describe it by name, and warnings for people."""

    table: pa.Table
    figures: Mapping[str, Any]
    warnings: Sequence[str] = ()


MADE_FROM: Final = b"made_from"
"""Under this key a stored table may say in its schema's metadata what its rows were made from."""

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
    record: type[Record],
    key: tuple[str, ...],
    extra: Sequence[tuple[str, Any, Column]] = (),
) -> Table[Record]:
    """The table whose rows are ``record``; ``extra`` appends generated columns.

    Raises TypeError when a field is not annotated with a :class:`Column`.
    """
    hints = get_type_hints(record, include_extras=True)
    named: list[tuple[str, Any, Column]] = []
    for field in fields(record):  # type: ignore[arg-type]
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
    columns = {column[0]: column[2] for column in named}
    return Table(name, record, description, schema, key, columns)


def count_members(column: pa.ChunkedArray, members: type[StrEnum]) -> dict[str, int]:
    """Member -> in how many rows it stands, for every member that the column may hold."""
    return {one.value: pc.sum(pc.equal(column, one.value)).as_py() or 0 for one in members}


class UnstorableError(OrchestrationError, ValueError):
    """A value that its column cannot hold: of which table, in which column and row (from 0)."""

    def __init__(self, table: str, column: str, row: int, problem: str) -> None:
        super().__init__(
            f"{table}.{column} {problem} (row {row}); reject what the row comes from, and say why"
        )
        self.table = table
        self.column = column
        self.row = row
        self.problem = problem


def rows_to_arrow(
    table: Table[Record],
    rows: Iterable[Record] | Iterable[Mapping[str, Any]],
    instead: Callable[[Record, UnstorableError], Record] | None = None,
) -> pa.Table:
    """Records (dataclass instances, or mappings) as an Arrow table with the declared schema.

    Every row that is stored passes here. Halves of surrogate pairs become U+FFFD. A row with a
    value that its column cannot hold (an integer beyond 64 bits, a missing value where there must
    be one) is replaced by what ``instead`` makes of it, so that it ends as a failure with a reason
    and the others are stored. Without ``instead``, or when its row is no better, UnstorableError
    names the first such value.
    """
    given: list[Any] = list(rows)
    replaced: set[tuple[int, str]] = set()
    while True:
        columns, bad = _columns(table, given)
        if not bad:
            return pa.Table.from_arrays(columns, schema=table.schema)
        first = min(bad)
        found = {(row, error.column) for row, error in bad.items()}
        if instead is None or replaced & found:
            raise bad[first]
        for row, error in bad.items():
            given[row] = instead(given[row], error)
        replaced |= found


def _columns(
    table: Table[Any], given: Sequence[Any]
) -> tuple[list[pa.Array], dict[int, UnstorableError]]:
    """The rows as columns, or the first problem of each row that cannot be stored."""
    # looked at once: asking each value what it came from costs more than packing it
    are_mappings = bool(given) and isinstance(given[0], dict)
    arrays: list[pa.Array] = []
    bad: dict[int, UnstorableError] = {}
    for field in table.schema:
        value_of = methodcaller("get", field.name) if are_mappings else attrgetter(field.name)
        values = list(map(value_of, given))
        if not _flat(field.type):
            values = list(map(_plain, values))
        array, problems = _array(values, field)
        arrays.append(array)
        for row, problem in problems.items():
            bad.setdefault(row, UnstorableError(table.name, field.name, row, problem))
    return arrays, bad


_REFUSALS: Final = (pa.ArrowException, TypeError, ValueError, OverflowError)
_SHOWN: Final = 60


def _array(values: Sequence[Any], field: pa.Field) -> tuple[pa.Array | None, dict[int, str]]:
    """One column, or the rows that it cannot hold with the problem in words."""
    try:
        array = pa.array(values, field.type)
    except _REFUSALS:
        values = [_whole(value) for value in values]
        problems = {
            row: problem
            for row, value in enumerate(values)
            if (problem := _refused(value, field.type))
        }
        if problems:
            return None, problems
        array = pa.array(values, field.type)
    if array.null_count and not field.nullable:
        missing = array.is_null().to_pylist()
        message = "must have a value in every row"
        return None, {row: message for row, is_missing in enumerate(missing) if is_missing}
    return array, {}


def _refused(value: Any, kind: pa.DataType) -> str | None:
    """Why a column of this type cannot hold a value."""
    try:
        pa.array([value], kind)
    except _REFUSALS:
        # not what Arrow says of it, which may be as long as the value
        return f"cannot hold {_in_short(value)} as {kind}"
    return None


def _in_short(value: Any) -> str:
    try:
        value_text = whole_text(repr(value))
    except ValueError:  # an integer of thousands of digits has no decimal text
        value_text = hex(value) if isinstance(value, int) else type(value).__name__
    return value_text if len(value_text) <= _SHOWN else f"{value_text[:_SHOWN]}..."


def _whole(value: Any) -> Any:
    """The value with all text in it made whole."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


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
