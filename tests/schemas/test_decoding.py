"""What was written as records is read as the same records."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.decoding import UnknownValueError, column_names, decode
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import Column, rows_to_arrow, table_of
from orchestration_assets.schemas.tables import TABLES, InterpretationRow
from orchestration_assets.schemas.verdicts import VERDICTS

_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8"), max_size=5),
    int: st.integers(0, 2**32 - 1),
    float: st.floats(allow_nan=False, width=32),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
}


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _values(arguments[0])
    if origin in (Union, UnionType):
        return st.one_of(st.none() if one is NoneType else _values(one) for one in arguments)
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        return st.tuples(*(_values(hints[field.name]) for field in fields(hint))).map(
            lambda values: hint(*values)
        )
    return st.sampled_from(hint) if issubclass(hint, Enum) else _SCALARS[hint]


@pytest.mark.parametrize("registered", [*TABLES.values(), VERDICTS], ids=lambda one: one.name)
@settings(max_examples=20)
@given(data=st.data())
def test_every_table_reads_back_as_the_records_that_were_written(registered, data) -> None:
    # without the generated feature columns of profiles, which no record holds
    table = table_of(registered.name, registered.record, registered.key)
    rows = data.draw(st.lists(_values(table.record), max_size=4))
    stored = rows_to_arrow(table, rows)
    assert list(table.rows(stored)) == rows
    assert [type(row) for row in table.rows(stored)] == [table.record] * len(rows)
    # in several chunks, and as a part that begins within one
    parts = pa.concat_tables([stored.slice(1), stored.slice(0, 1)])
    assert list(table.rows(parts)) == rows[1:] + rows[:1]


@dataclass(frozen=True, slots=True)
class _Part:
    name: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A row."""

    key: Annotated[str, Column("the key")]
    kind: Annotated[AnswerKind, Column("an enumeration")]
    parts: Annotated[tuple[_Part, ...] | None, Column("members")]
    later: Annotated[str | None, Column("a column of a later version")] = None


_ROWS = table_of("rows", _Row, ("key",))


def test_members_are_of_their_own_types_and_cannot_be_changed() -> None:
    stored = rows_to_arrow(_ROWS, [_Row("a", AnswerKind.SET, (_Part("x"),))])
    (row,) = _ROWS.rows(stored)
    assert row.kind is AnswerKind.SET
    assert row.parts == (_Part("x"),)
    with pytest.raises(AttributeError):
        row.key = "b"


def test_a_column_that_was_declared_later_reads_as_none_and_one_unknown_is_passed_over() -> None:
    stored = rows_to_arrow(_ROWS, [_Row("a", AnswerKind.SET, None, "x")])
    older = stored.drop_columns(["later"]).append_column("dropped", pa.array([1]))
    assert list(_ROWS.rows(older)) == [_Row("a", AnswerKind.SET, None)]
    with pytest.raises(KeyError, match="kind"):
        _ROWS.rows(stored.drop_columns(["kind"]))


def test_a_word_that_the_enumeration_does_not_have_is_named_with_its_column() -> None:
    rows = [{"key": "a", "kind": "haiku", "parts": None, "later": None}]
    with pytest.raises(UnknownValueError, match=r"column kind holds 'haiku'.* --reprocess"):
        _ROWS.rows(rows_to_arrow(_ROWS, rows))


def test_a_smaller_record_reads_only_its_columns() -> None:
    @dataclass(frozen=True, slots=True)
    class Asked:
        task: str
        service: str

    assert column_names(Asked) == ("task", "service")
    schema = table_of("interpretations", InterpretationRow, ("item_id",)).schema
    stored = pa.table({"task": ["tone"], "service": ["a"]})
    assert set(column_names(Asked)) <= set(schema.names)
    assert list(decode(Asked, stored)) == [Asked("tone", "a")]
