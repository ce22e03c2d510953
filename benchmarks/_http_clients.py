"""Clients of one service over HTTP that ask the same questions: bare ones, and ours.

Ours has everything on: the durable cache, a budget whose ledger outlives a kill, limits shared with
other processes.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import ChatConfig
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from resources.spending.writer import SpendingPurpose, SpendingWriter

TASK: Final = Task(
    "label", "1", AnswerKind.LABEL, ("red", "green", "blue"), question="Which colour?"
)
_PROMPT: Final = {
    "system": "{{ task.question }} Answer with one of: {{ labels | join(', ') }}.",
    "user": "{{ content }}",
}
_TEXT: Final = (
    "The committee met in the old hall and spoke at length about the colour of the doors. "
)
_BUDGET_USD: Final = 1000.0

Call = Callable[[int], Awaitable[Any]]
Ready = Callable[[], Awaitable[None]]
"""Returns when the calls that are measured may begin."""


class CallTimes(NamedTuple):
    """Times of calls in seconds, when the first began and the last ended by the monotonic clock,
    and the processor time of all of them in seconds."""

    took: Sequence[float]
    began: float
    ended: float
    cpu_s: float

    @property
    def calls_per_s(self) -> float:
        return len(self.took) / (self.ended - self.began)

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.took, n=100)[98] * 1000

    @property
    def cpu_ms(self) -> float:
        """Of each call."""
        return self.cpu_s / len(self.took) * 1000


def chat_config(url: str, **changes: Any) -> ChatConfig:
    given = {"type": "openai_chat", "base_url": url, "model": "small-1", "prompt": _PROMPT}
    price = {"input_usd": 0.1, "output_usd": 0.4}
    return ChatConfig.model_validate({**given, "price": price, **changes})


def question(number: int) -> Question:
    name = f"item {number}"
    return Question(TASK, Item(name, name, f"{name}.txt", f"{name}. {_TEXT * 6}"))


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
            {"role": "user", "content": question(number).item.text},
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


async def bare_aiohttp(url: str, at_once: int, calls: int) -> CallTimes:
    import aiohttp

    headers = {"content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> None:
            target, body = f"{url}/chat/completions", _plain_body(number)
            async with session.post(target, data=body, headers=headers) as response:
                assert _plain_answer(await response.read()) == "red"

        return await _measured(call, at_once, calls)


async def default_httpx(url: str, at_once: int, calls: int) -> CallTimes:
    import httpx

    headers = {"content-type": "application/json"}
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60.0, headers=headers) as client:

        async def call(number: int) -> None:
            body = _plain_body(number)
            response = await client.post(f"{url}/chat/completions", content=body)
            assert _plain_answer(response.content) == "red"

        return await _measured(call, at_once, min(calls, 200))


async def ours(url: str, at_once: int, calls: int) -> CallTimes:
    with tempfile.TemporaryDirectory() as folder:
        return await ours_at_home(Path(folder), url, at_once, at_once, calls, _at_once)


async def _at_once() -> None:
    """Nobody else is waited for."""


async def ours_at_home(
    home: Path, url: str, places: int, at_once: int, calls: int, ready: Ready, first: int = 0
) -> CallTimes:
    """``at_once`` calls of a process of this home, whose processes have so many ``places`` in all.

    Questions are numbered from ``first``.
    """
    service = ChatService("s", chat_config(url, concurrency=places))
    with SpendingWriter(home / "spending", SpendingPurpose("batch", "b")) as recorder:
        cache = AnswerCache(LmdbStore(home / "answers"))
        budget = SpendBudget(_BUDGET_USD, recorder=recorder)
        async with Asker({"s": service}, cache, budget=budget, shared=home / "limits") as asker:
            await asker.callers["s"].place_there()
            loop = asyncio.get_running_loop()

            async def call(number: int) -> None:
                asked = question(first + number if number >= 0 else number - first)
                answered = await asker.ask("s", asked, loop.time() + 300.0)
                assert answered.reading.status is Status.OK, answered.reading

            return await _measured(call, at_once, calls, ready)


async def _measured(call: Call, at_once: int, calls: int, ready: Ready = _at_once) -> CallTimes:
    # the first calls open connections and compile prompts
    await asyncio.gather(*(call(-1 - number) for number in range(at_once)))
    await ready()
    numbers = iter(range(calls))
    took: list[float] = []

    async def worker() -> None:
        for number in numbers:
            began = time.perf_counter()
            await call(number)
            took.append(time.perf_counter() - began)

    began, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return CallTimes(took, began, time.monotonic(), time.process_time() - cpu)
