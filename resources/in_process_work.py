"""CPU work in the process that asks for it, behind the same face as a cluster."""

from collections.abc import Callable, Iterator, Sequence

from resources.dask_cluster import DaskClusterResource, Piece, Result
from resources.machine import usable_memory


class InProcessWork(DaskClusterResource):
    """Nothing is started: for processes side by side, which keep all cores busy themselves."""

    def memory_bytes(self) -> int:
        """What this machine has left."""
        return usable_memory()

    def map_chunks(
        self,
        function: Callable[[Piece], Result],
        pieces: Sequence[Piece],
        warm_up: Callable[[], object] | None = None,
    ) -> Iterator[tuple[Piece, Result]]:
        """Each piece with what ``function`` made of it, in order."""
        if warm_up is not None:
            warm_up()
        for piece in pieces:
            yield piece, function(piece)
