"""Which versions of the objects in a store the files of a home are copies of."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownFile:
    """The version in the store that a file here is a copy of, and how the file looked then."""

    etag: str
    size: int
    modified_ns: int


class CopyIndex:
    """What of the store is here. Deleted, it is found out anew, unless something that is here was
    removed from the store meanwhile: then the home is refused."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(
            "CREATE TABLE IF NOT EXISTS copies"
            " (key TEXT PRIMARY KEY, etag TEXT, size INTEGER, modified_ns INTEGER)"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS joined (yes INTEGER)")

    def get(self, key: str) -> KnownFile | None:
        row = self._connection.execute(
            "SELECT etag, size, modified_ns FROM copies WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else KnownFile(*row)

    def all(self) -> Mapping[str, KnownFile]:
        rows: Iterable[tuple[str, str, int, int]] = self._connection.execute("SELECT * FROM copies")
        return {key: KnownFile(etag, size, modified_ns) for key, etag, size, modified_ns in rows}

    def set(self, key: str, known: KnownFile) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)",
            (key, known.etag, known.size, known.modified_ns),
        )

    def forget(self, key: str) -> None:
        self._connection.execute("DELETE FROM copies WHERE key = ?", (key,))

    def joined(self) -> bool:
        return self._connection.execute("SELECT 1 FROM joined").fetchone() is not None

    def join(self) -> None:
        self._connection.execute("INSERT INTO joined VALUES (1)")
