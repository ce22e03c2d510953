"""Who has which question before them, and what was passed over: shared by all workers of a server.

It lies in a small SQLite file, which may be lost: then a question may be asked of two people.
"""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from orchestration_assets.explorer.review_order import QuestionKey
from orchestration_assets.schemas.errors import OrchestrationError

FILE: Final = "desk.sqlite"
HELD_SECONDS: Final = 600.0
MOST_HELD: Final = 2_000
MOST_SKIPPED: Final = 5_000
_PATIENCE_SECONDS: Final = 10.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS held (
    number INTEGER PRIMARY KEY, who TEXT NOT NULL UNIQUE, content_hash TEXT NOT NULL,
    task TEXT NOT NULL, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS skipped (
    number INTEGER PRIMARY KEY, who TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (who, name));
"""


Statement = tuple[str, Sequence[Any]]
"""SQL and its values."""


class DeskMarksError(OrchestrationError):
    """The file of marks cannot be used; the message says where it lies."""


class DeskMarks:
    """Marks in a file, in memory without one. Safe for threads and for processes."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """Raises DeskMarksError."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                path or ":memory:",
                timeout=_PATIENCE_SECONDS,
                check_same_thread=False,
                isolation_level=None,
            )
            # nothing here outlives the server: no write waits for the disk
            self._file.executescript(f"PRAGMA synchronous = OFF;{_TABLES}")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def hold(self, who: str, key: QuestionKey) -> None:
        """A person has a question before them, and no other any more."""
        with self._lock, self._reported(), self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._run(self._holding(who, key))

    def _holding(self, who: str, key: QuestionKey) -> Sequence[Statement]:
        return (
            (
                "INSERT OR REPLACE INTO held (who, content_hash, task, since) VALUES (?, ?, ?, ?)",
                (who, *key, self._clock()),
            ),
            ("DELETE FROM held WHERE number <= (SELECT max(number) FROM held) - ?", (MOST_HELD,)),
        )

    def claim(self, who: str, wanted: Iterable[tuple[QuestionKey, int]]) -> int | None:
        """Puts the first question before a person that fewer others have before them than stands
        beside it, and nobody gets between; its place among those ``wanted``, None for none."""
        with self._lock, self._reported(), self._file:
            self._file.execute("BEGIN IMMEDIATE")
            elsewhere = self._elsewhere(who)
            for place, (key, most) in enumerate(wanted):
                if len(elsewhere.get(key, ())) < most:
                    self._run(self._holding(who, key))
                    return place
        return None

    def release(self, who: str, key: QuestionKey) -> None:
        """They have it before them no more."""
        statement = "DELETE FROM held WHERE who = ? AND content_hash = ? AND task = ?"
        self._do((statement, (who, *key)))

    def skip(self, who: str, name: str) -> None:
        """A person passes a question over."""
        self._do(
            ("INSERT OR IGNORE INTO skipped (who, name) VALUES (?, ?)", (who, name)),
            (
                "DELETE FROM skipped WHERE number <= (SELECT max(number) FROM skipped) - ?",
                (MOST_SKIPPED,),
            ),
        )

    def elsewhere(self, who: str) -> Mapping[QuestionKey, set[str]]:
        """The questions that others have before them now, and who."""
        with self._lock, self._reported():
            return self._elsewhere(who)

    def _elsewhere(self, who: str) -> Mapping[QuestionKey, set[str]]:
        now = self._clock()
        # a clock that began anew says nothing about what was held before
        statement = (
            "SELECT who, content_hash, task FROM held WHERE who <> ? AND since > ? AND since <= ?",
            (who, now - HELD_SECONDS, now),
        )
        found: defaultdict[QuestionKey, set[str]] = defaultdict(set)
        for person, content_hash, task in self._run([statement]):
            found[content_hash, task].add(person)
        return found

    def passed_over(self, who: str) -> set[str]:
        """The names of the questions that a person has passed over."""
        return {name for (name,) in self._do(("SELECT name FROM skipped WHERE who = ?", (who,)))}

    def _do(self, *statements: Statement) -> list[Any]:
        """The rows of the last statement; all of them happen, or none."""
        with self._lock, self._reported(), self._file:
            if len(statements) > 1:
                self._file.execute("BEGIN IMMEDIATE")
            return self._run(statements)

    def _run(self, statements: Sequence[Statement]) -> list[Any]:
        rows: list[Any] = []
        for text, values in statements:
            rows = self._file.execute(text, values).fetchall()
        return rows

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> DeskMarksError:
        return DeskMarksError(
            f"{self._path or 'marks in memory'}: cannot be used ({error}); "
            "delete it and start the server again"
        )
