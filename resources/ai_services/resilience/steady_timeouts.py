"""A clock that leaves out the time in which the event loop was blocked, and timeouts by it.

A service must not time out because this process was busy while the answer had arrived already.
"""

import asyncio
import math
from types import TracebackType
from typing import Final
from weakref import WeakKeyDictionary

_BEAT_S: Final = 0.05
_TOLERANCE_S: Final = 0.05
"""A timer that fires no later than this is on time."""
_RESOLUTION_S: Final = 1e-6


class SteadyClock:
    """The loop's time in seconds without the time in which it was blocked; compare differences.

    A timer is due every 50 ms. Where it fires late, the loop was blocked since then, and that
    time is left out.
    """

    def __init__(self) -> None:
        self.stalled_s = 0.0
        self._schedule_beat()

    def time(self) -> float:
        """Now, at most one beat and its tolerance after the last beat."""
        return min(_loop_time(), self._due + _TOLERANCE_S) - self.stalled_s

    def _schedule_beat(self) -> None:
        # no reference to the loop: the table of clocks must not keep it alive
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _BEAT_S
        loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        self.stalled_s += max(0.0, _loop_time() - self._due - _TOLERANCE_S)
        self._schedule_beat()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


_CLOCKS: "WeakKeyDictionary[asyncio.AbstractEventLoop, SteadyClock]" = WeakKeyDictionary()


def steady_clock() -> SteadyClock:
    """The steady clock of the running loop; started at the first call."""
    loop = asyncio.get_running_loop()
    clock = _CLOCKS.get(loop)
    if clock is None:
        clock = _CLOCKS[loop] = SteadyClock()
    return clock


class SteadyTimeout:
    """An asynchronous context that raises TimeoutError after ``seconds`` of the steady clock.

    ``deadline`` is a time of the loop's own clock, which ends it in any case.
    """

    def __init__(self, seconds: float, deadline: float = math.inf) -> None:
        self._seconds = seconds
        self._deadline = deadline
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "SteadyTimeout":
        self._loop = asyncio.get_running_loop()
        self._clock = steady_clock()
        self._ends = self._clock.time() + self._seconds
        self._timeout = asyncio.timeout(None)
        await self._timeout.__aenter__()
        self._set_timer()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        await self._timeout.__aexit__(kind, error, trace)

    def release(self) -> None:
        """Removes the limit."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ends = self._deadline = math.inf

    def _remaining(self) -> float:
        return min(self._ends - self._clock.time(), self._deadline - self._loop.time())

    def _set_timer(self) -> None:
        left = self._remaining()
        if left < math.inf:
            self._timer = self._loop.call_later(max(0.0, left), self._expire)

    def _expire(self) -> None:
        if self._remaining() > _RESOLUTION_S:
            # the loop was blocked meanwhile: answers that have arrived come first
            self._set_timer()
        else:
            self._timeout.reschedule(self._loop.time())
