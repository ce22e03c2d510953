"""Which runs have a process: each holds a lock that the kernel gives back when it dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from resources.locks import open_locked

STOPPED_TAG: Final = "orchestration/stopped"
"""On runs that a person or the system stopped: they say nothing about their batch."""


def _lock_file(folder: Path, run_id: str) -> Path:
    if not run_id.replace("-", "").isalnum():
        raise ValueError(f"not a run id: {run_id!r}")
    return folder / run_id


@contextmanager
def run_lock(folder: Path, run_id: str) -> Generator[None, None, None]:
    """While the block runs, this process counts as one that carries out the run."""
    path = _lock_file(folder, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = open_locked(path, fcntl.LOCK_SH)
    try:
        yield
    finally:
        _remove_unless_held(descriptor, path)
        os.close(descriptor)


def is_running(folder: Path, run_id: str) -> bool:
    """Whether a process on this machine carries out the run now."""
    path = _lock_file(folder, run_id)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _remove_unless_held(descriptor, path)
    finally:
        os.close(descriptor)


def _remove_unless_held(descriptor: int, path: Path) -> bool:
    """Removes the file unless another process holds it; whether it was removed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    path.unlink(missing_ok=True)
    return True
