"""A clock that leaves out the time in which the event loop was blocked, and timeouts by it.

A service must not time out because this process was busy while the answer had arrived already.
"""

import asyncio
import math
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Final
from weakref import ReferenceType, WeakKeyDictionary, ref

_BEAT_S: Final = 0.05
_TOLERANCE_S: Final = 0.05
"""A timer that fires no later than this is on time."""
_RESOLUTION_S: Final = 1e-6
_SOON_S: Final = 2.0
"""Only a timeout that is due as soon as this has a timer of its own. Most attempts end long before
they are due: a timer for each, set and cancelled, would cost more than all else that limits it."""
_LOOK_EVERY: Final = 20
"""Beats between two looks at the timeouts that are due later: half of ``_SOON_S``."""


class SteadyClock:
    """The loop's time in seconds without the time in which it was blocked; compare differences.

    A timer is due every 50 ms. Where it fires late, the loop was blocked since then, and that
    time is left out.
    """

    def __init__(self) -> None:
        self.stalled_s = 0.0
        self.later: set[SteadyTimeout] = set()
        """Timeouts that are not due soon."""
        self.loop_time = loop_time()
        self._beats = 0
        self._schedule_beat()

    def time(self) -> float:
        """Now, at most one beat and its tolerance after the last beat."""
        now, latest = self.loop_time(), self._latest
        return (now if now < latest else latest) - self.stalled_s

    def _schedule_beat(self) -> None:
        # no reference to the loop: the table of clocks must not keep it alive
        loop = asyncio.get_running_loop()
        due = loop.time() + _BEAT_S
        self._latest = due + _TOLERANCE_S
        loop.call_at(due, self._beat)

    def _beat(self) -> None:
        late = self.loop_time() - self._latest
        self.stalled_s += max(0.0, late)
        self._schedule_beat()
        self._beats += 1
        if late > 0.0 or self._beats % _LOOK_EVERY == 0:
            for timeout in [one for one in self.later if one.remaining() < _SOON_S]:
                self.later.discard(timeout)
                timeout.set_timer()


def loop_time() -> Callable[[], float]:
    """The clock of the running event loop in seconds, without a reference to the loop."""
    time = asyncio.get_running_loop().time
    if getattr(time, "__func__", None) is asyncio.BaseEventLoop.time:
        # which is what it asks
        return monotonic
    return lambda: asyncio.get_running_loop().time()


_CLOCKS: "WeakKeyDictionary[asyncio.AbstractEventLoop, SteadyClock]" = WeakKeyDictionary()
# the loop that asked last, and its clock: the table takes three times as long
_latest: "list[tuple[ReferenceType[asyncio.AbstractEventLoop], SteadyClock]]" = []


def steady_clock() -> SteadyClock:
    """The steady clock of the running loop; started at the first call."""
    loop = asyncio.get_running_loop()
    for asked, clock in _latest:
        if asked() is loop:
            return clock
    known = _CLOCKS.get(loop)
    if known is None:
        known = _CLOCKS[loop] = SteadyClock()
    _latest[:] = [(ref(loop), known)]
    return known


class SteadyTimeout:
    """A context that raises TimeoutError after ``seconds`` of the steady clock.

    ``deadline`` is a time of the loop's own clock, which ends it in any case. Whatever waits in the
    block is cancelled, as by :func:`asyncio.timeout`; ``clock`` is the running loop's.
    """

    __slots__ = (
        "_cancelling",
        "_clock",
        "_deadline",
        "_ends",
        "_expired",
        "_seconds",
        "_task",
        "_timer",
    )

    def __init__(
        self, seconds: float, deadline: float = math.inf, clock: SteadyClock | None = None
    ) -> None:
        self._seconds = seconds
        self._deadline = deadline
        self._clock = clock
        self._timer: asyncio.Handle | None = None
        self._expired = False

    def __enter__(self) -> "SteadyTimeout":
        clock = self._clock
        if clock is None:
            clock = self._clock = steady_clock()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a timeout limits what a task waits for")
        self._task = task
        self._cancelling = task.cancelling()
        self._ends = clock.time() + self._seconds
        left = min(self._seconds, self._deadline - clock.loop_time())
        if left < _SOON_S:
            self.set_timer()
        elif left < math.inf:
            clock.later.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        if not self._expired:
            return
        # a cancellation that came from elsewhere too goes on as one
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def release(self) -> None:
        """Removes the limit."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif self._clock is not None:
            self._clock.later.discard(self)
        self._ends = self._deadline = math.inf

    def remaining(self) -> float:
        """Seconds until it is due, unless the loop is blocked meanwhile."""
        assert self._clock is not None
        return min(self._ends - self._clock.time(), self._deadline - self._clock.loop_time())

    def set_timer(self) -> None:
        """Looks exactly when it is due."""
        left = max(0.0, self.remaining())
        self._timer = asyncio.get_running_loop().call_later(left, self._expire)

    def _expire(self) -> None:
        if self.remaining() > _RESOLUTION_S:
            # the loop was blocked meanwhile: answers that have arrived come first
            self.set_timer()
        else:
            # after what is to go on already: an answer that has come is no late answer
            self._timer = asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._expired = True
        self._task.cancel()
