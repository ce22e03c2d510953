"""Processes that do the same work beside each other: those that end are replaced, and all of them
end with the process that started them."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from orchestration_assets.schemas.errors import OrchestrationError

MOST_WORKERS: Final = 64
_MOST_FAILED: Final = 3
_PATIENCE_SECONDS: Final = 10.0
_LOG: Final = logging.getLogger("orchestration_assets.explorer")


class ServeError(OrchestrationError):
    """The explorer cannot be served so; the message has the remedy."""


def keep_working(workers: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Keeps so many processes at work, a function of a module, until a signal stops this one.

    Raises ServeError when they fail again and again, and KeyboardInterrupt for Ctrl-C.
    """
    # threads of this process must not be forked in the middle of something
    spawn = multiprocessing.get_context("spawn")

    def started() -> SpawnProcess:
        process = spawn.Process(target=_work, args=(work, arguments), name="explorer-worker")
        process.start()
        return process

    before = signal.signal(signal.SIGTERM, _stop)
    running: list[SpawnProcess] = []
    failed = 0
    try:
        running += [started() for _ in range(workers)]
        while True:
            wait([one.sentinel for one in running])
            for one in [one for one in running if not one.is_alive()]:
                running.remove(one)
                # one that was killed is no sign of the next
                failed += (one.exitcode or 0) > 0
                if failed > _MOST_FAILED:
                    raise ServeError(
                        f"--workers: {failed} of them failed, the last with exit code "
                        f"{one.exitcode}; try --workers 1"
                    )
                _LOG.warning("a worker ended (%s), another takes its place", one.exitcode)
                running.append(started())
    finally:
        _end(running)
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _end(running: list[SpawnProcess]) -> None:
    for one in running:
        one.terminate()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for one in running:
        one.join(max(0.0, deadline - time.monotonic()))
        if one.is_alive():
            one.kill()
            one.join()


def _work(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(*arguments)


def _end_with_parent() -> None:
    """Ends this process once the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
