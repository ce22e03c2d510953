"""An event loop whose clock jumps: overlap is proven in virtual seconds, not in real ones."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: the time that a selector would sleep is added to the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None):
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result of the work, and how many virtual seconds it took."""
    selector = _JumpingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        result = loop.run_until_complete(work)
    finally:
        loop.close()
    return result, selector.now
