"""Asking services that run in this process: nothing waits, and kept answers are found together."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.processing.asker import (
    CACHE,
    CALLED,
    AskResult,
    checked_reading,
    reading_of,
)
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.quick_records import constructor
from orchestration_assets.services.contract import EmbeddedService, Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.text.replies.stored_answers import without_secrets
from resources.ai_services.resilience.attempts import Attempt

_First = tuple[str, str, str, str]
_KEPT: Final = Reading(Status.ABSTAINED)


class EmbeddedAsker:
    """Asks embedded services by name. ``clock`` gives seconds, ``now`` the UTC time of day."""

    def __init__(
        self,
        services: Mapping[str, Service],
        cache: AnswerCache,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._services = services
        self._cache = cache
        self._clock = clock
        self.now = now
        self._identities: dict[tuple[str, str], str] = {}
        self._keys: dict[_First, str] = {}
        # by key; None where the cache was asked and has no answer
        self._known: dict[str, Reading | None] = {}
        # by key: what was answered together with others, and its share of the milliseconds
        self._ahead: dict[str, tuple[Reading, float]] = {}

    def recall(self, questions: Iterable[tuple[str, Question]]) -> None:
        """Looks up the answers of services to whole contents that no other answer is shown with.

        What was looked up before is forgotten.
        """
        self._keys = {
            _first(name, question): answer_key(question, self._services[name])
            for name, question in questions
        }
        kept = self._cache.get_many(self._keys.values())
        self._known = {key: kept.get(key) for key in self._keys.values()}
        self._ahead = {}

    def answer_ahead(self, questions: Iterable[tuple[str, Question]]) -> None:
        """Has services that are quicker so answer many recalled questions at once, which they are
        asked in any case, as far as their answers are not kept."""
        asked: dict[str, dict[str, Question]] = {}
        for name, question in questions:
            if self._is_shown_answers(name, question):
                continue  # recalled without them
            key = self._keys.get(_first(name, question), "")
            if _answers_together(self._services[name]) and self._known.get(key, _KEPT) is None:
                asked.setdefault(name, {})[key] = question
        for name, by_key in asked.items():
            service, began = self._services[name], self._clock()
            assert isinstance(service, EmbeddedService)
            try:
                given = service.answers(list(by_key.values()))
                told = zip(given, by_key.values(), strict=True)
                readings = [checked_reading(one, question) for one, question in told]
            except Exception:  # noqa: BLE001, S112 -- asked one by one, each failure is its own
                continue
            share_ms = (self._clock() - began) * 1000 / len(by_key)
            for key, reading in zip(by_key, readings, strict=True):
                self._ahead[key] = reading, share_ms

    async def ask(self, name: str, question: Question) -> AskResult:
        """The service's reading, kept or given now; never raises for what a service does."""
        service = self._services[name]
        key = self._key(name, question)
        started_at, began = self.now(), self._clock()
        reading = self._known[key] if key in self._known else self._cache.get(key)
        attempts: tuple[Attempt, ...] = ()
        if reading is not None:
            # an earlier release kept answers as they were given
            reading = without_secrets(reading, question.task)
        else:
            if key in self._ahead:
                reading, elapsed_ms = self._ahead.pop(key)
            else:
                reading = await reading_of(service, question)
                elapsed_ms = (self._clock() - began) * 1000
            cost, reason = service.cost_usd, reading.reason
            attempt = Attempt(name, reading.status, started_at, elapsed_ms, cost, reason=reason)
            attempts = (attempt,)
            if self._cache.put(key, reading):
                self._known[key] = reading
                if self._is_shown_answers(name, question):
                    # who hands work to others must find it before the answers shown are known
                    before = answer_key(replace(question, answers=()), service)
                    self._cache.note_shown(before, key)
        return constructor(AskResult)(
            name,
            self._identity(name, question),
            key,
            reading,
            CALLED if attempts else CACHE,
            attempts[0].cost_usd if attempts else 0,
            started_at,
            attempts[0].elapsed_ms if attempts else (self._clock() - began) * 1000,
            attempts=attempts,
        )

    def _key(self, name: str, question: Question) -> str:
        shown = self._is_shown_answers(name, question)
        if question.coverage >= 1.0 and not question.earlier and not shown:
            known = self._keys.get(_first(name, question))
            if known is not None:
                return known
        return answer_key(question, self._services[name])

    def _is_shown_answers(self, name: str, question: Question) -> bool:
        return bool(question.answers) and "answers" in self._services[name].reads

    def _identity(self, name: str, question: Question) -> str:
        # by the name that the policy gives it: two services may be of one implementation
        about = name, question.task.name
        if about not in self._identities:
            self._identities[about] = service_identity(self._services[name], question.task)
        return self._identities[about]


def never_waits(service: Service | None) -> bool:
    """Whether the service answers in this process, from what stands in the question alone: without
    what is near the item in earlier content, or was said before it in its conversation."""
    return (
        isinstance(service, EmbeddedService)
        and type(service).ask is EmbeddedService.ask
        and service.reads.isdisjoint({"neighbours", "memory"})
    )


def _answers_together(service: Service) -> bool:
    return (
        isinstance(service, EmbeddedService)
        and type(service).answers is not EmbeddedService.answers
    )


def _first(name: str, question: Question) -> _First:
    # parts of an item have contents of their own
    return name, question.task.name, question.item.item_id, question.item.content_hash
