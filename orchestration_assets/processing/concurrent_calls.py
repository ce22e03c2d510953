"""Calls that are under way at once in an event loop; without one, each is over when it has begun.

Nothing that runs in this process ever waits. Plans that ask only such services are carried out
without an event loop, whose tasks would cost more than the calls.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from orchestration_assets.schemas.errors import OrchestrationError

Result = TypeVar("Result")
Call = Coroutine[Any, Any, Result]


class WaitingError(OrchestrationError):
    """A call waited for something outside where no event loop runs that could go on with it."""


class _Over(Generic[Result]):
    """What a call gave that is over."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, None, Result]:
        return self._result
        yield  # what holds a yield is a generator, as awaiting asks for


def begun(call: Call[Result]) -> Awaitable[Result]:
    """The call, under way; it is over, and raises what it raises, where no event loop runs."""
    return asyncio.ensure_future(call) if _in_event_loop() else _Over(completed(call))


async def all_of(*calls: Awaitable[Result]) -> list[Result]:
    """What the calls give, in their order; all are under way at once in an event loop."""
    if _in_event_loop():
        return await asyncio.gather(*calls)
    try:
        return [await call for call in calls]
    except BaseException:
        for call in calls:
            if isinstance(call, Coroutine):
                call.close()  # those after one that raised are never begun
        raise


def completed(call: Call[Result]) -> Result:
    """What a call gives that waits for nothing. Raises WaitingError where it does wait."""
    try:
        call.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    call.close()
    raise WaitingError(
        "an embedded service waited for something outside; one that does has to answer over HTTP"
    )


def monotonic_clock() -> Callable[[], float]:
    """The clock that waiting is measured by, in seconds: the event loop's where one runs."""
    return asyncio.get_running_loop().time if _in_event_loop() else time.monotonic


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
