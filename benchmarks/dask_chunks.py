"""What warm workers are worth, by chunk size, beside the bare loop: forks, and Dask's processes."""

import argparse
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks._output import table, write_json
from benchmarks.feature_cache import corpus
from orchestration_assets.profiling.batch import ProfileChunk, profile_chunk
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.profiling.profiler import load_everything
from orchestration_assets.profiling.tiers import chunks
from orchestration_assets.schemas.policy import SizeTiers
from orchestration_assets.schemas.source_urls import file_address
from resources.dask_cluster import DaskCluster
from resources.fork_server import ForkServer
from resources.forked_workers import ForkedWorkers, serve_pieces
from resources.home import Home

LIMIT_EFFICIENCY = 0.85
SIZES = (10, 25, 50, 100, 200, 400, 800)


def main(arguments: Sequence[str]) -> int:
    """``[SOURCE] [--items N] [--workers N] [--json FILE]``; SOURCE: the standard library."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dask_chunks", description=__doc__)
    parser.add_argument("source", nargs="?", default=sysconfig.get_path("stdlib"))
    parser.add_argument("--items", type=int, default=4_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(given.source, given.items, given.workers, Path(folder))
    print(_show(figures))
    write_json(given.json, figures)
    return 0


def measure(source: str, items: int, workers: int, folder: Path) -> dict[str, Any]:
    """The bare loop before and after the cluster, so that a change of load shows."""
    rows = corpus(source, items, folder)
    work = ProfileChunk(Home(folder / "home"), "benchmark", file_address(folder), rows)
    load_everything()
    profile_chunk(work)  # the files are in the system's memory from here on
    before = _loop(work)
    # before anything starts a thread
    with ForkedWorkers(ForkServer(load_everything, serve_pieces), workers, print) as forks:
        fork_start = _start(forks, work, workers, _cpu_of_children)
        forked = _curve(forks, work, _cpu_of_children)
    with DaskCluster("processes", workers) as cluster:
        dask_start = _start(cluster, work, workers, _cpu_of_children)
        cluster.client.run(load_everything)
        found = _curve(cluster, work, lambda: _cpu(cluster))
    after = _loop(work)
    bare, bare_cpu = min(before, after)
    for one in (*forked, *found):
        one["speedup"] = bare / one["seconds"]
        one["efficiency"] = bare / one["seconds"] / workers
        one["cpu_efficiency"] = bare_cpu / one["workers_cpu_s"]
    return {
        "source": source,
        "items": items,
        "workers": workers,
        "bare_before_s": before[0],
        "bare_after_s": after[0],
        "bare_cpu_s": bare_cpu,
        "forks_start_cpu_s": fork_start,
        "dask_start_cpu_s": dask_start,
        "forks": forked,
        "curve": found,
    }


def _curve(workers: Workers, work: ProfileChunk, cpu: Callable[[], float]) -> list[dict[str, Any]]:
    """For each chunk size the better of two runs; ``cpu`` gives the workers' processor seconds."""
    sizes = [row.size_bytes for row in work.rows]
    found: list[dict[str, Any]] = []
    for size in SIZES:
        tiers = SizeTiers(chunk_items=size)
        pieces = [replace(work, rows=tuple(part)) for part in chunks(work.rows, sizes, tiers)]
        runs = []
        for _ in range(2):
            workers_cpu, here_cpu = cpu(), time.process_time()
            began = time.perf_counter()
            done = sum(len(made) for _, made in workers.map_chunks(profile_chunk, pieces))
            took = time.perf_counter() - began
            runs.append((took, cpu() - workers_cpu, time.process_time() - here_cpu))
            assert done == len(work.rows)
        took, workers_cpu, here_cpu = min(runs)
        one = {"chunk_items": size, "chunks": len(pieces), "seconds": took}
        found.append(one | {"workers_cpu_s": workers_cpu, "driver_cpu_s": here_cpu})
    return found


def _start(workers: Workers, work: ProfileChunk, count: int, cpu: Callable[[], float]) -> float:
    """Processor seconds, of workers and of this process, until each has given back a chunk of one
    item."""
    pieces = [replace(work, rows=work.rows[n : n + 1]) for n in range(count)]
    before = cpu() + time.process_time()
    assert len(list(workers.map_chunks(profile_chunk, pieces))) == count
    return cpu() + time.process_time() - before


def _cpu_of_children() -> float:
    """Processor seconds that all processes below this one have used so far."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return float(sum(one.user + one.system for one in times))


def _loop(work: ProfileChunk) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    cpu, began = time.process_time(), time.perf_counter()
    profile_chunk(work)
    return time.perf_counter() - began, time.process_time() - cpu


def _cpu(cluster: DaskCluster) -> float:
    """Processor seconds that all workers have used so far."""
    return float(sum(cluster.client.run(time.process_time).values()))


def _show(figures: dict[str, Any]) -> str:
    title = (
        f"{figures['items']:,} items; the bare loop takes {figures['bare_before_s']:.2f} s before "
        f"and {figures['bare_after_s']:.2f} s after, {figures['bare_cpu_s']:.2f} s of them on the "
        f"processor; {figures['workers']} workers; limit: efficiency {LIMIT_EFFICIENCY} on a "
        "machine that is otherwise idle.\nCPU efficiency, the bare loop's processor time over the "
        "workers', does not suffer from other load."
    )
    header = (
        *("items a chunk", "chunks", "s", "workers' CPU s", "driver's CPU s"),
        *("speed-up", "efficiency", "CPU efficiency"),
    )
    found = [
        (f"Forks, started in {figures['forks_start_cpu_s']:.2f} s of CPU", figures["forks"]),
        (f"Dask, started in {figures['dask_start_cpu_s']:.2f} s of CPU", figures["curve"]),
    ]
    tables = [table(name, header, [tuple(one.values()) for one in curve]) for name, curve in found]
    return "\n".join([title, *tables])
