"""Locks and folders of a home that must be there: what refuses them is said in one line."""

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
