"""Wall-clock of parallel and hybrid plans beside their critical path, with services that sleep."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._output import table, write_json
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice
from resources.feature_cache.lmdb_store import LmdbStore

TASK = Task("overlap", "1", AnswerKind.LABEL)
PARALLEL_LIMIT_S = 0.260
MAKESPAN_LIMIT = 1.10


class Sleeper:
    """Answers after a while, like a service over a network."""

    version = "1"
    kinds = frozenset({AnswerKind.LABEL})
    cost_usd = 0.0
    reads: frozenset[str] = frozenset()
    concurrency = 100
    fingerprint = ""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds
        self.expected_ms = seconds * 1000

    async def ask(self, question: Question) -> Reading:
        await asyncio.sleep(self.seconds)
        return Reading(Status.OK, "yes", 0.9)


def main(arguments: Sequence[str]) -> int:
    """``[--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks overlap", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = {"parallel": _parallel(), "hybrid": _hybrid()}
    rows = [
        (name, one["seconds"], one["critical_path"], one["ratio"], one["limit"])
        for name, one in figures.items()
    ]
    header = ("plan", "seconds", "critical path", "ratio", "limit")
    print(table("Wall-clock against the critical path", header, rows))
    write_json(given.json, figures)
    return 0


def _parallel() -> dict[str, float]:
    """Four services of 200 ms each."""
    seconds = {f"s{number}": 0.2 for number in range(4)}
    choice = Choice.model_validate({"model": "parallel", "services": list(seconds)})
    return _measured(choice, seconds, 0.2, PARALLEL_LIMIT_S / 0.2)


def _hybrid() -> dict[str, float]:
    """A graph in which waiting for whole waves would take 0.7 s instead of 0.5 s."""
    seconds = {"slow": 0.3, "quick": 0.1, "after_slow": 0.1, "after_quick": 0.3, "last": 0.1}
    after = {
        "after_slow": ["slow"],
        "after_quick": ["quick"],
        "last": ["after_slow", "after_quick"],
    }
    described: dict[str, Any] = {"model": "hybrid", "services": list(seconds), "after": after}
    return _measured(Choice.model_validate(described), seconds, 0.5, MAKESPAN_LIMIT)


def _measured(
    choice: Choice, seconds: dict[str, float], critical_path: float, limit: float
) -> dict[str, float]:
    services = {name: Sleeper(name, took) for name, took in seconds.items()}
    with tempfile.TemporaryDirectory() as folder:
        cache = AnswerCache(LmdbStore(Path(folder) / "answers"))

        async def timed() -> float:
            ask = Asker(services, cache).ask
            began = time.perf_counter()
            await execute(choice, Question(TASK, Item("i", "h", "p", "text")), ask, {})
            return time.perf_counter() - began

        took = asyncio.run(timed())
    return {
        "seconds": took,
        "critical_path": critical_path,
        "ratio": took / critical_path,
        "limit": limit,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
