"""An instance whose databases stay open holds what the stock one holds, and ends with it."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.events import DagsterEventType
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from sqlalchemy import text

from orchestration_assets.command import instance as instances
from orchestration_assets.command.instance import open_instance
from resources import dagster_storage
from resources.dagster_storage import (
    OpenEngines,
    OpenEventLogStorage,
    OpenRunStorage,
    OpenScheduleStorage,
)
from resources.home import Home

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No copies of databases: how they are made is what is tested."""
    monkeypatch.setattr(instances, "open_storage", dagster_storage.open_storage)


@dg.asset
def numbers() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 3}, data_version=dg.DataVersion("7"))


@dg.asset_check(asset=numbers)
def positive() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"least": 1})


def materialize(instance: dg.DagsterInstance) -> str:
    done = dg.materialize([numbers, positive], instance=instance, raise_on_error=False)
    assert done.success
    return done.run_id


def test_the_stock_storage_reads_what_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with open_instance(home) as instance:
        assert isinstance(instance.event_log_storage, OpenEventLogStorage)
        assert isinstance(instance.run_storage, OpenRunStorage)
        runs = [materialize(instance) for _ in range(9)]
        instance.add_dynamic_partitions("batches", ["a", "b"])
        written = {run: [entry.message for entry in instance.all_logs(run)] for run in runs}
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as stock:
        assert {run: [entry.message for entry in stock.all_logs(run)] for run in runs} == written
        assert {run.run_id for run in stock.get_runs()} == set(runs)
        assert stock.get_dynamic_partitions("batches") == ["a", "b"]
        record = stock.get_latest_materialization_event(numbers.key)
        assert record is not None
        assert record.run_id == runs[-1]
        materialization = record.asset_materialization
        assert materialization is not None
        assert materialization.tags is not None
        assert materialization.tags["dagster/data_version"] == "7"
        checks = stock.event_log_storage.get_asset_check_execution_history(
            positive.check_key, limit=20
        )
        assert [one.status.value for one in checks] == ["SUCCEEDED"] * 9
        again = materialize(stock)
    with open_instance(home) as instance:
        assert instance.get_run_by_id(again) is not None


def test_nothing_stays_open_after_the_instance(tmp_path: Path) -> None:
    with open_instance(Home(tmp_path)) as instance:
        for _ in range(9):
            materialize(instance)
    databases = sorted((tmp_path / "dagster" / "history").rglob("*.db"))
    assert len(databases) >= 10
    assert not list((tmp_path / "dagster" / "history").rglob("*-wal"))
    for database in databases:
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_storage_that_the_owner_configured_stands(tmp_path: Path) -> None:
    folder = tmp_path / "dagster"
    folder.mkdir()
    elsewhere = tmp_path / "elsewhere"
    (folder / "dagster.yaml").write_text(f"storage:\n  sqlite:\n    base_dir: {elsewhere}\n")
    with open_instance(Home(tmp_path)) as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLogStorage)
        run = materialize(instance)
    assert (elsewhere / "history" / "runs" / f"{run}.db").exists()


