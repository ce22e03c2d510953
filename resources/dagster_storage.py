"""Dagster's SQLite storage over engines and connections that stay open.

Dagster's own opens an engine and a connection for each statement: every statement is compiled anew,
and closing the only connection of a database folds its log into it and waits for the disk. The
databases, their tables and what they hold are the same; a process with the stock storage may read
and write them at the same time.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.pool import QueuePool

# each run has a database of its own, beside the one that all share
_OPEN_DATABASES: Final = 8


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

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engines.engine(self._conn_string).begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._engines.dispose()
        super().dispose()


class OpenEventLogStorage(SqliteEventLogStorage):
    """The events of an instance, below ``base_dir``: a database for each run, and their index."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines = OpenEngines()
        self._tables: frozenset[str] = frozenset()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenEventLogStorage":
        """As Dagster makes a storage from the configuration of its instance."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def has_table(self, table_name: str) -> bool:
        # an upgrade adds tables; nothing takes one away
        if table_name not in self._tables:
            engine = self._engines.engine(self.conn_string_for_shard(INDEX_SHARD_NAME))
            self._tables = frozenset(inspect(engine).get_table_names())
        return table_name in self._tables

    def wipe(self) -> None:
        # it unlinks databases
        self._engines.dispose()
        super().wipe()

    def dispose(self) -> None:
        self._engines.dispose()
        super().dispose()


def open_storage(instance: Path) -> dict[str, Any]:
    """The configuration that puts these storages where an instance keeps its databases.

    What starts other processes with this instance needs this module in them.
    """
    history = instance / "history"
    return {
        "run_storage": _configured(OpenRunStorage, history),
        "event_log_storage": _configured(OpenEventLogStorage, history / "runs"),
    }


def _configured(storage: type, folder: Path) -> dict[str, Any]:
    return {
        "module": storage.__module__,
        "class": storage.__name__,
        "config": {"base_dir": str(folder)},
    }
