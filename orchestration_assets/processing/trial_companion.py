"""Carrying out the plans of a policy on trial beside those of the batch, until it is stopped."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.event_loop import (
    BatchWork,
    Load,
    process_item,
    with_last_answers,
)
from orchestration_assets.processing.last_answers import PATIENCE_S
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.schemas.tables import PlanRow
from resources.ai_services.resilience.places import Places


@dataclass(frozen=True, slots=True)
class TrialCompanion:
    """Plans of another policy, in the event loop of a batch.

    ``first`` items are at work at once until twice as many are over, so that few are exposed before
    the first are looked at; then more with each that is over, up to ``in_flight``.

    ``over`` is told what came of each item, and says whether to go on. Once it says no, nothing
    more is asked: the answers under way may come in, and what is not over then has no result.
    ``ends_at``: the time of the monotonic clock after which no call goes on.
    """

    plans: Sequence[PlanRow]
    work: BatchWork
    asker: Asker
    over: Callable[[Sequence[PlanRow], Sequence[PlanResult]], bool]
    first: int
    in_flight: int
    ends_at: float = math.inf
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _over: list[str] = field(default_factory=list)

    async def run(self, load: Load) -> None:
        """Returns once all is over or stopped; raises what ends a batch."""
        serving = asyncio.ensure_future(self._serve_all(load))
        stopping = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                await self.asker.last_answers(PATIENCE_S)
                serving.cancel()
                await asyncio.wait([serving])
            if not serving.cancelled():
                serving.result()
        finally:
            stopping.cancel()
            serving.cancel()
            await asyncio.wait([serving])

    async def _serve_all(self, load: Load) -> None:
        places = Places(self.first)
        async with asyncio.TaskGroup() as tasks:
            for _, group in groupby(self.plans, key=lambda plan: plan.item_id):
                plans = list(group)
                await places.take()
                if self._stopped.is_set():
                    return
                tasks.create_task(self._serve(plans, load, places))

    async def _serve(self, plans: Sequence[PlanRow], load: Load, places: Places) -> None:
        try:
            process = process_item(plans, self.work, self.asker, load, self.ends_at, None)
            results = await with_last_answers(process, self.asker)
            if not self.over(plans, results):
                self._stopped.set()
            self._over.append(plans[0].item_id)
            if (count := len(self._over)) >= 2 * self.first:
                places.resize(max(self.first, min(self.first + count, self.in_flight)))
        finally:
            places.give_back()
