"""Answers of the packaged policy about one content, as the assets come to them."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.asker import CALLED, AskResult
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import lead
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.items import Item, Question, Reading
from orchestration_assets.selection.conditions import holds
from orchestration_assets.services.registry import load_embedded


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    """The reading that stands for a content, None without one, and every service's reading."""

    standing: Reading | None
    readings: dict[str, Reading]


class PackagedPlans:
    """Carries out the packaged policy's plans, one content at a time."""

    def __init__(self) -> None:
        self.policy = load_policy().policy
        self.tasks = build_tasks(self.policy)
        self._services = {
            name: load_embedded(config.implementation)  # type: ignore[union-attr]
            for name, config in self.policy.services.items()
        }

    def answer(self, task: str, path: str, text: str) -> PlannedAnswer | None:
        """The answer to ``task`` about the content; None where the task does not apply to it."""
        size = len(text.encode("utf-8", "replace"))
        features = profile(path, text, size_bytes=size).features
        config = self.policy.tasks[task]
        if not holds(config.applies_to, features):
            return None
        chosen = next(
            (rule.choose for rule in config.rules if holds(rule.when, features)), config.default
        )
        item = Item(path, path, path, text, features)
        question = Question(self.tasks[task], item)
        done = asyncio.run(execute(chosen, question, self._ask, self.tasks))
        readings = {result.service: result.reading for result in done.answered if result.final}
        best = lead(done.answered, question).answer
        deciding = [result.reading for result in done.answered if result.decides]
        named = [one for one in deciding if one.answer == best]
        surest = max(named, key=lambda one: one.confidence or 0.0, default=None)
        return PlannedAnswer(None if best is None else surest, readings)

    async def _ask(self, service: str, question: Question) -> AskResult:
        reading = self._services[service].answer(question)
        return AskResult(service, "", "", reading, CALLED, 0.0, datetime.now(UTC), 0.0)
