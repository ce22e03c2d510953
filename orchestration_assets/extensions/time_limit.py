"""A limit on the processor time of a call to somebody else's code, in whatever thread it runs."""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

Value = TypeVar("Value")

WALL_S: Final = 1.0
"""How long a call may take on the clock, for one that waits rather than works."""
_LOOK_EVERY_S: Final = 0.005
_TELL_EVERY_S: Final = 0.05
_IDLE_S: Final = 1.0


class TimeUsedUpError(Exception):
    """A call was stopped, since its time was used up."""


class _Stop(BaseException):
    """Raised in the thread of the call; no handler of exceptions catches it by accident."""


class _Call:
    """A call under way: its thread, and when its time is used up."""

    def __init__(self, limit_s: float, wall_s: float) -> None:
        thread = threading.get_ident()
        self.thread = thread
        self._clock = time.pthread_getcpuclockid(thread)
        self._ends = time.clock_gettime(self._clock) + limit_s
        self._wall_ends = time.monotonic() + wall_s
        self._told = 0.0

    @property
    def was_told(self) -> bool:
        """Whether it was ever to be stopped."""
        return self._told > 0.0

    @property
    def waited_too_long(self) -> bool:
        """Whether its time on the clock is used up."""
        return time.monotonic() >= self._wall_ends

    def must_be_told(self, now: float) -> bool:
        """Whether it is to be stopped now; again and again, since code may catch everything."""
        is_over = time.clock_gettime(self._clock) >= self._ends or now >= self._wall_ends
        if not is_over or now - self._told < _TELL_EVERY_S:
            return False
        self._told = now
        return True


class _Watch:
    """One thread that stops calls, there as long as there are some.

    A plain lock, since a thread may be stopped anywhere in code of Python that takes one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[_Call] = set()
        self._thread: threading.Thread | None = None

    def begin(self, call: _Call) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="time-limit", daemon=True)
                self._thread.start()
            self._calls.add(call)

    def end(self, call: _Call) -> None:
        """After this nothing is raised in the call's thread any more."""
        with self._lock:
            self._calls.discard(call)
        if call.was_told:
            _take_in(call.thread)

    def _run(self) -> None:
        idle_since = time.monotonic()
        while True:
            time.sleep(_LOOK_EVERY_S)
            now = time.monotonic()
            with self._lock:
                if self._calls:
                    idle_since = now
                elif now - idle_since > _IDLE_S:
                    self._thread = None
                    return
                for call in self._calls:
                    if call.must_be_told(now):
                        _raise_in(call.thread, _Stop)


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Has the thread raise ``error`` soon, in place of one that it has not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _take_in(thread: int) -> None:
    """Raises what this thread may still be about to raise, here and now.

    To take it back instead would leave the interpreter looking for it for good, at every call: such
    a thread is slow, and never goes on under a profiler or a debugger (CPython 3.11).
    """
    try:
        _raise_in(thread, _Stop)
        while True:
            time.sleep(0.0)
    except _Stop:
        return


_watch = _Watch()


def limited(function: Callable[[], Value], limit_s: float, wall_s: float = WALL_S) -> Value:
    """What ``function`` returns, stopped after ``limit_s`` seconds of its thread's processor time,
    or after ``wall_s`` on the clock.

    Raises TimeUsedUpError, and whatever the function raises. It is stopped between two
    instructions of Python: one call into compiled code is waited for.
    """
    call = _Call(limit_s, wall_s)
    try:
        _watch.begin(call)
        try:
            return function()
        finally:
            _end(call)
    except _Stop as stopped:
        _end(call)
        spent_s = wall_s if call.waited_too_long else limit_s
        raise TimeUsedUpError(f"stopped after {spent_s * 1000:.0f} ms") from stopped


def _end(call: _Call) -> None:
    """Takes the call off the watch, also where it is stopped while that is done."""
    while True:
        try:
            _watch.end(call)
        except _Stop:
            continue
        return
