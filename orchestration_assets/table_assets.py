"""Assets whose product is one table, and the blocking checks that every table gets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dagster as dg
import pyarrow as pa

from orchestration_assets.partitions import BATCH_POOL, content_batches
from orchestration_assets.schemas.records import Table, TableResult
from resources.home import Home
from resources.machine import LARGE_BYTES, give_back_memory
from resources.table_io_manager import COLUMNS, ParquetTableIOManager
from resources.table_store import TableStore

PARTITION_TAG = "dagster/partition"


def table_asset(
    table: Table[Any],
    *,
    group: str,
    team: str,
    description: str,
    reads: Iterable[Table[Any]] = (),
    reads_columns: Mapping[str, Sequence[str]] | None = None,
    deps: Iterable[str] = (),
    kinds: Iterable[str] = (),
    code_version: str = "1",
    per_batch: bool = True,
    output_required: bool = True,
    check_specs: Sequence[dg.AssetCheckSpec] = (),
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """An asset that makes one table: of each batch, or of the whole corpus.

    The function is handed the tables that its parameters name, and those that it ``reads`` as
    keyword arguments; ``deps`` are the assets that come before it and are not handed over. Of the
    tables that ``reads_columns`` names, no more than these columns are read. Of ``check_specs`` its
    function yields the results itself, without a step of their own.
    """
    ins = {one.name: dg.AssetIn(dagster_type=pa.Table) for one in reads}
    for name, columns in (reads_columns or {}).items():
        ins[name] = dg.AssetIn(dagster_type=pa.Table, metadata={COLUMNS: list(columns)})
    return dg.asset(
        name=table.name,
        ins=ins,
        deps=list(deps),
        partitions_def=content_batches if per_batch else None,
        pool=BATCH_POOL if per_batch else None,
        group_name=group,
        io_manager_key="tables",
        kinds={"parquet", *kinds},
        owners=[f"team:{team}"],
        code_version=code_version,
        output_required=output_required,
        check_specs=check_specs,
        description=description,
    )


def materialize(
    context: dg.AssetExecutionContext, result: TableResult, shown: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[pa.Table]:
    """The result as Dagster takes it, its warnings logged; ``shown`` is further metadata."""
    for warning in result.warnings:
        context.log.warning(warning)
    return dg.MaterializeResult(value=result.table, metadata={**result.figures, **(shown or {})})


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of one batch (of the whole corpus when ``batch`` is None)."""

    home: Home
    batch: str | None

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        return self.home.tables.read(name, self.batch, columns)

    def entries(self) -> pa.Table:
        """The batch as it was listed."""
        return self.home.batches.read(self.batch or "")


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """How many rows a stored table has, and how many different keys."""

    rows: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Two quantities that must be equal for nothing to be lost, in words."""

    expected: int
    found: int
    words: str


def schema_problems(stored: pa.Schema, declared: pa.Schema) -> dict[str, str]:
    """Column -> what differs between the stored and the declared schema."""
    problems: dict[str, str] = {}
    for field in declared:
        if field.name not in stored.names:
            problems[field.name] = f"missing, expected {field.type}"
        elif not stored.field(field.name).type.equals(field.type):
            problems[field.name] = f"is {stored.field(field.name).type}, expected {field.type}"
    for name in stored.names:
        if name not in declared.names:
            problems[name] = "not declared"
    return problems


def duplicate_keys(data: pa.Table, key: tuple[str, ...]) -> int:
    """Rows whose key already stands in another row."""
    return int(data.num_rows - data.select(key).group_by(list(key)).aggregate([]).num_rows)


def table_checks(
    table: Table[Any],
    conservation: Callable[[Stored, pa.Table], list[Balance]],
    *,
    per_batch: bool = True,
    columns: Sequence[str] | None = None,
    keys: Callable[[TableStore], KeyCounts] | None = None,
) -> dg.AssetChecksDefinition:
    """Two blocking checks on one asset: its schema and key, and the conservation of rows.

    ``conservation`` gets a reader of what else is stored of the batch, and the stored table: no
    more than ``columns`` of it, the key among them, where the others take much memory; of a batch's
    table these are read all the same. Of a table of all batches whose ``keys`` are counted in
    another way no row is read.
    Inside a run the run's batch is checked; a check started by itself looks at every batch.
    """
    schema = dg.AssetCheckSpec(
        "schema",
        asset=table.name,
        blocking=True,
        description=f"{table.name} has its declared columns and types, and one row a key.",
    )
    conserved = dg.AssetCheckSpec(
        "conservation",
        asset=table.name,
        blocking=True,
        description="Nothing is lost or added on the way: rows out equal rows in.",
    )

    @dg.multi_asset_check(
        name=f"{table.name}_checks",
        specs=[schema, conserved],
        can_subset=True,
    )
    def checks(
        context: dg.AssetCheckExecutionContext, tables: dg.ResourceParam[ParquetTableIOManager]
    ) -> Iterator[dg.AssetCheckResult]:
        home = tables.opened_home
        store = home.tables
        batches: list[str | None] = [None]
        if per_batch:
            running = context.run.tags.get(PARTITION_TAG)
            batches = [running] if running else list(store.batches(table.name))
        asset_key = next(iter(context.selected_asset_check_keys)).asset_key
        selected = {key.name for key in context.selected_asset_check_keys}
        held = None
        if keys is not None and not per_batch:
            schema = store.stored_schema(table.name)
            held = _StoredTable(schema, table.schema.empty_table(), keys(store))
        elif len(batches) == 1:
            held = _stored(store, table, batches[0], columns)

        # one batch after the other: all of them together are more than memory holds
        def data_of(batch: str | None) -> _StoredTable:
            return _stored(store, table, batch, columns) if held is None else held

        if "schema" in selected:
            found = [_found(table, data_of(batch)) for batch in batches]
            yield _schema_result(table, asset_key, found)
        if "conservation" in selected:
            balances = [
                balance
                for batch in batches
                for balance in conservation(Stored(home, batch), data_of(batch).rows)
            ]
            yield _conservation_result(table, asset_key, balances)
        if held is not None and held.rows.nbytes > LARGE_BYTES:
            held = None
            give_back_memory()

    return checks


class _StoredTable(NamedTuple):
    """The columns that a stored table has, and the rows of those that are looked at; ``keys`` where
    these were counted, and no row is looked at."""

    schema: pa.Schema
    rows: pa.Table
    keys: KeyCounts | None = None


def _stored(
    store: TableStore, table: Table[Any], batch: str | None, columns: Sequence[str] | None
) -> _StoredTable:
    if columns is None:
        found = store.read(table.name, batch)
        return _StoredTable(found.schema, found)
    if batch is None:
        # a row for every item of every batch: to read the others takes longer than all else
        schema = store.stored_schema(table.name, None)
        looked_at = [name for name in columns if name in schema.names]
        return _StoredTable(schema, store.read(table.name, None, looked_at))
    schema, parts = table.schema, []
    for portion in store.portions(table.name, batch):
        schema = portion.schema
        parts.append(portion.select([name for name in columns if name in schema.names]))
    return _StoredTable(schema, pa.concat_tables(parts))


@dataclass(frozen=True, slots=True)
class _Found:
    """What differs from the declared schema, rows, and rows that repeat a key."""

    problems: Mapping[str, str]
    rows: int
    doubled: int


def _found(table: Table[Any], data: _StoredTable) -> _Found:
    problems = schema_problems(data.schema, table.schema)
    if data.keys is not None:
        return _Found(problems, data.keys.rows, data.keys.rows - data.keys.distinct)
    doubled = 0 if problems else duplicate_keys(data.rows, table.key)
    return _Found(problems, data.rows.num_rows, doubled)


def _schema_result(
    table: Table[Any], asset_key: dg.AssetKey, found: list[_Found]
) -> dg.AssetCheckResult:
    problems = {column: words for one in found for column, words in one.problems.items()}
    doubled = 0 if problems else sum(one.doubled for one in found)
    rows, columns = sum(one.rows for one in found), len(table.schema)
    if problems:
        words = "; ".join(f"{column}: {problem}" for column, problem in problems.items())
        description = f"Columns differ ({words}). Materialize {table.name} again with this version."
    elif doubled:
        description = f"{doubled} rows repeat a key ({', '.join(table.key)}). Materialize it again."
    else:
        description = f"{columns} columns as declared, {rows} distinct keys."
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name="schema",
        passed=not problems and not doubled,
        description=description,
        metadata={"columns": columns, "rows": rows, "repeated_keys": doubled},
    )


def _conservation_result(
    table: Table[Any], asset_key: dg.AssetKey, balances: list[Balance]
) -> dg.AssetCheckResult:
    totals: dict[str, Balance] = {}
    for balance in balances:
        before = totals.get(balance.words, Balance(0, 0, balance.words))
        totals[balance.words] = Balance(
            before.expected + balance.expected, before.found + balance.found, balance.words
        )
    # a surplus in one batch must not make up for a loss in another
    passed = all(balance.expected == balance.found for balance in balances)
    said = "; ".join(f"{b.words}: {b.found} of {b.expected}" for b in totals.values())
    remedy = "" if passed else f" Materialize {table.name} and what it is made from again."
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name="conservation",
        passed=passed,
        description=said + "." + remedy,
        metadata={b.words: b.found for b in totals.values()}
        | {f"{b.words}, expected": b.expected for b in totals.values()},
    )
