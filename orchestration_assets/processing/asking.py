"""Asking one service one question: cache first, failures become readings, every attempt logged."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.schemas.answers import fits, shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from resources.ai_services.contract import Service

CALLED: Final = "called"
CACHE: Final = "cache"
NOT_CALLED: Final = "not_called"


@dataclass(frozen=True, slots=True)
class Answered:
    """A reading with where it came from and what it took.

    ``round`` counts the rounds of an iterative plan from 0; ``final`` is False for a reading that
    a later one of the same service took over, and for a router's.
    """

    service: str
    service_version: str
    answer_key: str
    reading: Reading
    origin: str
    cost_usd: float
    started_at: datetime
    elapsed_ms: float
    round: int = 0
    final: bool = True


class Asker:
    """Asks services by name. ``clock`` gives seconds, ``now`` the UTC time of day."""

    def __init__(
        self,
        services: Mapping[str, Service],
        cache: AnswerCache,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._services = services
        self._cache = cache
        self._bulkheads = {
            name: asyncio.Semaphore(service.concurrency) for name, service in services.items()
        }
        self._clock = clock
        self.now = now

    async def ask(self, name: str, question: Question) -> Answered:
        """One service's reading. Never raises for what the service does: it becomes a reading."""
        service = self._services[name]
        key = answer_key(question, service)
        started_at, began = self.now(), self._clock()
        reading = self._cache.get(key)
        origin, cost = CACHE, 0.0
        if reading is None:
            async with self._bulkheads[name]:
                # the clock starts when the call does, not when it begins to wait its turn
                started_at, began = self.now(), self._clock()
                reading = await _reading(service, question)
            origin, cost = CALLED, service.cost_usd
            self._cache.put(key, reading)
        elapsed_ms = (self._clock() - began) * 1000
        return Answered(name, service.version, key, reading, origin, cost, started_at, elapsed_ms)


async def _reading(service: Service, question: Question) -> Reading:
    try:
        reading = await service.ask(question)
    except Exception as error:  # noqa: BLE001 -- whatever a service raises is its failure
        return Reading(Status.FAILED, reason=f"{type(error).__name__}: {error}")
    kind = question.task.kind
    if reading.answer is not None and not fits(reading.answer, kind):
        reason = f"answered {shown(reading.answer)!r}, which is no {kind}"
        return Reading(Status.REJECTED_OUTPUT, reason=reason)
    return reading
