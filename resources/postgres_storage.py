"""Dagster's PostgreSQL storage over connections that stay open.

Dagster's own opens a connection for each statement: the server starts a process and checks the
password anew, about two thousand times a run. It also asks for each event whether a table is there,
and for each input and output of a step whether its partition is. The tables and what they hold are
the same; processes with the stock storage may read and write them at the same time.
"""

import os
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakSet

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)
from sqlalchemy import Engine, inspect
from sqlalchemy.pool import QueuePool

from resources.asked_once import AskedOnce

_KEPT_CONNECTIONS: Final = 2
"""Of a process: what stores an event may ask for a second connection."""
_RECYCLED_AFTER_S: Final = 1_800
"""Proxies and firewalls drop what is idle for longer."""

_engines: Final[WeakSet[Engine]] = WeakSet()


def _forget_connections() -> None:
    """In a copy of the process: its parent goes on with the connections, the copy opens its own."""
    for engine in list(_engines):
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_connections)


class _OpenEventLog(AskedOnce, PostgresEventLogStorage):
    """Events, over the connections of an engine."""

    def __init__(self, url: str, engine: Engine, token_provider: Any) -> None:
        super().__init__(url, should_autocreate_tables=False, token_provider=token_provider)
        self._engine = engine

    def table_names(self) -> frozenset[str]:
        """Those of the database. Waits for a server that is away as the stock storage does."""
        with self._connect() as connection:
            return frozenset(inspect(connection).get_table_names())

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()


class OpenPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules of an instance in one PostgreSQL database.

    Configured as ``storage: {postgres: ...}`` is. A connection is tried before it is used: after
    the server was away, the next statement opens a new one, and waits as the stock storage does.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: Any = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        self._engine = create_pg_engine(
            postgres_url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=-1,
            pool_pre_ping=True,
            pool_recycle=_RECYCLED_AFTER_S,
        )
        _engines.add(self._engine)
        self._event_log_storage = _OpenEventLog(postgres_url, self._engine, token_provider)
        self._run_storage._engine = self._engine
        self._schedule_storage._engine = self._engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenPostgresStorage":
        """As Dagster makes a storage from the configuration of its instance."""
        return cls(
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
