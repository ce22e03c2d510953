"""Locks and folders of a home that must be there: what refuses them is said in one line."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from orchestration_assets.schemas.errors import unwritable


def make_folder(folder: Path) -> None:
    """Makes the folder and those above it. Raises UnwritableError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def locked(path: Path) -> Generator[None, None, None]:
    """Holds the lock file: other processes wait. Raises UnwritableError when it cannot be made."""
    lock = FileLock(path)
    try:
        lock.acquire()
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def open_locked(path: Path, kind: int) -> int:
    """A descriptor of the file, locked as ``kind`` says (of ``fcntl.flock``).

    The file is made when it is not there. The kernel gives the lock back when its process dies.
    Raises BlockingIOError when ``kind`` has LOCK_NB and another descriptor holds the lock.
    """
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, kind)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass  # whoever held it last removed it meanwhile
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of :func:`open_locked` on the file now."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
