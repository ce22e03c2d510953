"""Writes one file of the spending ledger: a record before and after each attempt.

Records are written to the page cache, which outlives the process. That of an attempt is written
before the attempt is sent, with every settlement before it. Settlements of one round of an event
loop share a ``write`` at its end, or before their answers are kept: a process that is killed before
leaves them out, and their attempts count as in flight. Against a loss of power the file is
synchronised once a second, beside the work, and at its end: what was written within the last second
may then be missing.
"""

import asyncio
import fcntl
import math
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from orchestration_assets.schemas.errors import UnwritableError, unwritable
from resources.locks import make_folder, open_locked
from resources.spending.records import Part, Reserved, Settled, encoded

FILE_SUFFIX: Final = ".records"
_SYNC_EVERY_S: Final = 1.0
PART_OF: Final = "ORCHESTRATION_PART_OF"
"""The environment variable with the name of the process whose run this one is a part of."""


class UnrecordedError(UnwritableError):
    """An attempt cannot be recorded: no request is sent whose cost would be forgotten."""


class SpendingPurpose(NamedTuple):
    """What attempts are sent for: see :class:`~resources.spending.records.Reserved`."""

    purpose: str
    batch: str = ""
    batch_pass: str = ""
    account: str = ""
    run: str = ""


@cache
def process_name() -> str:
    """This process: its host, its id, and what tells it from others of that id.

    A process that carries out a part of another one's run goes by that one's name.
    """
    return os.environ.get(PART_OF) or f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"


def microseconds() -> int:
    """The time of day in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class SpendingWriter:
    """Records the attempts of one process for one purpose. The file is made by the first of them.

    Holds a lock on its file, which the kernel gives back when the process ends: a file without
    one gets no more records. Use it as a context, or call :meth:`close`.
    """

    def __init__(self, folder: Path, purpose: SpendingPurpose) -> None:
        self._folder = folder
        self._purpose = purpose
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._number = 0
        self._held: list[Settled] = []
        """Settlements that this round of the event loop writes at its end."""
        self._round_of: asyncio.AbstractEventLoop | None = None
        """The event loop whose round ends with what is held being written."""
        self._unsynced = False
        self._late_error: OSError | None = None
        """Why something could not be written when nobody waited for it any more."""
        self._late_error_raised = False
        self._closing = threading.Event()
        self._syncer: threading.Thread | None = None

    def __enter__(self) -> "SpendingWriter":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def reserve(
        self,
        service: str,
        model: str,
        parts: tuple[Part, ...],
        expected_usd: float,
        most_usd: float,
    ) -> int:
        """Records an attempt before it is sent; its number. Raises UnrecordedError."""
        number, self._number = self._number, self._number + 1
        record = Reserved(
            number, microseconds(), *self._purpose, service, model, parts, expected_usd, most_usd
        )
        if self._late_error is not None:
            self._check()
        self._write(encoded(record))
        return number

    def settle(
        self,
        number: int,
        usd: float,
        *,
        estimated: bool,
        tokens_in: int | None,
        tokens_out: int | None,
        status: str,
    ) -> None:
        """Records the end of the attempt with this number; in an event loop, once its round ends.

        Raises UnrecordedError, also for what could not be written since the last record.
        """
        if not math.isfinite(usd):
            raise ValueError("an attempt cannot cost what is not finite")
        record = Settled(number, microseconds(), usd, estimated, tokens_in, tokens_out, status)
        if self._late_error is not None:
            self._check()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # nothing has rounds here
            self._write(encoded(record))
            return
        if self._round_of is not loop:
            # one call a round, however often a reservation takes along what is held
            self._round_of = loop
            loop.call_soon(self._end_round)
        self._held.append(record)

    def _end_round(self) -> None:
        self._round_of = None
        self.write_settled()

    def write_settled(self) -> None:
        """Writes the settlements that wait for the end of a round.

        A failure stops the next record: nobody waits for these any more.
        """
        if not self._held or self._file is None:
            return
        lines = b"".join(map(encoded, self._held))
        self._held.clear()
        try:
            self._append(self._file, lines)
        except OSError as error:
            self._late_error = error

    def close(self) -> None:
        """Synchronises the file and gives back its lock. Raises UnrecordedError."""
        if self._file is None:
            return
        self.write_settled()
        self._closing.set()
        if self._syncer is not None:
            self._syncer.join()
        file, self._file = self._file, None
        try:
            os.fdatasync(file)
        except OSError as error:
            raise _unrecorded(self._path, error) from error
        finally:
            os.close(file)
        if not self._late_error_raised:
            self._check()

    def _check(self) -> None:
        """Raises UnrecordedError for what was to be written beside the work, and was not."""
        if self._late_error is not None:
            self._late_error_raised = True
            raise _unrecorded(self._path, self._late_error) from self._late_error

    def _write(self, line: bytes) -> None:
        """Writes what is held, and this line behind it. Raises UnrecordedError."""
        if self._file is None:
            self._file = self._opened()
        if self._held:
            line = b"".join((*map(encoded, self._held), line))
        try:
            self._append(self._file, line)
        except OSError as error:
            raise _unrecorded(self._path, error) from error
        self._held.clear()

    def _append(self, file: int, lines: bytes) -> None:
        append(file, lines, self._size)
        self._size += len(lines)
        self._unsynced = True

    def _opened(self) -> int:
        self._path = self._folder / f"{datetime.now(UTC):%Y-%m-%d}-{uuid4().hex}{FILE_SUFFIX}"
        try:
            make_folder(self._folder)
            file = open_locked(self._path, fcntl.LOCK_EX)
            _sync_folder(self._folder)
        except OSError as error:
            raise _unrecorded(self._path, error) from error
        self._syncer = threading.Thread(target=self._sync, name="spending", daemon=True)
        self._syncer.start()
        return file

    def _sync(self) -> None:
        """Synchronises once a second what was written since; a failure stops the next record."""
        while not self._closing.wait(_SYNC_EVERY_S):
            if self._unsynced and self._file is not None:
                self._unsynced = False
                try:
                    os.fdatasync(self._file)
                except OSError as error:
                    self._late_error = error


def append(file: int, line: bytes, size: int) -> None:
    """Writes whole lines at the end of a file of so many bytes, or none of it. Raises OSError."""
    try:
        written = os.write(file, line)
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError:
        # half a line would spoil the next one
        with suppress(OSError):
            os.ftruncate(file, size)
            os.lseek(file, size, os.SEEK_SET)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unrecorded(path: Path, error: OSError) -> UnrecordedError:
    refused = UnrecordedError(f"spending cannot be recorded: {unwritable(path, error)}")
    refused.errno = error.errno
    return refused
