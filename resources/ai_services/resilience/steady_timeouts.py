"""Time that stands still while the event loop cannot run, and limits that are kept by it.

A limit on a service must not run out because this process was busy: an answer that lies ready
while something else holds the loop is no late answer.
"""

import asyncio
import math
from types import TracebackType
from typing import Final
from weakref import WeakKeyDictionary

_BEAT_S: Final = 0.05
_TOLERANCE_S: Final = 0.05
"""A beat that is no later than this is on time: timers are never exact."""
_INSTANT_S: Final = 1e-6


class SteadyClock:
    """The loop's time without what it was held up: seconds, only differences mean anything.

    A beat is due every 50 ms. Where one comes late, the loop was held up since it was due, and
    that much is left out.
    """

    def __init__(self) -> None:
        self.stalled_s = 0.0
        self._expect()

    def time(self) -> float:
        """Never further than a beat and its tolerance from the last beat that came."""
        return min(_loop_time(), self._due + _TOLERANCE_S) - self.stalled_s

    def _expect(self) -> None:
        # the loop is not kept: what is kept for it must not keep it alive
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _BEAT_S
        loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        self.stalled_s += max(0.0, _loop_time() - self._due - _TOLERANCE_S)
        self._expect()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


_CLOCKS: "WeakKeyDictionary[asyncio.AbstractEventLoop, SteadyClock]" = WeakKeyDictionary()


def steady_clock() -> SteadyClock:
    """The steady clock of the running loop; it begins to beat when it is first asked for."""
    loop = asyncio.get_running_loop()
    clock = _CLOCKS.get(loop)
    if clock is None:
        clock = _CLOCKS[loop] = SteadyClock()
    return clock


class SteadyTimeout:
    """An asynchronous context that raises TimeoutError after ``seconds`` of the steady clock.

    ``deadline`` is a time of the loop's own clock that is not passed in any case.
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
        self._wait()
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
        """There is no limit any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ends = self._deadline = math.inf

    def _left(self) -> float:
        return min(self._ends - self._clock.time(), self._deadline - self._loop.time())

    def _wait(self) -> None:
        left = self._left()
        if left < math.inf:
            self._timer = self._loop.call_later(max(0.0, left), self._ring)

    def _ring(self) -> None:
        if self._left() > _INSTANT_S:
            # the loop was held up meanwhile: what lies ready comes first
            self._wait()
        else:
            self._timeout.reschedule(self._loop.time())
