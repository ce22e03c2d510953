"""Where chunks of work are done: in this process as long as workers would not pay for the rest."""

from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import Any, Protocol, TypeVar

from orchestration_assets.profiling.tiers import SizeTier, TierChoice, choose_tier
from orchestration_assets.schemas.policy import SizeTiers
from resources.worker_gain import WorkerGain

# what an item costs beside its bytes, in bytes: records are short
_ITEM_BYTES = 256

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Workers(Protocol):
    """A cluster, as :class:`resources.dask_cluster.DaskCluster` is one."""

    @property
    def gain(self) -> WorkerGain: ...

    def memory_bytes(self) -> int: ...

    def map_chunks(
        self, function: Callable[[Any], Any], pieces: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]: ...


class Placement:
    """How fast a step's work is done in this process, and whether workers should do the rest.

    ``choice`` is the tier by the policy's boundaries; it becomes the one that was really taken.
    """

    def __init__(self, items: int, content_bytes: int, tiers: SizeTiers, workers: Workers) -> None:
        self.choice = choose_tier(items, content_bytes, tiers)
        is_large = self.choice.tier is not SizeTier.IN_PROCESS
        self._may_move = is_large and workers.gain.workers > 0
        self._least = tiers.dask_from_s
        self._size, self._tiers, self._workers = (items, content_bytes), tiers, workers
        self._left = _work(items, content_bytes)
        self._rates: list[float] = []
        if is_large:
            too_little = "less than workers are worth starting for"
            reason = (
                f"{self.choice.reason}, but {too_little if self._may_move else 'without workers'}"
            )
            self.choice = TierChoice(SizeTier.IN_PROCESS, reason, self.choice.estimate_bytes)

    def done_here(self, items: int, content_bytes: int, seconds: float) -> None:
        """Notes how many processor seconds a part of the work took."""
        work = _work(items, content_bytes)
        self._left -= work
        if work:
            self._rates.append(seconds / work)
        self._workers.gain.took_here(seconds)

    def moves(self) -> bool:
        """Whether workers do what is left from now on; then ``choice`` says so."""
        if not self.pays():
            return False
        self.choice = choose_tier(*self._size, self._tiers, self._workers.memory_bytes())
        return True

    def pays(self) -> bool:
        """Whether workers are worth it for what is left; starts none."""
        if not self._may_move or self._least == 0:
            return self._may_move
        gain = self._workers.gain
        # the first part may also load grammars and models: it says too little of the others
        if len(self._rates) < (1 if gain.running else 2):
            return False
        rest = min(self._rates) * self._left
        return rest >= self._least if self._least is not None else gain.pays(rest)


def _work(items: int, content_bytes: int) -> int:
    return content_bytes + items * _ITEM_BYTES


def shared_out(
    pieces: Sequence[Piece],
    function: Callable[[Piece], Result],
    sizes_of: Callable[[Piece], Sequence[int]],
    placement: Placement,
    workers: Workers,
    here: Callable[[Piece], Result] | None = None,
) -> Iterator[tuple[Piece, Result]]:
    """Each piece with what ``function`` makes of it, here or on workers, as they are finished.

    ``sizes_of`` gives the bytes of each item of a piece; ``here`` makes the same in this process,
    with what cannot be sent.
    """
    for number, piece in enumerate(pieces):
        if placement.moves():
            yield from workers.map_chunks(function, pieces[number:])
            return
        began = process_time()
        result = (here or function)(piece)
        sizes = sizes_of(piece)
        placement.done_here(len(sizes), sum(sizes), process_time() - began)
        yield piece, result
