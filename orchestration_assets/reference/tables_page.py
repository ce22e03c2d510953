"""The reference of every table, made from the schemas."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from inspect import getdoc
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.reference.markdown import anchor, heading, page, prose, table
from orchestration_assets.schemas import enums
from orchestration_assets.schemas.failures import RUN_FAILURES, Delivery
from orchestration_assets.schemas.features import FEATURES, Feature
from orchestration_assets.schemas.records import Table
from orchestration_assets.schemas.states import ItemState
from orchestration_assets.schemas.tables import BATCH_ENTRIES, CONTENT_LEDGER, CORPUS_TABLES, TABLES
from orchestration_assets.schemas.verdicts import VERDICTS

_INTRODUCTION: Final = """\
Written by `python -m orchestration_assets.reference tables > docs/tables.md`; a test compares it.

Files are Parquet, below the home folder. `<batch>` is the key of a batch, such as
`20260301T120000Z-69ba82a9`. A type followed by `?` admits null. In the column *Run*, `differs`
marks what may differ between two runs over the same content, policy and cache: clocks, costs,
origins; all other columns are equal byte for byte. Closed sets of values stand
[at the end](#values). Unit and meaning are stored in each file too:
`pyarrow.parquet.read_schema(path).field("error_risk").metadata`.
"""
_PATHS: Final = {
    BATCH_ENTRIES.name: "batches/<batch>.parquet",
    CONTENT_LEDGER.name: "tables/content_ledger/<part>.parquet",
    RUN_FAILURES.name: "tables/run_failures/<run>.parquet",
    VERDICTS.name: "verdicts/accepted/<file>/verdicts.parquet",
}
_NAMES: Final = {
    pa.string(): "text",
    pa.int64(): "integer",
    pa.float64(): "float",
    pa.float32(): "float32",
    pa.bool_(): "boolean",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def _range_and_source(feature: Feature) -> str:
    """What a profile's feature says beyond its meaning."""
    lower, upper = feature.lower, feature.upper
    bounds = f" Range {lower:g} to {upper:g}." if lower is not None and upper is not None else ""
    return bounds + (f" Source: {feature.source}." if feature.source else "")


_RANGES_AND_SOURCES: Final = {feature.name: _range_and_source(feature) for feature in FEATURES}


def tables_page() -> str:
    """Every table with its description, file, key and columns; then the closed sets of values."""
    tables = [*TABLES.values(), VERDICTS]
    index = [(f"[{one.name}](#{anchor(one.name)})", _first_sentence(one)) for one in tables]
    return page(
        heading(1, "Tables"),
        _INTRODUCTION.rstrip(),
        table(("Table", "Rows"), index),
        *(_section(one, tables[:place]) for place, one in enumerate(tables)),
        heading(2, "Values"),
        *map(_values, _closed_sets()),
    )


def path_below_home(name: str) -> str:
    """Where the files of a table are, relative to the home."""
    corpus = f"tables/{name}.parquet"
    return _PATHS.get(name) or (
        corpus if name in CORPUS_TABLES else f"tables/{name}/<batch>.parquet"
    )


def _first_sentence(one: Table[Any]) -> str:
    return prose(one.description).split(". ")[0].rstrip(".")


def _section(one: Table[Any], before: Sequence[Table[Any]]) -> str:
    key = ", ".join(f"`{name}`" for name in one.key)
    same = next((other.name for other in before if other.columns == one.columns), None)
    return page(
        heading(2, one.name),
        prose(one.description) if same is None else "",
        f"File: `{path_below_home(one.name)}`. Key: {key}.",
        f"Columns: those of [{same}](#{anchor(same)})." if same else _columns(one),
    ).rstrip()


def _columns(one: Table[Any]) -> str:
    """The columns; what may differ between runs has a place of its own where something does."""
    differs = any(column.run_dependent for column in one.columns.values())
    names = ("Column", "Type", "Unit", *(("Run",) if differs else ()), "Meaning")
    return table(names, (_column(one, field, differs) for field in one.schema))


def _column(one: Table[Any], field: pa.Field, differs: bool) -> Iterator[str]:
    column = one.columns[field.name]
    yield f"`{field.name}`"
    yield _type(field)
    yield column.unit
    if differs:
        yield "differs" if column.run_dependent else ""
    inside = field.type.value_type if pa.types.is_list(field.type) else field.type
    members = ""
    if pa.types.is_struct(inside):
        members = f" ({', '.join(f'`{member.name}` {_type(member)}' for member in inside)})"
    yield prose(column.meaning) + members + _RANGES_AND_SOURCES.get(field.name, "")


def _type(field: pa.Field) -> str:
    return _type_name(field.type) + ("?" if field.nullable else "")


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type_name(kind.value_type)}"
    return "record" if pa.types.is_struct(kind) else _NAMES.get(kind, str(kind))


def _closed_sets() -> list[type[StrEnum]]:
    """The vocabularies that tables share, in the order of their module, and those of one table."""
    classes = [one for one in vars(enums).values() if isinstance(one, type)]
    shared = [one for one in classes if issubclass(one, StrEnum) and one is not StrEnum]
    return [*shared, ItemState, Delivery]


def _values(closed: type[StrEnum]) -> str:
    members = ", ".join(f"`{member.value}`" for member in closed)
    return page(heading(3, closed.__name__), prose(getdoc(closed) or ""), members).rstrip()
