from dataclasses import dataclass, replace
from typing import Annotated

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.records import (
    Column,
    UnstorableError,
    rows_to_arrow,
    table_of,
)
from orchestration_assets.schemas.tables import TABLES


@dataclass(frozen=True)
class _Inner:
    name: str
    share: float | None


@dataclass(frozen=True)
class _Row:
    """A row."""

    key: Annotated[str, Column("the key")]
    inner: Annotated[tuple[_Inner, ...], Column("members")]
    elapsed: Annotated[float | None, Column("clock", "ms", True)]


def test_a_record_becomes_a_schema_with_units_and_meanings() -> None:
    table = table_of("rows", _Row, ("key",))
    assert table.schema.field("key").type == pa.string()
    assert not table.schema.field("key").nullable
    assert table.schema.field("elapsed").nullable
    assert table.schema.field("elapsed").metadata == {b"meaning": b"clock", b"unit": b"ms"}
    assert table.stable_columns == ["key", "inner"]


def test_nested_records_survive_the_round_trip() -> None:
    table = table_of("rows", _Row, ("key",))
    rows = [_Row("a", (_Inner("x", 0.5), _Inner("y", None)), None), _Row("b", (), 2.0)]
    plain = rows_to_arrow(table, rows).to_pylist()
    assert plain[0]["inner"] == [{"name": "x", "share": 0.5}, {"name": "y", "share": None}]
    assert plain[1] == {"key": "b", "inner": [], "elapsed": 2.0}


def test_a_field_without_a_meaning_is_refused() -> None:
    @dataclass(frozen=True)
    class Bare:
        key: str

    with pytest.raises(TypeError, match=r"Bare\.key"):
        table_of("bare", Bare, ("key",))


def test_a_null_in_a_required_column_is_refused() -> None:
    table = table_of("rows", _Row, ("key",))
    with pytest.raises(ValueError, match=r"rows\.key must have a value"):
        rows_to_arrow(table, [{"key": None, "inner": [], "elapsed": 1.0}])


@dataclass(frozen=True)
class _Open:
    """A row that may be given anything."""

    key: Annotated[str, Column("the key")]
    count: Annotated[int, Column("how many")]
    share: Annotated[float | None, Column("a share")] = None
    inner: Annotated[tuple[_Inner, ...], Column("members")] = ()
    problem: Annotated[str | None, Column("why it could not be stored")] = None


OPEN = table_of("open", _Open, ("key",))


def test_half_characters_are_stored_as_replacements_wherever_they_stand() -> None:
    rows = [_Open("a\ud83d", 1, inner=(_Inner("\udc00x", None),)), _Open("\U0001f600", 2)]
    stored = rows_to_arrow(OPEN, rows).to_pylist()
    assert [row["key"] for row in stored] == ["a\ufffd", "\U0001f600"]
    assert stored[0]["inner"] == [{"name": "\ufffdx", "share": None}]


@pytest.mark.parametrize(
    "count", [2**63, -(2**63) - 1, pytest.param(10**5000, id="5001 digits"), "seven", None, [1]]
)
def test_what_a_column_cannot_hold_names_table_column_and_row(count) -> None:
    rows = [_Open("a", 1), _Open("b", count)]
    with pytest.raises(UnstorableError, match=r"open\.count .*\(row 1\)") as caught:
        rows_to_arrow(OPEN, rows)
    assert (caught.value.table, caught.value.column, caught.value.row) == ("open", "count", 1)
    assert len(str(caught.value)) < 200


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.lists(st.tuples(anything, anything, anything), max_size=6))
def test_whatever_a_row_holds_it_is_stored_or_turned_into_a_failure(values) -> None:
    rows = [_Open(key, count, share) for key, count, share in values]
    failed: dict[int, UnstorableError] = {}

    def instead(row: _Open, error: UnstorableError) -> _Open:
        failed[error.row] = error
        return replace(row, key="failed", count=0, share=None, problem=error.problem)

    stored = rows_to_arrow(OPEN, rows, instead).to_pylist()
    assert len(stored) == len(rows)
    assert {n for n, row in enumerate(stored) if row["problem"]} == failed.keys()
    if failed:
        with pytest.raises(UnstorableError) as caught:
            rows_to_arrow(OPEN, rows)
            # columns are packed one after the other: the first that cannot be, names its first row
            assert caught.value.row in failed


def test_a_replacement_that_cannot_be_stored_either_is_said() -> None:
    with pytest.raises(UnstorableError, match=r"open\.count"):
        rows_to_arrow(OPEN, [_Open("a", 2**70)], lambda row, _: row)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_of_every_table_says_what_it_means(table) -> None:
    assert table.description
    assert all(table.columns[name].meaning for name in table.schema.names)
    assert set(table.key) <= set(table.schema.names)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.OK},
        {"status": Status.ABSTAINED, "answer": "python"},
        {"status": Status.OK, "answer": "python", "confidence": 1.5},
    ],
)
def test_a_reading_that_contradicts_itself_is_refused(fields) -> None:
    with pytest.raises(ValueError):
        Reading(**fields)
