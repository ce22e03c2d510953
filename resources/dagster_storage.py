"""Dagster's SQLite storage over engines and connections that stay open.

Dagster's own opens an engine and a connection for each statement: every statement is compiled anew,
and closing the only connection of a database folds its log into it and waits for the disk. It loads
all migrations there ever were to find that a database needs none, and it writes each trace of an
event in a transaction of its own. The databases, their tables and what they hold are the same; a
process with the stock storage may read and write them at the same time.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from threading import Lock, local
from typing import Any, Final

from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    EVENT_TYPE_TO_PIPELINE_RUN_STATUS,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs.schema import InstanceInfo
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from resources.asked_once import AskedOnce
from resources.locks import locked, make_folder

# each run has a database of its own, beside the one that all share
_OPEN_DATABASES: Final = 8

_VERSION: Final = text("SELECT version_num FROM alembic_version")
_STAMP: Final = text("INSERT INTO alembic_version (version_num) VALUES (:version)")
# tables before their indexes; what SQLite makes by itself has no statement, or a name of its own
_TABLES: Final = text(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' ORDER BY type DESC, rowid"
)
_INSERT: Final = SqlEventLogStorageTable.insert()


class OpenEngines:
    """An engine for each of the databases used last, with a connection that stays open."""

    def __init__(self, limit: int = _OPEN_DATABASES) -> None:
        self._limit = limit
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = Lock()

    def engine(self, url: str) -> Engine:
        """The engine of this database; a connection in use outlives it when others push it out."""
        with self._lock:
            if url not in self._engines:
                self._engines[url] = _open(url)
            self._engines.move_to_end(url)
            while len(self._engines) > self._limit:
                self._engines.popitem(last=False)[1].dispose()
            return self._engines[url]

    def dispose(self) -> None:
        """Closes every connection that is not in use."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _open(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        # as many connections as ask at once, of which one stays
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _sync_at_checkpoints)
    return engine


def _sync_at_checkpoints(connection: Any, _entry: object) -> None:
    # Dagster keeps a write-ahead log too, but begins it after it has made the tables; under one, a
    # loss of power costs the last events but never the database
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _is_begun(engine: Engine) -> bool:
    """Whether the database has its tables, and the name of the version that they are of."""
    with engine.connect() as connection:
        try:
            return connection.execute(_VERSION).first() is not None
        except OperationalError:
            return False


