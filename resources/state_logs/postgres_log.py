"""Versions of a state in PostgreSQL: a row each, whose key only one of many writers can make."""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from orchestration_assets.schemas.errors import StoreAwayError

_INSTALL: Final = "pip install 'content-orchestration[postgres]'"
_SECONDS: Final = 10
_ATTEMPTS: Final = 2
_THERE: Final = "SELECT to_regclass('content_orchestration_state') IS NOT NULL"
_MAKE: Final = """
CREATE TABLE IF NOT EXISTS content_orchestration_state (
  home text, name text, number integer CHECK (number > 0), data bytea NOT NULL,
  PRIMARY KEY (home, name, number)
)"""
_LAST: Final = """
SELECT coalesce(max(number), 0) FROM content_orchestration_state WHERE home = %s AND name = %s"""
_READ: Final = """
SELECT data FROM content_orchestration_state WHERE home = %s AND name = %s AND number = %s"""
_APPEND: Final = """
INSERT INTO content_orchestration_state (home, name, number, data)
SELECT %(home)s, %(name)s, %(number)s, %(data)s
WHERE %(number)s = 1 OR EXISTS (
  SELECT 1 FROM content_orchestration_state
  WHERE home = %(home)s AND name = %(name)s AND number = %(number)s - 1)
ON CONFLICT DO NOTHING
RETURNING true"""
_REPLACE: Final = """
UPDATE content_orchestration_state SET data = %s WHERE home = %s AND name = %s AND number = %s
RETURNING true"""
_COMPACT: Final = "VACUUM FULL content_orchestration_state"
_IS_OURS: Final = """
SELECT data = %(data)s FROM content_orchestration_state
WHERE home = %(home)s AND name = %(name)s AND number = %(number)s"""

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class PostgresLog:
    """The versions of one state of a home; see :class:`StateLog`."""

    server: "PostgresServer"
    home: str
    name: str

    def last(self, known: int) -> int:
        ((number,),) = self.server.rows(_LAST, (self.home, self.name))
        return int(number)

    def read(self, number: int) -> bytes | None:
        found = self.server.rows(_READ, (self.home, self.name, number))
        return bytes(found[0][0]) if found else None

    def append(self, number: int, data: bytes) -> bool:
        given = {"home": self.home, "name": self.name, "number": number, "data": data}
        if self.server.rows(_APPEND, given):
            return True
        # there is one: ours, where the answer to an earlier try was lost
        return any(same for (same,) in self.server.rows(_IS_OURS, given))

    def replace(self, number: int, data: bytes) -> None:
        self.server.rows(_REPLACE, (data, self.home, self.name, number))

    def compact(self) -> None:
        """Writes the table anew: rows that were replaced stay on the server's disk until then."""
        self.server.rows("SET statement_timeout = 0", None)
        try:
            self.server.rows(_COMPACT, None)
        finally:
            self.server.rows(f"SET statement_timeout = {_SECONDS * 1_000}", None)

    def place(self, number: int) -> str:
        return f"{self.server.words}, content_orchestration_state, {self.home} {self.name} {number}"


@dataclass(frozen=True)
class PostgresServer:
    """The database at ``url``; see :class:`StateServer`. Raises StoreAwayError, without user and
    password."""

    url: str

    @property
    def words(self) -> str:
        parts = urlsplit(self.url)
        return f"PostgreSQL at {parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    def log(self, home: str, name: str) -> PostgresLog:
        return PostgresLog(self, home, name)

    def rows(self, statement: str, given: object) -> Rows:
        """What a statement yields, which is a transaction of its own."""
        try:
            return _connection(self.url, self.words, os.getpid()).rows(statement, given)
        except StoreAwayError:
            raise
        except Exception as error:
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise StoreAwayError(
                f"the state of this home is kept in {self.words}, which cannot be used ({what}): "
                "make it answer, and run the same command again"
            ) from error


class _Connection:
    """The connection of a process, made anew once where it was lost."""

    def __init__(self, connect: Callable[[], Any], lost: tuple[type[Exception], ...]) -> None:
        self._connect = connect
        self._lost = lost
        self._open: Any = None
        self._lock = threading.Lock()

    def rows(self, statement: str, given: object) -> Rows:
        with self._lock:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    if self._open is None:
                        self._open = self._connect()
                    with self._open.cursor() as cursor:
                        cursor.execute(statement, given)
                        # a command that is no query has no rows to tell
                        found: Rows = cursor.fetchall() if cursor.description else ()
                    return found
                except self._lost:
                    self._open = None
                    if attempt == _ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returns or raises")


@lru_cache(maxsize=8)
def _connection(url: str, words: str, process: int) -> _Connection:
    try:
        import psycopg2
    except ImportError as error:
        raise StoreAwayError(f"{words}: PostgreSQL needs its client: {_INSTALL}") from error
    # the name of a driver is SQLAlchemy's
    scheme, _, rest = url.partition("://")
    address = f"{scheme.partition('+')[0]}://{rest}"

    def connect() -> Any:
        connection = psycopg2.connect(
            address,
            connect_timeout=_SECONDS,
            options=f"-c statement_timeout={_SECONDS * 1_000}",
            # a copy of the database that lags behind would show what stood
            target_session_attrs="read-write",
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_THERE)
            if not cursor.fetchone()[0]:
                # another process may make it at the same time
                with suppress(psycopg2.errors.UniqueViolation):
                    cursor.execute(_MAKE)
        return connection

    return _Connection(connect, (psycopg2.OperationalError, psycopg2.InterfaceError))