def test_processes_of_one_home_write_at_the_same_time(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from orchestration_assets.command.instance import open_instance\n"
        "from resources.home import Home\n"
        "from tests.resources.test_dagster_storage import materialize\n"
        "with open_instance(Home(Path(sys.argv[1]))) as instance:\n"
        "    for _ in range(3):\n"
        "        materialize(instance)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [one.wait() for one in started] == [0, 0, 0]
    with open_instance(Home(tmp_path)) as instance:
        assert instance.get_runs_count() == 9
        assert len(instance.fetch_materializations(numbers.key, limit=100).records) == 9


@pytest.mark.parametrize("limit", [1, 2, 8])
def test_a_connection_in_use_outlives_its_engine(tmp_path: Path, limit: int) -> None:
    engines = OpenEngines(limit)
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(4)]
    with engines.engine(urls[0]).begin() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
        for url in urls[1:]:
            with engines.engine(url).begin() as other:
                other.execute(text("CREATE TABLE other (number INTEGER)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    with engines.engine(urls[0]).begin() as connection:
        assert connection.execute(text("SELECT number FROM kept")).scalar() == 1
    engines.dispose()
    with engines.engine(urls[0]).begin() as connection:
        assert connection.execute(text("SELECT number FROM kept")).scalar() == 1
    engines.dispose()


def test_wiping_begins_anew(tmp_path: Path) -> None:
    with open_instance(Home(tmp_path)) as instance:
        before = materialize(instance)
        instance.event_log_storage.wipe()
        assert not instance.all_logs(before)
        after = materialize(instance)
        assert instance.all_logs(after)


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(query))


def test_the_database_of_a_run_is_as_the_stock_storage_makes_it(tmp_path: Path) -> None:
    with open_instance(Home(tmp_path / "ours")) as instance:
        run = materialize(instance)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with dg.DagsterInstance.from_config(str(theirs)) as stock:
        other = materialize(stock)
    databases = (
        tmp_path / "ours" / "dagster" / "history" / "runs" / f"{run}.db",
        theirs / "history" / "runs" / f"{other}.db",
    )
    tables = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    made, expected = (_rows(database, tables) for database in databases)
    assert made == expected
    version = "SELECT version_num FROM alembic_version"
    made, expected = (_rows(database, version) for database in databases)
    assert made == expected


def test_the_tables_of_a_run_come_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_instance(Home(tmp_path / "whole")) as instance:
        whole = materialize(instance)
    with open_instance(Home(tmp_path / "ours")) as instance:
        materialize(instance)
        # it ends between the tables and their indexes
        tables_alone = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name GLOB '[a-r]*'"
        broken = text(f"{tables_alone} UNION ALL SELECT 'no statement'")
        monkeypatch.setattr(dagster_storage, "_TABLES", broken)
        run = materialize(instance)
    # what the stock storage makes of tables that are there already lacks their indexes
    tables = "SELECT type, name FROM sqlite_master ORDER BY type, name"
    made, expected = (
        _rows(tmp_path / home / "dagster" / "history" / "runs" / f"{of_run}.db", tables)
        for home, of_run in (("ours", run), ("whole", whole))
    )
    assert made == expected


def test_what_is_written_at_once_is_what_is_written_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = "SELECT dagster_event_type, asset_key, step_key FROM event_logs ORDER BY id"
    checks = "SELECT asset_key, check_name, execution_status FROM asset_check_executions"
    tags = "SELECT asset_key, key FROM asset_event_tags ORDER BY id"
    written = []
    for size in ("0", "1000"):
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", size)
        home = Home(tmp_path / size)
        with open_instance(home) as instance:
            run = materialize(instance)
        folder = tmp_path / size / "dagster" / "history" / "runs"
        index = folder / "index.db"
        written.append(
            [_rows(folder / f"{run}.db", kinds)]
            + [_rows(index, query) for query in (kinds, checks, tags)]
        )
    assert written[0] == written[1]
    assert all(written[0])


def test_events_that_could_not_be_stored_at_once_are_not_stored_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    store_shared, stored = OpenEventLogStorage._store_shared, []

    def locked_at_first(*of_event: Any) -> None:
        stored.append(of_event)
        if len(stored) == 2:
            raise RuntimeError("database is locked")
        store_shared(*of_event)

    monkeypatch.setattr(OpenEventLogStorage, "_store_shared", locked_at_first)
    others = [dg.asset(name=name)(lambda: None) for name in ("letters", "signs")]
    with open_instance(Home(tmp_path)) as instance:
        done = dg.materialize([numbers, *others], instance=instance, raise_on_error=False)
    assert done.success
    folder = tmp_path / "dagster" / "history" / "runs"
    planned = (
        "SELECT asset_key FROM event_logs "
        "WHERE dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED' ORDER BY asset_key"
    )
    for database in (folder / f"{done.run_id}.db", folder / "index.db"):
        assert [key for (key,) in _rows(database, planned)] == [
            '["letters"]',
            '["numbers"]',
            '["signs"]',
        ]


def test_what_steps_ask_of_their_inputs_is_what_the_stock_storage_says(tmp_path: Path) -> None:
    days = dg.StaticPartitionsDefinition(["a", "b", "c"])
    lines = dg.asset(name="lines", partitions_def=days)(
        lambda: dg.MaterializeResult(data_version=dg.DataVersion(str(len(versions))))
    )
    keys, versions = [numbers.key, lines.key, dg.AssetKey("planned_by_nobody")], []

    def said(instance: dg.DagsterInstance) -> list[Any]:
        storage, kind = instance.event_log_storage, DagsterEventType.ASSET_MATERIALIZATION
        tags = [
            storage.get_latest_tags_by_partition(lines.key, kind, [DATA_VERSION_TAG], some)
            for some in (["a"], ["a", "b"], ["c"], None)
        ]
        records = storage.get_asset_records(keys)
        entries = {r.asset_entry.asset_key: r.asset_entry for r in records}
        return [tags, {key: one.last_materialization_record for key, one in entries.items()}]

    with open_instance(Home(tmp_path)) as instance:
        folder = str(tmp_path / "dagster")
        with dg.DagsterInstance.from_config(folder) as stock:
            for change in ("a", "b", "a", "wipe", "b"):
                versions.append(change)
                if change == "wipe":
                    stock.wipe_assets([lines.key])
                else:
                    dg.materialize([lines], instance=instance, partition_key=change)
                    materialize(instance)
                assert said(instance) == said(stock), versions
            assert [len(one) for one in said(instance)[0]] == [0, 1, 0, 1]


def test_a_partition_that_is_deleted_is_gone(tmp_path: Path) -> None:
    with open_instance(Home(tmp_path)) as instance:
        assert not instance.has_dynamic_partition("batches", "a")
        instance.add_dynamic_partitions("batches", ["a"])
        assert instance.has_dynamic_partition("batches", "a")
        instance.delete_dynamic_partition("batches", "a")
        assert not instance.has_dynamic_partition("batches", "a")


@pytest.mark.parametrize("is_begun", [False, True], ids=["missing", "cut off"])
def test_the_database_of_ticks_is_whole_for_whoever_comes_next(
    tmp_path: Path, is_begun: bool
) -> None:
    folder = tmp_path / "schedules"
    file = folder / "schedules.db"
    if is_begun:
        # as one whose process died before it had made a table
        folder.mkdir()
        file.touch()

    with ThreadPoolExecutor(2) as threads:
        opened = list(threads.map(OpenScheduleStorage.from_local, [str(folder)] * 2))
        # processes of Dagster that begin beside each other would each make a missing one
        assert file.exists()
        states = list(threads.map(lambda one: one.all_instigator_state(), opened))

    assert states == [[], []]
    # as the stock storage makes it, so that another process may go on with it
    version, newest = SqliteScheduleStorage.from_local(str(file.parent)).alembic_version()
    assert version == newest is not None
    assert OpenScheduleStorage.from_local(str(file.parent)).all_instigator_state() == []
