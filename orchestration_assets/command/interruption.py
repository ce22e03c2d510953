"""Ctrl-C and SIGTERM: whichever came, the command stops the same way and says how to go on."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
# tells of the signal that came last in the command that is under way
_CAME: Final[ContextVar[Callable[[], int | None]]] = ContextVar("came", default=lambda: None)


@contextmanager
def stoppable() -> Generator[Callable[[], int], None, None]:
    """While the block runs, SIGTERM raises KeyboardInterrupt as Ctrl-C does.

    Gives a function that tells the signal that came last, SIGINT when none did. Libraries put
    handlers of their own in place for a while: the number is noted by the interpreter itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: int(signal.SIGINT)
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)

    seen = bytearray()

    def came() -> int | None:
        with suppress(BlockingIOError):
            seen.extend(os.read(reading, 4096))
        return next((number for number in reversed(seen) if number in _STOPPING), None)

    unraisable = sys.unraisablehook

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        # an interruption that is lost takes effect later: it is no news for people
        if not isinstance(lost.exc_value, Exception) and came() is not None:
            return
        unraisable(lost)

    sys.unraisablehook = hook
    token = _CAME.set(came)
    try:
        yield lambda: came() or int(signal.SIGINT)
    finally:
        _CAME.reset(token)
        sys.unraisablehook = unraisable
        signal.signal(signal.SIGTERM, before)
        signal.set_wakeup_fd(wakeup)
        os.close(reading)
        os.close(writing)


def raise_if_stopped(cause: Exception | None = None) -> None:
    """Raises KeyboardInterrupt when a signal came, were its exception lost on the way.

    What a handler raises inside a callback of an event loop or of a library in C goes no further.
    ``cause`` is what broke besides.
    """
    if _CAME.get()() is not None:
        raise KeyboardInterrupt from cause
