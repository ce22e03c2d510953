"""A Dask cluster for CPU work: local threads, local processes, or a scheduler by its address."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
from pydantic import PrivateAttr

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS = 10
THREADS, PROCESSES = "threads", "processes"

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class ClusterError(Exception):
    """The cluster cannot be reached or was lost; the message says which and what to do."""


class DaskClusterResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where CPU work scales out to.

    ``where`` is ``threads``, ``processes``, or the address of a running scheduler, such as
    ``tcp://10.0.0.5:8786``. Nothing starts until work is submitted: a small batch never pays for
    a cluster. What was started here is closed when the run ends, whatever happened in it.
    """

    where: str = PROCESSES
    workers: int = 2
    _stack: ExitStack | None = PrivateAttr(default=None)
    _client: Any = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator["DaskClusterResource", None, None]:
        # Dagster skips teardown when set-up fails; an exit stack does not
        with ExitStack() as stack:
            self._stack = stack
            try:
                yield self
            finally:
                self._stack = self._client = None

    @property
    def client(self) -> "Client":
        """The connected client; the first use starts or finds the cluster.

        Raises ClusterError when a scheduler does not answer.
        """
        if self._client is None:
            if self._stack is None:
                raise ClusterError("the cluster is only there while a run uses the resource")
            self._client = self._connect(self._stack)
        return self._client

    def memory_bytes(self) -> int:
        """What all workers together may hold."""
        workers = self.client.scheduler_info()["workers"].values()
        return sum(int(worker["memory_limit"]) for worker in workers)

    def map_chunks(
        self,
        function: Callable[[Piece], Result],
        pieces: Sequence[Piece],
        done: Callable[[Piece], None],
    ) -> Iterator[Result]:
        """``function`` over the pieces on the workers; results in the order of the pieces.

        ``function`` is at module level and pieces are plain data. ``done`` is told each
        piece as it finishes. Raises what the function raised, or ClusterError when workers are lost
        for good; whatever is still under way then is cancelled.
        """
        from distributed import as_completed
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        # pure=False: equal pieces of two runs on one scheduler must not share a key
        futures = self.client.map(function, pieces, pure=False)
        piece_of = dict(zip((future.key for future in futures), pieces, strict=True))
        try:
            for future in as_completed(futures):
                if future.status == "error":
                    future.result()  # raises now: the rest need not be waited for
                done(piece_of[future.key])
            for future in futures:
                yield future.result()
        except (KilledWorker, FutureCancelledError, OSError) as error:
            raise ClusterError(
                f"the Dask cluster ({self.where}) was lost: {error}; run again, or set "
                "ORCHESTRATION_DASK=threads to work without processes"
            ) from error
        finally:
            self.client.cancel(futures)

    def _connect(self, stack: ExitStack) -> "Client":
        from distributed import Client, LocalCluster

        if self.where not in (THREADS, PROCESSES):
            try:
                return stack.enter_context(Client(self.where, timeout=_CONNECT_SECONDS))
            except (OSError, TimeoutError, ValueError) as error:
                raise ClusterError(
                    f"no Dask scheduler answers at {self.where!r}: {error}; start one with "
                    "`dask scheduler`, or set ORCHESTRATION_DASK to threads or processes"
                ) from error
        cluster = LocalCluster(
            n_workers=self.workers if self.where == PROCESSES else 1,
            threads_per_worker=1 if self.where == PROCESSES else self.workers,
            processes=self.where == PROCESSES,
            dashboard_address=None,
        )
        stack.enter_context(cluster)
        return stack.enter_context(Client(cluster))
