from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
import pytest

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.records import Column, rows_to_arrow, table_of
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
