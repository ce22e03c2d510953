"""One small file that several processes change in turns, without ever waiting for a disk.

It is locked, read, written and given free in some tens of microseconds. What it says may be lost
with the machine, not with a process: it is written by one call, and a checksum tells.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from orchestration_assets.schemas.errors import unwritable
from orchestration_assets.text.json_bytes import json_bytes, json_value
from resources.locks import is_locked, make_folder, open_locked

_CHECKSUM_CHARS: Final = 8
_LEAST_BYTES: Final = 4096
"""The file has room from the beginning: on a disk that becomes full it can still be written."""


class LimitFile:
    """The file of ``name`` in the folder, and who takes part in it."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises UnwritableError."""
        make_folder(folder)
        self._members = folder / f"{name}.members"
        make_folder(self._members)
        path = folder / f"{name}.state"
        try:
            self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        self._size = 0

    def close(self) -> None:
        os.close(self._file)

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """What the file says, for this process alone; what the block makes of it is written.

        Empty before anything was written, and when it is damaged.
        """
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._file).st_size
            state = _decoded(os.pread(self._file, size, 0))
            yield state
            body = json_bytes(state)
            # white space at the end is no part of it: the file never becomes shorter
            body = body.ljust(max(size, _LEAST_BYTES) - _CHECKSUM_CHARS - 1)
            os.pwrite(self._file, b"%08x %s" % (crc32(body), body), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def enter(self, member: str) -> int:
        """A descriptor that shows others, as long as it is open, that the member lives."""
        return open_locked(self._members / member, fcntl.LOCK_EX)

    def leave(self, member: str, descriptor: int) -> None:
        """The member takes no part any more."""
        (self._members / member).unlink(missing_ok=True)
        os.close(descriptor)

    def lives(self, member: str) -> bool:
        """Whether the process of a member lives, and takes part."""
        path = self._members / member
        if is_locked(path):
            return True
        path.unlink(missing_ok=True)
        return False


def _decoded(data: bytes) -> dict[str, Any]:
    checksum, body = data[:_CHECKSUM_CHARS], data[_CHECKSUM_CHARS + 1 :]
    try:
        if int(checksum, 16) == crc32(body):
            state: dict[str, Any] = json_value(body)
            return state
    except ValueError:
        pass
    return {}
