"""What is left out because it is damaged: each file is said once, and work goes on without it."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from orchestration_assets.schemas.errors import DamagedFileError

_LOG: Final = logging.getLogger("orchestration_assets.damage")
_noticed: set[str] = set()
_lock = threading.Lock()


def notice(message: str) -> None:
    """Says something about a damaged file once in this process, for people, as a warning."""
    with _lock:
        if message in _noticed:
            return
        _noticed.add(message)
    _LOG.warning("%s", message)


@contextmanager
def leaving_out_damage() -> Generator[None, None, None]:
    """Goes on behind the block when a file that it reads is damaged, and says so.

    For what folds many batches: one that cannot be read must not stop the others.
    """
    try:
        yield
    except DamagedFileError as error:
        notice(f"left out: {error}")
