"""Faults of a service: what is asked and answered under each, and how long it takes.

Each fault is shown by a server on the loopback to two clients, one after the other: the project's
caller with the policy's defaults, and a bare loop that asks again without limit. A question counts
as asked once one request about it was made. Where the service answers at least half of the time,
at least 99 % of the questions must be asked.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import ChatConfig, EmbeddingsConfig
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.feature_cache.lmdb_store import LmdbStore

LEAST_ASKED: Final = 0.99
AT_ONCE: Final = 16
MEDIAN_MS: Final = 20.0
TOTAL_S: Final = 3.0
_BARE_PAUSE_S: Final = 0.5
LABELS: Final = Task("label", "1", AnswerKind.LABEL, ("red", "green", "blue"), question="Colour?")
VECTORS: Final = Task("vector", "1", AnswerKind.VECTOR)
_PROMPT: Final = {
    "system": "{{ task.question }} Answer with one of: {{ labels | join(', ') }}.",
    "user": "{{ content }}",
}
_POISON: Final = "note 21 of"

FAULTS: Final[dict[str, tuple[Fault, ...]]] = {
    "none": (),
    "40 % of 429, Retry-After 2 s": (Fault(kind=FaultKind.RATE_LIMIT, share=0.4, seconds=2.0),),
    "40 % of 429 without a time": (Fault(kind=FaultKind.RATE_LIMIT, share=0.4),),
    "40 % of 503, Retry-After 2 s": (Fault(kind=FaultKind.OVERLOAD, share=0.4, seconds=2.0),),
    "50 % of 500": (Fault(kind=FaultKind.ERROR, share=0.5),),
    "30 % of connections reset": (Fault(kind=FaultKind.RESET, share=0.3),),
    "20 % of answers break off": (Fault(kind=FaultKind.TRUNCATED, share=0.2),),
    "10 % of answers never come": (Fault(kind=FaultKind.HANG, share=0.1),),
    "an outage of 8 s": (Fault(kind=FaultKind.ERROR, begin_s=0.1, end_s=8.1),),
    "1 s well, 1 s away": (Fault(kind=FaultKind.ERROR, up_s=1.0, down_s=1.0),),
    "one item malformed three times": (
        Fault(kind=FaultKind.WRONG_SCHEMA, contains=_POISON, first_times=3),
    ),
}
BATCH_FAULTS: Final[dict[str, tuple[Fault, ...]]] = {
    "batches: 500 for one item": (Fault(kind=FaultKind.ERROR, contains=_POISON),),
    "batches: a part missing for one item": (Fault(kind=FaultKind.WRONG_SCHEMA, contains=_POISON),),
}


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """What became of the questions under one fault; ``times_bare`` is None without a bare loop."""

    fault: str
    questions: int
    asked: int
    answered: int
    deferred: int
    failed: int
    requests: int
    seconds: float
    times_bare: float | None

    @property
    def passed(self) -> bool:
        return self.asked >= LEAST_ASKED * self.questions


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--only WORDS] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks faults", description=__doc__)
    parser.add_argument("--items", type=int, default=200, metavar="N", help="questions a fault")
    parser.add_argument("--only", default="", metavar="WORDS", help="faults with these words only")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = [
        _figures(name, faults, given.items, batched=name in BATCH_FAULTS)
        for name, faults in {**FAULTS, **BATCH_FAULTS}.items()
        if given.only in name
    ]
    header = ("fault", "questions", "asked", "answered", "deferred", "failed", "requests", "s", "x")
    rows = [
        (*list(asdict(one).values())[:-1], "" if one.times_bare is None else one.times_bare)
        for one in figures
    ]
    print(table(f"{given.items} questions, {AT_ONCE} at once", header, rows))
    print("x: time as a multiple of a bare loop that asks again without limit")
    print(f"limit: asked >= {LEAST_ASKED:.0%} of the questions")
    write_json(given.json, {"faults": [asdict(one) for one in figures]})
    return 0 if all(one.passed for one in figures) else 1


def _figures(name: str, faults: tuple[Fault, ...], items: int, *, batched: bool) -> FaultFigures:
    script = FaultScript(seed=1, median_ms=MEDIAN_MS, faults=faults)
    questions = [_question(number, batched=batched) for number in range(items)]
    server = DrillServer(script)
    with serving(server) as url:
        answers, seconds = asyncio.run(_ours(url, questions, batched=batched))
    bare_seconds = None
    if not batched:
        with serving(DrillServer(script)) as url:
            bare_seconds = asyncio.run(_bare(url, questions))
    bare = "" if bare_seconds is None else f", bare {bare_seconds:.1f} s"
    print(f"{name}: {seconds:.1f} s{bare}", file=sys.stderr, flush=True)
    statuses = Counter(one.reading.status for one in answers)
    answered = statuses[Status.OK] + statuses[Status.ABSTAINED]
    return FaultFigures(
        fault=name,
        questions=items,
        asked=sum(bool(one.attempts) for one in answers),
        answered=answered,
        deferred=statuses[Status.DEFERRED],
        failed=items - answered - statuses[Status.DEFERRED],
        requests=len(server.log),
        seconds=seconds,
        times_bare=None if bare_seconds is None else seconds / bare_seconds,
    )


def _question(number: int, *, batched: bool) -> Question:
    name = f"note {number} of the day"
    return Question(VECTORS if batched else LABELS, Item(name, name, "note.txt", f"{name}. " * 5))


def _service(url: str, *, batched: bool) -> ChatService | EmbeddingsService:
    given: dict[str, Any] = {
        "base_url": url,
        "model": "small-1",
        "concurrency": AT_ONCE,
        "timeouts": {"total_s": TOTAL_S},
    }
    if batched:
        config = {**given, "type": "openai_embeddings", "batch_size": 32}
        return EmbeddingsService("s", EmbeddingsConfig.model_validate(config))
    config = {**given, "type": "openai_chat", "prompt": _PROMPT}
    return ChatService("s", ChatConfig.model_validate(config))


async def _ours(
    url: str, questions: Sequence[Question], *, batched: bool
) -> tuple[list[AskResult], float]:
    service = _service(url, batched=batched)
    with tempfile.TemporaryDirectory() as folder:
        cache = AnswerCache(LmdbStore(Path(folder) / "answers"))
        async with Asker({"s": service}, cache) as asker:
            began = time.perf_counter()
            answers = await asyncio.gather(*(asker.ask("s", one) for one in questions))
            seconds = time.perf_counter() - began
    return list(answers), seconds


async def _bare(url: str, questions: Sequence[Question]) -> float:
    """Seconds until every question has an answer, whether or not it fits the question."""
    import aiohttp

    service = _service(url, batched=False)
    bodies = iter([json.dumps(service.prepare([one]).body).encode() for one in questions])
    timeout = aiohttp.ClientTimeout(total=TOTAL_S)
    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def worker() -> None:
            for body in bodies:
                while (pause := await attempt(body)) is not None:
                    await asyncio.sleep(pause)

        async def attempt(body: bytes) -> float | None:
            try:
                target = f"{url}/chat/completions"
                async with session.post(target, data=body, headers=headers) as response:
                    if response.status != 200:
                        return float(response.headers.get("retry-after", _BARE_PAUSE_S))
                    json.loads((await response.json())["choices"][0]["message"]["content"])
                    return None
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
                return _BARE_PAUSE_S

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
