"""Services for tests: scripted answers, counted calls, virtual time."""

import asyncio
from collections.abc import Callable

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from resources.ai_services.contract import Service


class Scripted:
    """Answers what it is told to, and remembers what it was asked."""

    kinds = frozenset({AnswerKind.LABEL})
    expected_ms = 1.0
    cost_usd = 0.5
    concurrency = 100

    def __init__(
        self,
        name: str,
        say: Reading | Exception | Callable[[Question], Reading],
        *,
        version: str = "1",
        reads: frozenset[str] = frozenset(),
        seconds: float = 0.0,
    ) -> None:
        self.name = name
        self.version = version
        self.reads = reads
        self.seconds = seconds
        self.asked: list[Question] = []
        self._say = say

    async def ask(self, question: Question) -> Reading:
        self.asked.append(question)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if isinstance(self._say, Exception):
            raise self._say
        return self._say(question) if callable(self._say) else self._say


def ok(answer: str, confidence: float = 0.9) -> Reading:
    return Reading(Status.OK, answer, confidence)


ABSTAIN = Reading(Status.ABSTAINED, reason="cannot tell")
TASK = Task("t", "1", AnswerKind.LABEL, ("a", "b", "c"))


def item(name: str = "i1") -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", "text", {"family": "prose"})


def question(name: str = "i1") -> Question:
    return Question(TASK, item(name))


def by_name(*services: Service) -> dict[str, Service]:
    return {service.name: service for service in services}
