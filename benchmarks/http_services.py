"""Services over HTTP: throughput beside bare clients, and what an outage costs.

Three figures, each a ratio from one run: all protections on (the durable cache, a budget whose
ledger outlives a kill, limits shared with other processes), in one process and in two that share
the calls, beside bare aiohttp and default httpx; a dead primary with one fallback beside the
fallback asked alone; one service beside another that is saturated.

The server runs on the same cores as its clients: what of a core it takes itself is told beside each
client, since a client cannot be faster than what is left for it.
"""

import argparse
import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]

from benchmarks._http_clients import (
    CallTimes,
    bare_aiohttp,
    chat_config,
    default_httpx,
    ours,
    question,
)
from benchmarks._http_processes import PROCESSES, ClientProcesses, client_processes
from benchmarks._output import table, write_json
from orchestration_assets.command.garbage import collect_after_start, collect_from_here
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.schemas.enums import Status
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore

ANSWER_MS = 20.0
LEAST_THROUGHPUT = {32: 0.9, 128: 0.85}
MOST_P99 = 2.0
MOST_CPU = 2.0
OUTAGE_ITEMS = 200
_PORTION = 50
MOST_P50 = 1.1
_TURNS = 5
BARE = "bare aiohttp"
OURS = "ours, all protections on"

Client = Callable[[], CallTimes]


class _Turn(NamedTuple):
    calls_per_s: float
    p99_ms: float
    cpu_ms: float
    server_share: float


