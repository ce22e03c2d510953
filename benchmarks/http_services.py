"""Services over HTTP: throughput beside bare clients, and what an outage costs.

Three figures, each a ratio from one run: all protections on (the durable cache, a budget whose
ledger outlives a kill, limits shared with other processes) beside bare aiohttp and default httpx; a
dead primary with one fallback beside the fallback asked alone; one service beside another that is
saturated.

The server runs on the same cores as its clients: what of a core it takes itself is told beside each
client, since a client cannot be faster than what is left for it.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks._output import table, write_json
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import ChatConfig
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from resources.spending.writer import SpendingPurpose, SpendingWriter

ANSWER_MS = 20.0
LEAST_THROUGHPUT = {32: 0.9, 128: 0.85}
MOST_P99 = 2.0
MOST_CPU = 2.0
OUTAGE_ITEMS = 200
_PORTION = 50
MOST_P50 = 1.1
_TURNS = 5
TASK = Task("label", "1", AnswerKind.LABEL, ("red", "green", "blue"), question="Which colour?")
PROMPT = {
    "system": "{{ task.question }} Answer with one of: {{ labels | join(', ') }}.",
    "user": "{{ content }}",
}
_TEXT = "The committee met in the old hall and spoke at length about the colour of the doors. "

Call = Callable[[int], Awaitable[Any]]
_Turn = tuple[float, float, float, float]


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


def _config(url: str, **changes: Any) -> ChatConfig:
    given = {"type": "openai_chat", "base_url": url, "model": "small-1", "prompt": PROMPT}
    price = {"input_usd": 0.1, "output_usd": 0.4}
    return ChatConfig.model_validate({**given, "price": price, **changes})


def _question(number: int) -> Question:
    name = f"item {number}"
    return Question(TASK, Item(name, name, f"{name}.txt", f"{name}. {_TEXT * 6}"))


def _throughput(calls: int) -> list[dict[str, Any]]:
    clients = {
        "bare aiohttp": _bare_aiohttp,
        "ours, all protections on": _ours,
        "default httpx": _default_httpx,
    }
    rows = []
    with _fixed_process(ANSWER_MS) as (url, server):
        for at_once in LEAST_THROUGHPUT:
            # taken in turns, so that a machine that is busy for a while is so for all
            turns: list[dict[str, _Turn]] = []
            for _ in range(_TURNS):
                turn = {}
                for name, client in clients.items():
                    began, before = time.perf_counter(), sum(server.cpu_times()[:2])
                    figures = asyncio.run(client(url, at_once, calls))
                    share = sum(server.cpu_times()[:2]) - before
                    turn[name] = (*figures, share / (time.perf_counter() - began))
                turns.append(turn)
            for name in clients:
                speed, p99, cpu, share = (
                    statistics.median(turn[name][n] for turn in turns) for n in range(4)
                )
                ratios = [
                    statistics.median(turn[name][n] / turn["bare aiohttp"][n] for turn in turns)
                    for n in range(3)
                ]
                rows.append(
                    {
                        "at_once": at_once,
                        "client": name,
                        "calls_per_s": speed,
                        "p99_ms": p99,
                        "cpu_ms": cpu,
                        "server_share": share,
                        "speed_ratio": ratios[0],
                        "p99_ratio": ratios[1],
                        "cpu_ratio": ratios[2],
                    }
                )
    return rows


def _plain_body(number: int) -> bytes:
    """The same request as ours, written down without anything around it."""
    labels = list(TASK.labels)
    system = f"{TASK.question} Answer with one of: {', '.join(labels)}."
    schema = {
        "type": "object",
        "properties": {
            "answer": {"enum": [*labels, None]},
            "confidence": {"type": ["number", "null"]},
        },
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    }
    body = {
        "model": "small-1",
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": _question(number).item.text},
        ],
        "max_tokens": 256,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        },
    }
    return json.dumps(body).encode()


def _plain_answer(data: bytes) -> str:
    answer: str = json.loads(json.loads(data)["choices"][0]["message"]["content"])["answer"]
    return answer


async def _bare_aiohttp(url: str, at_once: int, calls: int) -> tuple[float, float, float]:
    import aiohttp

    headers = {"content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> None:
            target, body = f"{url}/chat/completions", _plain_body(number)
            async with session.post(target, data=body, headers=headers) as response:
                assert _plain_answer(await response.read()) == "red"

        return await _measured(call, at_once, calls)


async def _default_httpx(url: str, at_once: int, calls: int) -> tuple[float, float, float]:
    import httpx

    headers = {"content-type": "application/json"}
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60.0, headers=headers) as client:

        async def call(number: int) -> None:
            body = _plain_body(number)
            response = await client.post(f"{url}/chat/completions", content=body)
            assert _plain_answer(response.content) == "red"

        return await _measured(call, at_once, min(calls, 300))


async def _ours(url: str, at_once: int, calls: int) -> tuple[float, float, float]:
    service = ChatService("s", _config(url, concurrency=at_once))
    with (
        tempfile.TemporaryDirectory() as folder,
        SpendingWriter(Path(folder) / "spending", SpendingPurpose("batch", "b")) as recorder,
    ):
        cache = AnswerCache(LmdbStore(Path(folder) / "answers"))
        budget = SpendBudget(1000.0, recorder=recorder)
        limits = Path(folder) / "limits"
        async with Asker({"s": service}, cache, budget=budget, shared=limits) as asker:
            await asker.callers["s"].place_there()
            loop = asyncio.get_running_loop()

            async def call(number: int) -> None:
                answered = await asker.ask("s", _question(number), loop.time() + 300.0)
                assert answered.reading.status is Status.OK

            return await _measured(call, at_once, calls)


async def _measured(call: Call, at_once: int, calls: int) -> tuple[float, float, float]:
    """Calls a second, the 99th percentile of their times in ms, and CPU ms a call."""
    # the first calls open connections and compile prompts
    await asyncio.gather(*(call(-1 - number) for number in range(at_once)))
    numbers = iter(range(calls))
    took: list[float] = []

    async def worker() -> None:
        for number in numbers:
            began = time.perf_counter()
            await call(number)
            took.append(time.perf_counter() - began)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    p99 = statistics.quantiles(took, n=100)[98]
    return calls / seconds, p99 * 1000, cpu / calls * 1000


async def _asked(asker: Asker, name: str, numbers: Sequence[int], at_once: int) -> list[float]:
    """The time of each call in seconds, as its item sees it."""
    queue, took = iter(numbers), []

    async def worker() -> None:
        for number in queue:
            began = time.perf_counter()
            answered = await asker.ask(name, _question(number))
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
            "primary": ChatService("primary", _config(url, fallbacks=["second"])),
            "second": ChatService("second", _config(other, model="small-2")),
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
            "slow": ChatService("slow", _config(url, concurrency=8)),
            "quick": ChatService("quick", _config(other, concurrency=8)),
        }
        async with Asker(services, AnswerCache(LmdbStore(Path(folder) / "answers"))) as asker:
            alone = await _asked(asker, "quick", range(-800, 0), 8)
            loop = asyncio.get_running_loop()
            flood = [
                asyncio.ensure_future(asker.ask("slow", _question(n), loop.time() + 30.0))
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
