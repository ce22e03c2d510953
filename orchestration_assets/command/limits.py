"""What the system allows this process, and where people read what was left out."""

import logging
import resource
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, TextIO

from orchestration_assets.schemas.errors import OrchestrationError

# a run with its services, caches and event store holds about half of it
_FILES: Final = 128
_ENOUGH: Final = 4096


class LimitError(OrchestrationError):
    """The system allows this process too little to run at all."""


def allow_open_files() -> None:
    """Takes as many open files as the system allows without asking.

    Raises LimitError when they are too few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    most = _ENOUGH if hard == unlimited else min(_ENOUGH, hard)
    if soft != unlimited and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if hard != unlimited and hard < _FILES:
        raise LimitError(
            f"this process may open only {hard} files, and needs {_FILES}: allow more with "
            "ulimit -n 1024"
        )


@contextmanager
def saying_damage(stream: TextIO) -> Generator[None, None, None]:
    """Writes every notice about damaged files to the stream, a line each."""
    log = logging.getLogger("orchestration_assets.damage")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("orchestrate: %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
