"""Workers whose way to carry out chunks is a function of the test."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from resources.worker_gain import WorkerGain


class FakeWorkers:
    """Counts in ``asked`` how often chunks were given to it; ``map_chunks`` is ``spread``."""

    def __init__(
        self,
        spread: Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[tuple[Any, Any]]],
        gain: WorkerGain | None = None,
    ) -> None:
        self.gain = gain or WorkerGain(2)
        self.asked: list[int] = []
        self._spread = spread

    def memory_bytes(self) -> int:
        return 1 << 40

    def map_chunks(
        self, function: Callable[[Any], Any], pieces: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]:
        self.asked.append(len(pieces))
        return self._spread(function, pieces)


def _refuse(function: Callable[[Any], Any], pieces: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    raise AssertionError("no worker is asked")


def no_workers() -> FakeWorkers:
    """Workers that nobody may ask."""
    return FakeWorkers(_refuse)
