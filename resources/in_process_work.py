"""CPU work in the process that asks for it, behind the same face as a cluster."""

from collections.abc import Callable, Iterator, Sequence

from resources.dask_cluster import DaskCluster, Piece, Result
from resources.machine import usable_memory


class InProcessWork(DaskCluster):
    """Nothing is started: for processes side by side, which keep all cores busy themselves.

    It has no workers, so that no work is made up to be sent to any.
    """

    def __init__(self) -> None:
        super().__init__(workers=0)

    def memory_bytes(self) -> int:
        """What this machine has left."""
        return usable_memory()

    def map_chunks(
        self, function: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[Piece, Result]]:
        """Each piece with what ``function`` made of it, in order."""
        for piece in pieces:
            yield piece, function(piece)
