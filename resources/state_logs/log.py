"""The contract of what keeps the versions of a state: a log that only grows, by one at a time."""

from pathlib import Path
from typing import Protocol


class StateLog(Protocol):
    """The versions of one state as bytes, numbered from 1 without gaps.

    Linearizable: of any number of writers one makes a number, all readers see it from then on, and
    nothing is changed or taken out but what has to be forgotten (:meth:`replace`). Methods raise
    StoreAwayError where a server does not answer.
    """

    def last(self, known: int) -> int:
        """The highest number, 0 before the first; ``known`` was it some time ago."""

    def read(self, number: int) -> bytes | None:
        """One version; None where there is none of that number. Raises OSError."""

    def append(self, number: int, data: bytes) -> bool:
        """Makes the version that follows ``number - 1``; False when that is not the last one.

        May be tried again after an error: the same bytes under the same number are the same write.
        """

    def replace(self, number: int, data: bytes) -> None:
        """Writes over a version that there is, so that nothing is left of what it was.

        For the removal of content alone: whoever calls it has the home for itself.
        """

    def compact(self) -> None:
        """Gives up the room of what was replaced, where the store keeps that for a while."""

    def place(self, number: int) -> str | Path:
        """Where a version lies, for messages."""


class StateServer(Protocol):
    """A server that keeps the states of several homes."""

    @property
    def words(self) -> str:
        """What it is and where, without user and password."""

    def log(self, home: str, name: str) -> StateLog:
        """The versions of one state of a home."""
