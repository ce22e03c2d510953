"""Services for tests: scripted answers, counted calls, virtual time."""

import asyncio
from collections.abc import Callable

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.services.contract import Service


class Scripted:
    """Answers what it is told to, and remembers what it was asked."""

    kinds = frozenset(AnswerKind)
    expected_ms = 1.0
    cost_usd = 0.5
    concurrency = 100
    fingerprint = ""

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


def ok(answer, confidence: float = 0.9) -> Reading:
    return Reading(Status.OK, answer, confidence)


ABSTAIN = Reading(Status.ABSTAINED, reason="cannot tell")
TASK = Task("t", "1", AnswerKind.LABEL, ("a", "b", "c"))
TASKS = {
    "t": TASK,
    "words": Task("words", "1", AnswerKind.SET, disagree_at=0.8),
    "tone": Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0), disagree_at=0.5),
    "route": Task("route", "1", AnswerKind.LABEL),
}


def choice(model: str, *services: str, **fields) -> Choice:
    return Choice.model_validate({"model": model, "services": services, **fields})


def item(name: str = "i1", text: str = "text") -> Item:
    return Item(name, f"hash-{name}-{len(text)}", f"{name}.txt", text, {"family": "prose"})


def question(name: str = "i1", task: str = "t", text: str = "text") -> Question:
    return Question(TASKS[task], item(name, text))


def by_name(*services: Service) -> dict[str, Service]:
    return {service.name: service for service in services}