def main(arguments: Sequence[str]) -> int:
    """``[--calls N] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks http_services", description=__doc__)
    parser.add_argument("--calls", type=int, default=1200, metavar="N", help="calls a turn")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = {
        "throughput": _throughput(given.calls),
        "outage": asyncio.run(_outage()),
        "isolation": asyncio.run(_isolation()),
    }
    print(
        table(
            f"Clients of a server that answers in {ANSWER_MS:g} ms",
            (
                *("at once", "client", "calls/s", "p99 ms", "CPU ms/call", "server's share"),
                *("speed", "p99", "CPU"),
            ),
            [tuple(row.values()) for row in figures["throughput"]],
        )
    )
    least = " and ".join(f"{least} at {n}" for n, least in LEAST_THROUGHPUT.items())
    print(
        "speed, p99 and CPU as multiples of bare aiohttp; limits of ours: speed >= "
        f"{least}, p99 <= {MOST_P99}, CPU <= {MOST_CPU}\n"
        "server's share: what of one core the server takes meanwhile\n"
    )
    print(
        table(
            f"A dead primary with one fallback, {OUTAGE_ITEMS} items",
            ("figure", "value", "limit"),
            [tuple(row.values()) for row in figures["outage"]],
        )
    )
    print(
        table(
            "One service while another is saturated",
            ("figure", "value", "limit"),
            [tuple(row.values()) for row in figures["isolation"]],
        )
    )
    write_json(given.json, figures)
    return 0


@contextmanager
def fixed_server(milliseconds: float) -> Iterator[str]:
    """The URL of a server that answers every chat completion the same after so long."""
    with _fixed_process(milliseconds) as (url, _):
        yield url


@contextmanager
def _fixed_process(milliseconds: float) -> Iterator[tuple[str, psutil.Process]]:
    """The same, and its process."""
    command = [sys.executable, "-m", "benchmarks._fixed_server", str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            yield f"http://127.0.0.1:{port}/v1", psutil.Process(server.pid)
        finally:
            server.terminate()


def _throughput(calls: int) -> list[dict[str, Any]]:
    rows = []
    # what is loaded is garbage for none of the clients
    gc.freeze()
    with _fixed_process(ANSWER_MS) as (url, server):
        for at_once in LEAST_THROUGHPUT:
            with client_processes(url, at_once) as processes:
                clients = _clients(url, at_once, calls, processes)
                # in turns, so that a machine that is busy for a while is so for all
                turns = [
                    {name: _turn(client, server) for name, client in clients.items()}
                    for _ in range(_TURNS)
                ]
            rows += [{"at_once": at_once, **row} for row in _rows(turns)]
    return rows


def _clients(url: str, at_once: int, calls: int, processes: ClientProcesses) -> dict[str, Client]:
    return {
        BARE: lambda: asyncio.run(bare_aiohttp(url, at_once, calls)),
        OURS: lambda: _as_commands_are(ours(url, at_once, calls)),
        f"ours, {PROCESSES} processes": lambda: processes.calls(calls),
        "default httpx": lambda: asyncio.run(default_httpx(url, at_once, calls)),
    }


def _turn(client: Client, server: psutil.Process) -> _Turn:
    began, before = time.perf_counter(), sum(server.cpu_times()[:2])
    measured = client()
    busy_s = sum(server.cpu_times()[:2]) - before
    share = busy_s / (time.perf_counter() - began)
    return _Turn(measured.calls_per_s, measured.p99_ms, measured.cpu_ms, share)


def _as_commands_are(client: Coroutine[Any, Any, CallTimes]) -> CallTimes:
    """With garbage looked for as seldom as in a process of the command; others have the default."""
    usual = gc.get_threshold()
    try:
        collect_after_start()
        collect_from_here()
        return asyncio.run(client)
    finally:
        gc.set_threshold(*usual)


def _rows(turns: Sequence[Mapping[str, _Turn]]) -> Iterator[dict[str, Any]]:
    """Medians over the turns, and of ratios within a turn."""
    for name in turns[0]:
        figures = _Turn(*map(statistics.median, zip(*(turn[name] for turn in turns), strict=True)))
        speed, p99, cpu = (
            statistics.median(turn[name][n] / turn[BARE][n] for turn in turns) for n in range(3)
        )
        ratios = {"speed_ratio": speed, "p99_ratio": p99, "cpu_ratio": cpu}
        yield {"client": name, **figures._asdict(), **ratios}


async def _asked(asker: Asker, name: str, numbers: Sequence[int], at_once: int) -> list[float]:
    """The time of each call in seconds, as its item sees it."""
    queue, took = iter(numbers), []

    async def worker() -> None:
        for number in queue:
            began = time.perf_counter()
            answered = await asker.ask(name, question(number))
            assert answered.reading.status in (Status.OK, Status.FALLBACK), answered.reading
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return took


async def _outage() -> list[dict[str, Any]]:
    at_once = 8
    primary = DrillServer(FaultScript(faults=(Fault(kind=FaultKind.ERROR),)))
    second = DrillServer(FaultScript(median_ms=ANSWER_MS))
    with (
        serving(primary) as url,
        serving(second) as other,
        tempfile.TemporaryDirectory() as folder,
    ):
        services = {
            "primary": ChatService("primary", chat_config(url, fallbacks=["second"])),
            "second": ChatService("second", chat_config(other, model="small-2")),
        }
        async with Asker(services, AnswerCache(LmdbStore(Path(folder) / "answers"))) as asker:
            # what every run pays once: connections, prompts, and the attempts that open the circuit
            opening = await _asked(asker, "primary", range(2 * at_once), at_once)
            alone, through = [], opening
            for begin in range(0, OUTAGE_ITEMS, _PORTION):
                # taken in turns, so that a machine that is busy for a while is so for both
                first = 2 * at_once + begin
                alone += await _asked(asker, "second", range(-first - _PORTION, -first), at_once)
                through += await _asked(asker, "primary", range(first, first + _PORTION), at_once)
            breaker = asker.callers["primary"].breaker
    window = services["primary"].config.breaker.window
    ratio = statistics.median(through) / statistics.median(alone)
    return [
        {"name": "attempts on the primary", "value": len(primary.log), "limit": window},
        {"name": "circuit opened", "value": breaker.opened, "limit": ""},
        {"name": "p50, fallback alone, ms", "value": statistics.median(alone) * 1e3, "limit": ""},
        {
            "name": "p50, through the outage, ms",
            "value": statistics.median(through) * 1e3,
            "limit": "",
        },
        {"name": "p50 ratio", "value": ratio, "limit": MOST_P50},
    ]


async def _isolation() -> list[dict[str, Any]]:
    slow, quick = (
        DrillServer(FaultScript(median_ms=1000.0)),
        DrillServer(FaultScript(median_ms=ANSWER_MS)),
    )
    with (
        serving(slow) as url,
        serving(quick) as other,
        tempfile.TemporaryDirectory() as folder,
    ):
        services = {
            "slow": ChatService("slow", chat_config(url, concurrency=8)),
            "quick": ChatService("quick", chat_config(other, concurrency=8)),
        }
        async with Asker(services, AnswerCache(LmdbStore(Path(folder) / "answers"))) as asker:
            alone = await _asked(asker, "quick", range(-800, 0), 8)
            loop = asyncio.get_running_loop()
            flood = [
                asyncio.ensure_future(asker.ask("slow", question(n), loop.time() + 30.0))
                for n in range(400)
            ]
            beside = await _asked(asker, "quick", range(800), 8)
            for one in flood:
                one.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
    before, after = (statistics.quantiles(took, n=20)[18] for took in (alone, beside))
    return [
        {"name": "p95 alone, ms", "value": before * 1e3, "limit": ""},
        {"name": "p95 beside the other, ms", "value": after * 1e3, "limit": ""},
        {"name": "p95 ratio", "value": after / before, "limit": 1.1},
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
