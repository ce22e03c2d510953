"""Where chunks of work are done: in this process as long as workers would not pay for the rest."""

from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import Any, Protocol, TypeVar

from orchestration_assets.profiling.tiers import SizeTier, TierChoice, choose_tier, chunks, finer
from orchestration_assets.schemas.policy import SizeTiers
from resources.worker_gain import WorkerGain

# what an item costs beside its bytes, in bytes: records are short
_ITEM_BYTES = 256

Member = TypeVar("Member")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Workers(Protocol):
    """A cluster, as :class:`resources.dask_cluster.DaskCluster` is one, or forked workers, as
    :class:`resources.forked_workers.ForkedWorkers`; ``dashboard`` is where it shows itself."""

    @property
    def gain(self) -> WorkerGain: ...

    @property
    def dashboard(self) -> str | None: ...

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
        choice = choose_tier(*self._size, self._tiers, self._workers.memory_bytes())
        gain = self._workers.gain
        if gain.forked and choice.tier is SizeTier.DASK:
            reason = f"{choice.reason}; {gain.workers} copies of a process share it"
            choice = TierChoice(SizeTier.FORKS, reason, choice.estimate_bytes)
        self.choice = choice
        return True

    def pays(self) -> bool:
        """Whether workers are worth it for what is left; starts none."""
        if not self._may_move or self._least == 0:
            return self._may_move
        gain = self._workers.gain
        if gain.at_once and self._least is None and not self._rates:
            return True
        # the first part may also load grammars and models: it says too little of the others
        if len(self._rates) < (1 if gain.running or gain.forked else 2):
            return False
        rest = min(self._rates) * self._left
        return rest >= self._least if self._least is not None else gain.pays(rest)


def chunks_for(
    workers: Workers, members: Sequence[Member], sizes: Sequence[int], tiers: SizeTiers
) -> Iterator[list[Member]]:
    """The members in order, in chunks by the policy; where ``workers`` share this machine, in
    smaller ones."""
    # none are left where the process that makes them was killed
    if workers.gain.forked and workers.gain.workers:
        tiers = finer(tiers, len(members), sum(sizes), workers.gain.workers)
    return chunks(members, sizes, tiers)


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
