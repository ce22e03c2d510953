"""A Dask cluster for CPU work: local threads, local processes, or a scheduler by its address."""

from asyncio import run_coroutine_threadsafe
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, wait
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

import dagster as dg

from orchestration_assets.schemas.errors import OrchestrationError
from resources.worker_gain import PROCESSES, THREADS, WorkerGain

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

_CONNECT_SECONDS = 10
_BETWEEN_LOOKS_SECONDS = 2.0
# pieces that go to the scheduler in one message: rows of many items are megabytes together
_SENT_TOGETHER = 16
# a worker process may be killed while it starts, as any other, and again: the next start may take
# longer than the time between two kills
_STARTS = 6

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class ClusterError(OrchestrationError):
    """The cluster cannot be reached or was lost; the message says which and what to do."""


class DaskCluster:
    """Where CPU work scales out to, for as long as it is entered.

    ``where`` is ``threads``, ``processes``, or the address of a running scheduler, such as
    ``tcp://10.0.0.5:8786``. Nothing starts until work is submitted: a small batch never pays for
    a cluster. What was started here is closed when the context ends, whatever happened in it. A
    cluster without any worker for ``lost_seconds``, or whose scheduler is silent as long, is lost:
    the next use starts another one.
    """

    def __init__(
        self, where: str = PROCESSES, workers: int = 2, lost_seconds: float = 30.0
    ) -> None:
        self.where, self.workers, self.lost_seconds = where, workers, lost_seconds
        self.gain = WorkerGain(workers)
        self._entered = False
        self._stack = ExitStack()
        self._client: Any = None
        self._is_lost = False

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(self, *error: object) -> None:
        self._entered = False
        self._close()

    @property
    def client(self) -> "Client":
        """The connected client; the first use starts or finds the cluster.

        Raises ClusterError when a scheduler does not answer.
        """
        if self._is_lost:
            self._close()
        if self._client is None:
            if not self._entered:
                raise ClusterError("the cluster is only there while a run uses the resource")
            with ExitStack() as starting:
                self._client = self._connect(starting)
                self._stack = starting.pop_all()
            self.gain.running = True
        return self._client

    def _close(self) -> None:
        self._client, self._is_lost = None, False
        self.gain.running = False
        self._stack.close()

    def memory_bytes(self) -> int:
        """What all workers together may hold."""
        workers = self.client.scheduler_info()["workers"].values()
        return sum(int(worker["memory_limit"]) for worker in workers)

    @property
    def dashboard(self) -> str | None:
        """Where the cluster that is in use shows itself; None without one."""
        link: str | None = self._client.dashboard_link if self._client is not None else None
        return link or None

    def map_chunks(
        self,
        function: Callable[[Piece], Result],
        pieces: Sequence[Piece],
    ) -> Iterator[tuple[Piece, Result]]:
        """Each piece with what ``function`` made of it on a worker, as they are finished.

        ``function`` is at module level and pieces are plain data. Raises what the function raised,
        or ClusterError when workers are lost for good or the scheduler is; whatever is still under
        way then, or when the caller stops listening, is cancelled.
        """
        client = self.client
        futures: list[Any] = []
        try:
            with self._kept():
                # pure=False: equal pieces of two runs on one scheduler must not share a key
                futures = client.map(function, pieces, pure=False, batch_size=_SENT_TOGETHER)
            piece_of = dict(zip((future.key for future in futures), pieces, strict=True))
            for future in self._completed(client, futures):
                if future.status == "error" and isinstance(future.exception(), OSError):
                    future.result()  # the piece's own failure, which no lost connection is
                with self._kept():
                    result = self._result(client, future)
                yield piece_of[future.key], result
        finally:
            if client.status == "running":
                client.cancel(futures)

    def _completed(self, client: "Client", futures: Sequence[Any]) -> Iterator[Any]:
        """The futures as they are finished. Raises ClusterError when nobody works on them."""
        from distributed import as_completed

        finished: SimpleQueue[Any] = SimpleQueue()

        def listen() -> None:
            for future in as_completed(futures, loop=client.loop):
                finished.put(future)

        # as_completed alone would wait for a lost cluster for ever
        Thread(target=listen, daemon=True, name="finished-chunks").start()
        left, heard = len(futures), monotonic()
        while left:
            try:
                future = finished.get(timeout=min(_BETWEEN_LOOKS_SECONDS, self.lost_seconds))
            except Empty:
                if _has_workers(client, self.lost_seconds):
                    heard = monotonic()
                elif monotonic() - heard >= self.lost_seconds:
                    raise self._lost(f"no worker for {self.lost_seconds:.0f} s") from None
                continue
            left, heard = left - 1, monotonic()
            yield future

    def _result(self, client: "Client", future: Any) -> Any:
        """The result: of a piece whose worker is lost since, it has to be computed again.

        Raises what the piece raised, or ClusterError when nobody can compute it.
        """
        # fetched once, however long it takes: to ask anew with a time limit joins the fetch before
        # it, which that one's limit ends for both
        fetching = client.gather(future, asynchronous=True)
        fetched = run_coroutine_threadsafe(fetching, client.loop.asyncio_loop)
        heard = monotonic()
        while not fetched.done():
            wait([fetched], min(_BETWEEN_LOOKS_SECONDS, self.lost_seconds))
            if fetched.done() or _has_workers(client, self.lost_seconds):
                heard = monotonic()
            elif monotonic() - heard >= self.lost_seconds:
                fetched.cancel()
                raise self._lost(f"no worker for {self.lost_seconds:.0f} s")
        return fetched.result()

    def _lost(self, why: object) -> ClusterError:
        self._is_lost = True
        return _lost_cluster(self.where, why)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Turns what a lost cluster raises into one error."""
        from distributed.scheduler import KilledWorker

        try:
            yield
        except (KilledWorker, CancelledError, OSError) as error:
            raise self._lost(error) from error

    def _connect(self, stack: ExitStack) -> "Client":
        from distributed import Client

        if self.where not in (THREADS, PROCESSES):
            try:
                client = Client(self.where, timeout=_CONNECT_SECONDS, set_as_default=False)
                stack.enter_context(client)
                client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
                return client
            except (OSError, TimeoutError, ValueError) as error:
                raise ClusterError(
                    f"no Dask scheduler with workers answers at {self.where!r}: {error}; start "
                    "them with `dask scheduler` and `dask worker`, or set ORCHESTRATION_DASK to "
                    "threads or processes"
                ) from error
        cluster = stack.enter_context(local_cluster(self.workers, self.where))
        try:
            return stack.enter_context(Client(cluster, set_as_default=False))
        except OSError as error:
            # a machine may be too busy to answer itself in time
            raise _lost_cluster(self.where, error) from error


@contextmanager
def local_cluster(workers: int, where: str) -> Iterator["LocalCluster"]:
    """A cluster on this machine: so many processes, or threads of this process.

    Raises ClusterError when its processes do not start.
    """
    import dask

    # before any setting: leaving a setting that was made before distributed's defaults were there
    # would take them all away
    import distributed  # noqa: F401

    # nobody looks at stacks that are sampled a hundred times a second on each worker
    with (
        dask.config.set({"distributed.worker.profile.enabled": False}),
        _started(workers, where) as cluster,
    ):
        yield cluster


def _started(workers: int, where: str) -> "LocalCluster":
    from distributed import LocalCluster

    for left in reversed(range(_STARTS)):
        try:
            return LocalCluster(
                n_workers=workers if where == PROCESSES else 1,
                threads_per_worker=1 if where == PROCESSES else workers,
                processes=where == PROCESSES,
                # the dashboard's pages need bokeh; only this machine sees them
                dashboard_address="127.0.0.1:0" if find_spec("bokeh") else None,
            )
        except RuntimeError as error:
            if not left:
                raise _lost_cluster(where, error) from error
    raise AssertionError("the last start raises")


def _lost_cluster(where: str, why: object) -> ClusterError:
    return ClusterError(
        f"the Dask cluster ({where}) was lost: {why}; run again, or set "
        "ORCHESTRATION_DASK=threads to work without processes"
    )


class DaskClusterResource(dg.ConfigurableResource[DaskCluster]):
    """A cluster for each run; see :class:`DaskCluster`."""

    where: str = PROCESSES
    workers: int = 2
    lost_seconds: float = 30.0

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator[DaskCluster, None, None]:
        # Dagster skips teardown when set-up fails: nothing is started before it is used
        with DaskCluster(self.where, self.workers, self.lost_seconds) as cluster:
            yield cluster


def _has_workers(client: "Client", seconds: float) -> bool:
    """Whether the scheduler answers, and has a worker."""
    if client.status != "running":
        return False
    try:
        identity = client.sync(client.scheduler.identity, callback_timeout=max(seconds, 1.0))
    except (OSError, TimeoutError):
        return False
    return bool(identity["workers"])
