"""Taught services in place of a teacher that gave no answer."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

from orchestration_assets.processing.answer_cache import CACHED
from orchestration_assets.processing.asker import CALLED, AskResult
from orchestration_assets.processing.plan_result import Ask
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import Service
from orchestration_assets.services.taught.taught_service import TaughtService
from resources.ai_services.resilience.attempts import Attempt

HEARD: Final = CACHED | {Status.FALLBACK}
"""How a reading ends that says what a teacher, or a fallback of it, makes of the item."""


def with_taught(ask: Ask, names: Iterable[str], services: Mapping[str, Service]) -> Ask:
    """``ask`` for a plan of the services of these ``names``: where a teacher gives no answer about
    an audited item, the service that it taught answers instead, if it is sure enough.

    About an item that is not audited it is heard in its own right.
    """
    asked_of = (services.get(name) for name in names)
    taught = [one for one in asked_of if isinstance(one, TaughtService)]
    if not taught:
        return ask

    async def asked(name: str, question: Question) -> AskResult:
        result = await ask(name, question)
        if result.reading.status in HEARD:
            return result
        for service in taught:
            if service.config.by == name and service.audits(question):
                started_at, began = datetime.now(UTC), perf_counter()
                reading = instead_of_teacher(service, question, result.reading.reason)
                if reading is not None:
                    elapsed_ms = (perf_counter() - began) * 1000
                    attempt = Attempt(service.name, Status.OK, started_at, elapsed_ms)
                    return replace(
                        result,
                        reading=reading,
                        attempts=(*result.attempts, attempt),
                        origin=CALLED,
                        elapsed_ms=result.elapsed_ms + elapsed_ms,
                    )
        return result

    return asked


def instead_of_teacher(
    service: TaughtService, question: Question, failure: str | None
) -> Reading | None:
    """What stands instead of a teacher's reading that ended in ``failure``; None where the service
    that it taught is not sure enough, or its teacher was shown the answers of others."""
    by = service.config.by
    if any(name not in (by, service.name) for name, _ in question.earlier):
        return None
    reading = service.unaudited(question)
    if reading.status is not Status.OK:
        return None
    why = f"{service.name} answers instead of {by}, which taught it and did not answer: {failure}"
    return replace(reading, status=Status.FALLBACK, reason=why)
