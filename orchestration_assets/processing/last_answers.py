"""Ctrl-C and SIGTERM while questions are asked: what is under way is paid for already.

The first signal lets the answers that are under way come in, and begins no other call. The second
one, or the end of the patience, ends those too. Then the signal takes its effect as it would have.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from orchestration_assets.processing.asker import Asker

PATIENCE_S: Final = 10.0
"""Seconds that answers under way are waited for: orchestrators kill 30 s after SIGTERM."""
_HELD: Final = (signal.SIGINT, signal.SIGTERM)


class HeldSignals:
    """The first signal that came in the block of :func:`held_signals`."""

    def __init__(self) -> None:
        self.came: int | None = None
        self._tell: Callable[[], object] = lambda: None

    def note(self, number: int) -> None:
        self.came = number
        self._tell()

    async def stopping(self, work: Coroutine[Any, Any, None], *askers: Asker) -> None:
        """Carries out the work; when a signal comes, ends it once its last answers are there."""
        loop, signalled = asyncio.get_running_loop(), asyncio.Event()
        self._tell = lambda: loop.call_soon_threadsafe(signalled.set)
        task, watch = asyncio.ensure_future(work), asyncio.ensure_future(signalled.wait())
        try:
            if self.came is None:
                await asyncio.wait([task, watch], return_when=asyncio.FIRST_COMPLETED)
            if self.came is not None and not task.done():
                await asyncio.gather(*(one.last_answers(PATIENCE_S) for one in askers))
            else:
                await task
        finally:
            self._tell = lambda: None
            watch.cancel()
            task.cancel()
            # nothing is asked any more once connections are closed
            await asyncio.wait([task])


@contextmanager
def held_signals() -> Generator[HeldSignals, None, None]:
    """Holds back the first SIGINT or SIGTERM until the block has ended; another one is let through.

    Outside of the main thread, which alone gets signals, nothing is held back. Raises
    KeyboardInterrupt behind the block where the signal itself raises nothing.
    """
    held = HeldSignals()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    before = {number: signal.getsignal(number) for number in _HELD}

    def release() -> None:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)

    def hold(number: int, frame: FrameType | None) -> None:
        if held.came is None:
            held.note(number)
            return
        release()
        signal.raise_signal(number)

    for number, handler in before.items():
        # one that the system was told to ignore stays ignored
        if handler is not signal.SIG_IGN:
            signal.signal(number, hold)
    try:
        yield held
    finally:
        release()
    if held.came is not None:
        signal.raise_signal(held.came)
        raise KeyboardInterrupt
