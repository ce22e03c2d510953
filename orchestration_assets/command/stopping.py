"""Ctrl-C and SIGTERM: whichever came, the command stops the same way and says how to go on."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


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

    def which() -> int:
        try:
            seen = os.read(reading, 4096)
        except BlockingIOError:
            seen = b""
        return next((n for n in reversed(seen) if n in _STOPPING), int(signal.SIGINT))

    try:
        yield which
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.set_wakeup_fd(wakeup)
        os.close(reading)
        os.close(writing)