class OpenRunStorage(SqliteRunStorage):
    """The runs of an instance, below ``base_dir``."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = OpenEngines()
        super().__init__(conn_string, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenRunStorage":
        """As Dagster makes a storage from the configuration of its instance."""
        return cls.from_local(inst_data=inst_data, **config_value)

    @classmethod
    def from_local(
        cls, base_dir: str, inst_data: ConfigurableClassData | None = None
    ) -> "OpenRunStorage":
        """The storage below a folder; its database is made where there is none."""
        if (Path(base_dir) / "runs.db").exists():
            storage = cls(create_db_conn_string(base_dir, "runs"), inst_data)
            engine = storage._engines.engine(storage._conn_string)
            if _is_begun(engine) and inspect(engine).has_table(InstanceInfo.name):
                return storage
            storage.dispose()
        return super().from_local(base_dir, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engines.engine(self._conn_string).begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._engines.dispose()
        super().dispose()


class OpenScheduleStorage(SqliteScheduleStorage):
    """The ticks of an instance's schedules and sensors, below ``base_dir``.

    Only a daemon and its pages ask for them: a database that is there is looked at when it is first
    asked. One that is not is made at once: several processes of Dagster that find none, as they
    begin beside each other, would all make it, and break it.
    """

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._to_begin: Path | None = None
        super().__init__(conn_string, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenScheduleStorage":
        """As Dagster makes a storage from the configuration of its instance."""
        return cls.from_local(inst_data=inst_data, **config_value)

    @classmethod
    def from_local(
        cls, base_dir: str, inst_data: ConfigurableClassData | None = None
    ) -> "OpenScheduleStorage":
        """The storage below a folder; its database is made where there is none."""
        storage = cls(create_db_conn_string(base_dir, "schedules"), inst_data)
        if (Path(base_dir) / "schedules.db").exists():
            storage._to_begin = Path(base_dir)
        else:
            storage._begin(Path(base_dir))
        return storage

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        if self._to_begin is not None:
            self._begin(self._to_begin)
            self._to_begin = None
        with super().connect() as connection:
            yield connection

    def _begin(self, folder: Path) -> None:
        """Makes the database where there is none; who asks at the same moment waits."""
        make_folder(folder)
        with locked(folder / ".begin.lock"):
            is_there = (folder / "schedules.db").exists()
            if not is_there or not _is_begun(create_engine(self._conn_string, poolclass=NullPool)):
                SqliteScheduleStorage.from_local(str(folder))


class OpenEventLogStorage(AskedOnce, SqliteEventLogStorage):
    """The events of an instance, below ``base_dir``: a database for each run, and their index."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = OpenEngines()
        self._has_index_columns = False
        self._begun = local()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenEventLogStorage":
        """As Dagster makes a storage from the configuration of its instance."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._begun_connection(shard) as connection:
            yield connection

    @contextmanager
    def _begun_connection(self, shard: str) -> Iterator[Connection]:
        """What :meth:`_connect` gives, for who has the lock."""
        engine = self._engines.engine(self.conn_string_for_shard(shard))
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.begin() as connection:
            yield connection

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        if _is_begun(engine):
            return
        index = Path(self.path_for_shard(INDEX_SHARD_NAME))
        if for_index_shard or not index.exists() or not self._begin_as_index(engine):
            super()._initdb(engine, for_index_shard)

    def _begin_as_index(self, engine: Engine) -> bool:
        """Gives a database the tables that the index has, and their version, in one transaction.

        False where that cannot be: the index has no version, or another process was faster.
        """
        with self._engines.engine(self.conn_string_for_shard(INDEX_SHARD_NAME)).begin() as index:
            try:
                version = index.execute(_VERSION).scalar()
            except OperationalError:
                return False
            tables = index.execute(_TABLES).scalars().all()
        if version is None:
            return False
        try:
            with engine.begin() as connection:
                # Python begins none for statements that make tables
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for statement in tables:
                    connection.exec_driver_sql(statement)
                connection.execute(_STAMP, {"version": version})
        except OperationalError:
            return False
        return True

    @contextmanager
    def index_connection(self) -> Iterator[Connection]:
        """A connection to the index: within a transaction of this thread, that transaction's."""
        within = getattr(self._begun, "connection", None)
        if within is not None:
            yield within
            return
        with self._connect(INDEX_SHARD_NAME) as connection:
            yield connection

    @contextmanager
    def _one_transaction(self) -> Iterator[Connection]:
        """A transaction of the index, for who has the lock."""
        with self._begun_connection(INDEX_SHARD_NAME) as connection:
            self._begun.connection = connection
            try:
                yield connection
            finally:
                self._begun.connection = None

    def store_event(self, event: EventLogEntry) -> None:
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events, those of one run in one transaction, and their traces in another.

        What cannot leave its traces is not stored either: Dagster stores it once more.
        """
        pairs = [(event, self._event_to_row(event)) for event in events]
        for run, group in groupby(pairs, key=lambda pair: pair[1]["run_id"]):
            of_run = list(group)
            shared = [pair for pair in of_run if _is_shared(pair[0])]
            with self.run_connection(run) as connection:
                connection.execute(_INSERT, [row for _, row in of_run])
                if shared:
                    with self._one_transaction() as index:
                        for event, row in shared:
                            self._store_shared(index, event, row)

    def _store_shared(
        self, connection: Connection, event: EventLogEntry, row: Mapping[str, Any]
    ) -> None:
        number = connection.execute(_INSERT, row).lastrowid
        kind = event.dagster_event_type
        if kind in ASSET_EVENTS:
            self._store_asset_event_tags(connection, [event], [number])
            self._store_asset_event(connection, event, number)
        if kind in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, number)

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        asset = event.get_dagster_event().asset_key
        if asset is None:
            return
        has_columns = self._has_asset_key_index_cols_on_connection(conn)
        values = self._get_asset_entry_values(event, event_id, has_columns)
        if not values:
            return
        # nearly every asset has its row already, and a failed insertion costs more than a change
        key = asset.to_string()
        of_asset = AssetKeyTable.update().where(AssetKeyTable.c.asset_key == key)
        if not conn.execute(of_asset, values).rowcount:
            conn.execute(AssetKeyTable.insert(), {"asset_key": key, **values})

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        if not self._has_index_columns:
            self._has_index_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns

    def table_names(self) -> frozenset[str]:
        """Those of the index."""
        engine = self._engines.engine(self.conn_string_for_shard(INDEX_SHARD_NAME))
        return frozenset(inspect(engine).get_table_names())

    def wipe(self) -> None:
        # it unlinks databases
        self._engines.dispose()
        super().wipe()

    def dispose(self) -> None:
        self._engines.dispose()
        super().dispose()


def _is_shared(event: EventLogEntry) -> bool:
    """Whether an event has a trace in the index: those of assets, checks and states of runs."""
    kind = event.dagster_event_type
    return event.is_dagster_event and (
        kind in ASSET_EVENTS
        or kind in ASSET_CHECK_EVENTS
        or kind in EVENT_TYPE_TO_PIPELINE_RUN_STATUS
    )


def open_storage(instance: Path) -> dict[str, Any]:
    """The configuration that puts these storages where an instance keeps its databases.

    What starts other processes with this instance needs this module in them.
    """
    history = instance / "history"
    return {
        "run_storage": _configured(OpenRunStorage, history),
        "event_log_storage": _configured(OpenEventLogStorage, history / "runs"),
        "schedule_storage": _configured(OpenScheduleStorage, instance / "schedules"),
    }


def open_server_storage(configured: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that keeps connections open where ``storage: {postgres: ...}`` names a
    server; nothing for any other storage that an owner configured.

    What starts other processes with this instance needs this package in them, and the extra.
    """
    storage = configured.get("storage")
    if not isinstance(storage, Mapping) or [*storage] != ["postgres"]:
        return {}
    of_server = {"module": "resources.postgres_storage", "class": "OpenPostgresStorage"}
    return {"storage": {"custom": {**of_server, "config": storage["postgres"]}}}


def _configured(storage: type, folder: Path) -> dict[str, Any]:
    return {
        "module": storage.__module__,
        "class": storage.__name__,
        "config": {"base_dir": str(folder)},
    }
