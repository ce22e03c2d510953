"""The workers of a run on this machine: copies of a process that has loaded what they need."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.command.batch_execution import say
from orchestration_assets.command.preparation import load_models
from orchestration_assets.schemas.policy import SizeTiers
from orchestration_assets.schemas.services import ServiceConfig
from resources.fork_server import ForkServer, can_fork
from resources.forked_workers import ForkedWorkers, serve_pieces
from resources.home import Home
from resources.machine import usable_cores, usable_memory
from resources.worker_gain import PROCESSES

MEMORY_OF_ONE: Final = 256 << 20
"""Bytes that a worker may need beside those that it shares."""


def worker_count(cores: int, memory_bytes: int) -> int:
    """As many workers as there are cores, and memory for; at least one."""
    return max(1, min(cores, memory_bytes // MEMORY_OF_ONE))


def takes_workers(home: Home, batches: Sequence[str], tiers: SizeTiers) -> bool:
    """Whether any of the batches is large enough for workers, by the policy's boundaries."""
    for batch in batches:
        listed = home.batches.read(batch)
        size = pc.sum(pc.fill_null(listed["size_bytes"], 0)).as_py() or 0
        if listed.num_rows >= tiers.dask_from_items or size >= tiers.dask_from_bytes:
            return True
    return False


@contextmanager
def forked_workers(
    where: str, services: Iterable[ServiceConfig], cores: int | None = None
) -> Iterator[ForkedWorkers | None]:
    """Workers for so many ``cores``, by default all of the machine; None where local processes are
    not asked for, a process has no core but its own, or a copy of it is not sound.

    Nothing is loaded before :meth:`ForkedWorkers.prepare` or the first piece of work.
    """
    cores = usable_cores() if cores is None else cores
    if where != PROCESSES or cores < 2 or not can_fork():
        yield None
        return
    is_limited = "OMP_NUM_THREADS" in os.environ
    server = ForkServer(partial(_prepare, tuple(services), is_limited=is_limited), serve_pieces)
    count = worker_count(cores, usable_memory())
    with ForkedWorkers(server, count, say) as workers:
        yield workers


def _prepare(services: Sequence[ServiceConfig], *, is_limited: bool) -> None:
    """Loads what chunks of any step need, in the process that is copied for them."""
    from orchestration_assets.command.lean_arrow import allocate_from_system, convert_without_pandas
    from orchestration_assets.features import batch as _vectors  # noqa: F401
    from orchestration_assets.processing import embedded_chunks as _questions  # noqa: F401
    from orchestration_assets.profiling.profiler import load_everything

    if not is_limited:
        one_thread()
    convert_without_pandas()
    allocate_from_system()
    load_everything()
    load_models(services)


def one_thread() -> None:
    """Has libraries compute in one thread: what reads OMP_NUM_THREADS when it is loaded may have
    been loaded before."""
    import pyarrow as pa
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    threadpool_limits(1, user_api="blas")
    pa.set_cpu_count(1)
