"""Answers of the packaged policy about one content, as the assets come to them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration_assets.content.manifest import content_hash
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.asker import CALLED, AskResult
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import lead
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items
from orchestration_assets.services.contract import EmbeddedService


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    """The reading that stands for a content, None without one, and every service's reading."""

    standing: Reading | None
    readings: dict[str, Reading]


class PackagedPlans:
    """Carries out the packaged policy's plans, one content at a time."""

    def __init__(self) -> None:
        self._loaded = load_policy()
        self._work = build_work(self._loaded.policy)
        services = self._work.services.items()
        self._prices = {name: Price(one.expected_ms, one.cost_usd) for name, one in services}

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks of the policy, by name."""
        return self._work.tasks

    def answer(self, task: str, path: str, text: str) -> PlannedAnswer | None:
        """The answer to ``task`` about the content; None where the task does not apply to it."""
        data = text.encode("utf-8", "replace")
        features = profile(path, text, size_bytes=len(data)).features
        item = Item(path, content_hash(data), path, text, features)
        seen = ItemProfile(path, item.content_hash, path, ProfileStatus.OK, item.profile)
        plans = plan_items("b", [seen], self._loaded.policy, self._loaded.hash, self._prices)
        plan = next((plan for plan in plans if plan.task == task), None)
        if plan is None:
            return None
        question = Question(self.tasks[task], item)
        choice = self._work.choices[task, plan.option]
        done = asyncio.run(execute(choice, question, self._ask, self._work.tasks))
        readings = {result.service: result.reading for result in done.answered if result.final}
        best = lead(done.answered, question).answer
        deciding = [result.reading for result in done.answered if result.decides]
        named = [one for one in deciding if one.answer == best]
        surest = max(named, key=lambda one: one.confidence or 0.0, default=None)
        return PlannedAnswer(None if best is None else surest, readings)

    async def _ask(self, service: str, question: Question) -> AskResult:
        embedded = self._work.services[service]
        assert isinstance(embedded, EmbeddedService)
        reading = embedded.answer(question)
        return AskResult(service, "", "", reading, CALLED, 0.0, datetime.now(UTC), 0.0)
