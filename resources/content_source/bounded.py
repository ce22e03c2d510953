"""Reads that end: a call that does not return in time is given up, whatever blocks it."""

import io
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError

Result = TypeVar("Result")

# a store that hangs so often is down: what is left of it is refused without waiting
_LOST_CALLS: Final = 8
# how much is read at once: little after a jump, and twice as much each time that it goes on there
_FIRST_BYTES: Final = 1 << 14
_BLOCK_BYTES: Final = 1 << 20


class BoundedCalls:
    """Runs calls in a thread of its own and waits ``seconds`` for each.

    A blocked system call cannot be interrupted from Python, so a thread that hangs is left behind
    and a new one takes the next call. After eight of them the store counts as down. Calls come
    from one thread at a time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lost = 0
        self._calls: SimpleQueue[Any] | None = None
        self._results: SimpleQueue[Any] = SimpleQueue()

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """The result of the call, or what it raised.

        Raises ContentError with the reason ``slow`` when it takes longer than ``seconds``.
        """
        if self._lost >= _LOST_CALLS:
            raise ContentError(
                RejectReason.SLOW, f"not tried: {_LOST_CALLS} reads of this source hung before"
            )
        if self._calls is None:
            self._calls, self._results = SimpleQueue(), SimpleQueue()
            threading.Thread(
                target=_serve, args=(self._calls, self._results), daemon=True, name="bounded-read"
            ).start()
        self._calls.put((function, arguments))
        try:
            result, error = self._results.get(timeout=self.seconds)
        except Empty:
            self._lost += 1
            self.close()
            raise ContentError(
                RejectReason.SLOW, f"did not answer within {self.seconds:g} s"
            ) from None
        if error is not None:
            raise error
        answer: Result = result
        return answer

    def close(self) -> None:
        """Lets the thread end once it has nothing to do."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None

    def __del__(self) -> None:
        self.close()


class _BoundedRaw(io.RawIOBase):
    """A stream whose reads are given up when they take too long."""

    def __init__(self, stream: Any, calls: BoundedCalls, read: Callable[[Any, int], bytes]) -> None:
        self._stream = stream
        self._calls = calls
        self._read = read
        self._ahead = _FIRST_BYTES
        self._next = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        place = self.tell()
        goes_on = self._next <= place <= self._next + self._ahead
        self._ahead = min(self._ahead * 2, _BLOCK_BYTES) if goes_on else _FIRST_BYTES
        # a request beyond a block is for so many bytes; others only fill the buffer
        size = len(buffer) if len(buffer) > _BLOCK_BYTES else min(len(buffer), self._ahead)
        data = self._calls.call(self._read, self._stream, size)
        buffer[: len(data)] = data
        self._next = place + len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def bounded_stream(
    stream: Any, calls: BoundedCalls, read: Callable[[Any, int], bytes]
) -> io.BufferedReader:
    """A buffered, seekable stream; ``read`` takes the stream and how much, within the deadline."""
    return io.BufferedReader(_BoundedRaw(stream, calls, read), _BLOCK_BYTES)


def _serve(calls: "SimpleQueue[Any]", results: "SimpleQueue[Any]") -> None:
    while (call := calls.get()) is not None:
        function, arguments = call
        try:
            results.put((function(*arguments), None))
        except BaseException as error:  # noqa: BLE001 -- handed to the caller, who raises it
            results.put((None, error))
        # the next call may never come: whose function it was must not live on until then
        del call, function, arguments
