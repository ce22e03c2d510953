"""Files of which only one of many writers can be the first: whole, durable, never written over."""

import errno
import fcntl
import os
import tempfile
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.errors import unwritable
from resources.damage import notice
from resources.locks import open_locked

# what file systems say that know no second name of a file
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
)


def create_atomically(path: Path, data: bytes) -> bool:
    """Whether the file was made, with all of the data, and is on the disk; False when there is one
    of that name.

    Of any number of processes one succeeds, on every machine that shares the file system. Where a
    file cannot have a second name (some network shares, FAT) a lock of the kernel decides, which
    may hold for the processes of one machine only: that is said once. Raises UnwritableError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            made = _named_once(Path(temporary), path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    return made


def _named_once(temporary: Path, path: Path) -> bool:
    try:
        # unlike a rename, it never takes the place of another file
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        notice(
            f"{path.parent}: this file system has no hard links, so a lock decides which of two "
            "writers is first; it may not hold between machines: write from one machine only"
        )
        return _renamed_under_a_lock(temporary, path)
    return True


def _renamed_under_a_lock(temporary: Path, path: Path) -> bool:
    lock = open_locked(path.parent / ".lock", fcntl.LOCK_EX)
    try:
        if path.exists():
            return False
        temporary.replace(path)
        return True
    finally:
        os.close(lock)


def _sync(folder: Path) -> None:
    """The name of a file is on the disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
