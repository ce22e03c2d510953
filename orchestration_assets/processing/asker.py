"""Asking one service one question: cache first, failures become readings, every attempt logged."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from orchestration_assets.extensions.kinds import own_kind_problem
from orchestration_assets.processing.answer_cache import CACHED, AnswerCache, answer_key
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.processing.tools.loop import ToolLoop
from orchestration_assets.processing.tools.toolbox import Toolbox
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.storable_readings import UnfitReadingError, kept_reading
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.text.grounding import grounded
from orchestration_assets.text.prompts.templates import PromptError
from orchestration_assets.text.replies.stored_answers import (
    text_without_secrets,
    without_secrets,
)
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.service import HttpService
from resources.ai_services.resilience.attempts import Attempt, CallOutcome
from resources.ai_services.resilience.batcher import Batcher
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget

CALLED: Final = "called"
CACHE: Final = "cache"
NOT_CALLED: Final = "not_called"
_BETWEEN_LOOKS_S: Final = 0.01
_utc_now: Final = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a service said about one part: which part it is, without its text, and what it took.

    ``number`` counts from 1. ``start`` and ``end`` are characters of the item, None where the place
    is not known; ``content_hash`` is over the text of the part.
    """

    number: int
    of: int
    heading: str
    start: int | None
    end: int | None
    content_hash: str
    reading: Reading
    answer_key: str
    origin: str
    attempts: tuple[Attempt, ...]
    started_at: datetime
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class AskResult:
    """A reading with where it came from and what it took.

    ``attempts`` holds every attempt that was made for it, at the service or at its fallbacks.
    ``round`` counts the rounds of an iterative plan from 0; ``final`` is False for a reading that
    another one of the same service took over, and for a router's, which takes no part in the
    answer. ``decides``: whether the answer that stands rests on it. ``saw``: the services whose
    answers were shown with the question. ``taught_by``: the service that a taught one learned from.
    ``looks`` holds what the same service said besides, when it was asked to look again.
    ``parts``: what it said about each part of the item, where it was asked of parts; the attempts
    at those come first among its own. ``voice``: of a panel, whether it was given before the
    others' answers were shown; ``follows``: to whose answer, of those shown, its service moved.
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
    attempts: tuple[Attempt, ...] = ()
    takes_part: bool = True
    decides: bool = False
    saw: tuple[str, ...] = ()
    taught_by: str | None = None
    looks: tuple["AskResult", ...] = ()
    voice: bool | None = None
    follows: tuple[str, ...] | None = None
    parts: tuple[PartResult, ...] = ()


class UnsavedError(OrchestrationError):
    """An answer that was paid for could not be kept: going on would pay for more of them."""


class Asker:
    """Asks services by name. ``clock`` gives seconds, ``now`` the UTC time of day.

    What services over HTTP cost comes out of ``budget``; ``ratios`` says how many tokens one was
    seen to bill for each estimated one. A call over HTTP, its retries included, is over
    ``call_limit_s`` after its turn came. ``near`` knows what is near an item, for services
    that are shown that. ``parked`` is told how many questions begin to wait for an unavailable
    service, and, with a minus, how many wait no longer. ``shared`` is the folder by which processes
    keep the limits of services over HTTP together, or the folder of each by name. No question waits
    for an unavailable service longer than ``wait_limit_s``. ``toolbox`` carries out the tools that
    services call; without it no question is asked about which they may.

    Use it as an asynchronous context: connections are closed at its end.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        cache: AnswerCache,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = _utc_now,
        budget: SpendBudget | None = None,
        ratios: Mapping[str, float] | None = None,
        call_limit_s: float = math.inf,
        near: NearItems | None = None,
        parked: Callable[[int], None] = lambda questions: None,
        shared: Path | Mapping[str, Path] | None = None,
        wait_limit_s: float = math.inf,
        toolbox: Toolbox | None = None,
    ) -> None:
        self._services = services
        self._toolbox = toolbox
        self._cache = cache
        self._clock = clock
        self._near = near
        self.now = now
        # key of a question that is being asked -> who waits for its answer beside who asks
        self._pending: dict[str, list[asyncio.Future[CallOutcome]]] = {}
        self._saves: set[asyncio.Task[None]] = set()
        self._bulkheads = {
            name: asyncio.Semaphore(service.concurrency)
            for name, service in services.items()
            if not isinstance(service, HttpService)
        }
        self.callers = {
            name: Caller(
                service,
                budget or SpendBudget(),
                ratio=(ratios or {}).get(name, 1.0),
                limit_s=call_limit_s,
                wait_limit_s=wait_limit_s,
                parked=parked,
                now=now,
                shared=shared.get(name) if isinstance(shared, Mapping) else shared,
            )
            for name, service in services.items()
            if isinstance(service, HttpService)
        }
        self._batchers = {
            name: Batcher(caller, caller.service.batch_size, caller.service.linger_s)
            for name, caller in self.callers.items()
            if caller.service.batch_size > 1
        }

    async def __aenter__(self) -> "Asker":
        for caller in self.callers.values():
            caller.open()
        return self

    async def __aexit__(self, *raised: object) -> None:
        for caller in self.callers.values():
            await caller.aclose()
        if self._toolbox is not None:
            await self._toolbox.aclose()
        await self.durable()

    async def last_answers(self, patience_s: float) -> None:
        """Begins no other call; returns once those under way have ended, or after so long."""
        loop, callers = asyncio.get_running_loop(), self.callers.values()
        for caller in callers:
            caller.hold()
        ends = loop.time() + patience_s
        while any(caller.under_way for caller in callers) and loop.time() < ends:
            await asyncio.sleep(_BETWEEN_LOOKS_S)
        # who waits for a batch is told after its call has ended
        await asyncio.sleep(_BETWEEN_LOOKS_S)

    async def durable(self) -> None:
        """Returns once every answer so far that came over HTTP is on disk.

        Raises UnsavedError from what the store raised when one could not be written.
        """
        for save in tuple(self._saves):
            try:
                await asyncio.shield(save)
            except Exception as error:
                problem = f"an answer cannot be kept: {error}; make room on the disk of the home"
                raise UnsavedError(f"{problem}, and run again") from error

    def _saved(self, save: "asyncio.Task[None]") -> None:
        # one that failed stays, so that whoever waits for it learns why
        if not save.cancelled() and save.exception() is None:
            self._saves.discard(save)

    async def ask(self, name: str, question: Question, deadline: float = math.inf) -> AskResult:
        """One service's reading, or that of its first fallback that has one.

        Never raises for what a service does: it becomes a reading. ``deadline`` is a time of the
        event loop's clock after which no call over HTTP goes on.
        """
        answered = await self._ask(name, question, deadline)
        if name not in self.callers or answered.reading.status in CACHED:
            return answered
        attempts, reading = answered.attempts, answered.reading
        for other in self.callers[name].service.config.fallbacks:
            instead = await self._ask(other, question, deadline)
            attempts += instead.attempts
            if instead.reading.status is Status.OK:
                why = f"{other} answers instead of {name}, which did not: {answered.reading.reason}"
                answer = replace(instead.reading, status=Status.FALLBACK, reason=why)
                origin = answered.origin if answered.origin == CALLED else instead.origin
                return _with(answered, answer, attempts, origin)
            if instead.reading.status is Status.DEFERRED:
                # it may answer yet
                why = f"{reading.reason}; {other} is to answer instead: {instead.reading.reason}"
                reading = Reading(Status.DEFERRED, reason=why)
        return _with(answered, reading, attempts, answered.origin)

    def is_kept(self, name: str, question: Question) -> bool:
        """Whether the answer of this service is in the cache."""
        return self._cache.get(self._keyed(self._services[name], question)[1]) is not None

    def _keyed(self, service: Service, question: Question) -> tuple[Question, str]:
        """The question as this service sees it, and the key of its answer."""
        if self._near is not None and "neighbours" in service.reads:
            near = self._near.of(question.item.item_id, question.task.name)
            question = replace(question, near=near)
        calls_tools = question.task.tools is not None and isinstance(service, ChatService)
        if calls_tools and self._toolbox is not None:
            data = self._toolbox.data_version(question.task.name)
            question = replace(question, tool_data=data)
        return question, answer_key(question, service)

    async def _ask(self, name: str, question: Question, deadline: float) -> AskResult:
        """The reading of this very service: kept, under way already, or called for now."""
        service = self._services[name]
        question, key = self._keyed(service, question)
        started_at, began = self.now(), self._clock()
        if name in self.callers:
            # many questions begin at once: they share a look into the store
            kept = await self._cache.looked_up(key)
        else:
            kept = self._cache.get(key)
        if kept is not None:
            # an earlier release kept answers as they were given
            called, origin = CallOutcome(without_secrets(kept, question.task)), CACHE
        elif key in self._pending:
            # the same question is being asked: its attempts are in the log of who asked first
            waiter: asyncio.Future[CallOutcome] = asyncio.get_running_loop().create_future()
            self._pending[key].append(waiter)
            called = CallOutcome((await waiter).reading)
            origin = CACHE if called.reading.status in CACHED else NOT_CALLED
        else:
            called = await self._call_once(name, question, key, deadline)
            origin = CALLED if called.attempts else NOT_CALLED
        attempts = called.attempts
        first = attempts[0] if attempts else None
        return AskResult(
            name,
            service_identity(service, question.task),
            key,
            called.reading,
            origin,
            sum([attempt.cost_usd for attempt in attempts]),
            first.started_at if first else started_at,
            sum([attempt.elapsed_ms for attempt in attempts])
            if first
            else (self._clock() - began) * 1000,
            attempts=attempts,
            taught_by=service.config.by if isinstance(service, TaughtService) else None,
        )

    async def _call_once(
        self, name: str, question: Question, key: str, deadline: float
    ) -> CallOutcome:
        """Calls, and lets everyone who asks the same meanwhile wait for this answer."""
        waiting: list[asyncio.Future[CallOutcome]] = []
        self._pending[key] = waiting
        try:
            called = await self._call(name, question, key, deadline)
        except Exception as error:
            for waiter in _not_given_up(waiting):
                # whoever waits for it fails alike
                waiter.set_exception(error)
            raise
        except BaseException:
            for waiter in waiting:
                waiter.cancel()
            raise
        finally:
            del self._pending[key]
        for waiter in _not_given_up(waiting):
            waiter.set_result(called)
        return called

    async def _call(self, name: str, question: Question, key: str, deadline: float) -> CallOutcome:
        if question.near and self._near is not None:
            # only now: a kept answer needs no text of what is near
            read = self._near.with_texts(question.near)
            unread = len(question.near) - len(read)
            question = replace(question, near=read, near_unread=unread)
        caller = self.callers.get(name)
        if caller is None:
            called = await self._embedded(name, question)
            self._cache.put(key, called.reading)
            return called
        if question.task.tools is not None and isinstance(caller.service, ChatService):
            called = await self._with_tools(caller, question, key, deadline)
        elif name in self._batchers:
            called = await self._batchers[name].call(question, key, deadline)
        else:
            (called,) = await caller.call([question], [key], deadline)
            called = _grounded(called, question)
        called = _kept_outcome(called, question)
        if called.reading.status in CACHED and not called.passing:
            self._cache.put(key, called.reading)
            # what was paid for must not be asked again, whatever happens from here on
            if (save := self._cache.save()) not in self._saves:
                self._saves.add(save)
                save.add_done_callback(self._saved)
        if caller.unrecorded is not None:
            await self.durable()
            raise caller.unrecorded
        return called

    async def _with_tools(
        self, caller: Caller, question: Question, key: str, deadline: float
    ) -> CallOutcome:
        if self._toolbox is None:
            why = "its tools are there only when plans are carried out"
            return CallOutcome(Reading(Status.FAILED, reason=why))
        loop = ToolLoop(
            OneReply(caller),
            self._toolbox,
            self._cache,
            caller.service.config.guard.redact,
            asyncio.get_running_loop().time,
            self._saved_now,
        )
        try:
            called = await loop.answer(question, key, deadline)
        except PromptError as error:
            return CallOutcome(Reading(Status.FAILED, reason=str(error)))
        return _grounded(called, question)

    async def _saved_now(self) -> None:
        """Everything kept so far is on disk. Raises UnsavedError."""
        save = self._cache.save()
        self._saves.add(save)
        save.add_done_callback(self._saved)
        await self.durable()

    async def _embedded(self, name: str, question: Question) -> CallOutcome:
        service = self._services[name]
        async with self._bulkheads[name]:
            # the clock starts when the call does, not when it begins to wait its turn
            started_at, began = self.now(), self._clock()
            reading = await reading_of(service, question)
        elapsed_ms = (self._clock() - began) * 1000
        attempt = Attempt(
            name, reading.status, started_at, elapsed_ms, service.cost_usd, reason=reading.reason
        )
        return CallOutcome(reading, (attempt,))


@dataclass(frozen=True, slots=True)
class OneReply:
    """One request of a loop of tool calls, within all limits of its service."""

    caller: Caller

    def most(self, question: Question) -> tuple[int, float]:
        return self.caller.most(question)

    async def call(self, question: Question, key: str, deadline: float) -> CallOutcome:
        (called,) = await self.caller.call([question], [key], deadline)
        return called


def _not_given_up(
    waiting: "list[asyncio.Future[CallOutcome]]",
) -> "list[asyncio.Future[CallOutcome]]":
    return [waiter for waiter in waiting if not waiter.done()]


def _with(
    answered: AskResult, reading: Reading, attempts: tuple[Attempt, ...], origin: str
) -> AskResult:
    return replace(
        answered,
        reading=reading,
        attempts=attempts,
        origin=origin,
        cost_usd=sum(attempt.cost_usd for attempt in attempts),
        elapsed_ms=sum(attempt.elapsed_ms for attempt in attempts),
    )


def _grounded(called: CallOutcome, question: Question) -> CallOutcome:
    """The outcome with what of its answer does not stand in the content."""
    reading = grounded(called.reading, question.item.text)
    return called if reading is called.reading else called._replace(reading=reading)


def _kept_outcome(called: CallOutcome, question: Question) -> CallOutcome:
    """The outcome with nothing in it that is not to be kept, also where attempts tell of it."""
    reading = without_secrets(called.reading, question.task)
    reasons = [one.reason for one in called.attempts]
    told = [reason and text_without_secrets(reason, question.task) for reason in reasons]
    if reading is called.reading and told == reasons:
        return called
    pairs = zip(called.attempts, told, strict=True)
    attempts = tuple(one._replace(reason=reason) for one, reason in pairs)
    return called._replace(reading=reading, attempts=attempts)


def checked_reading(reading: Reading, question: Question) -> Reading:
    """The reading as tables hold it, with what of it does not stand in the content, and without
    what is not to be kept.

    Raises UnfitReadingError for one that cannot be kept.
    """
    kept = kept_reading(reading, question.task.kind)
    if kept.answer is not None:
        problem = own_kind_problem(kept.answer, question.task)
        if problem is not None:
            raise UnfitReadingError(problem)
    return without_secrets(grounded(kept, question.item.text), question.task)


async def reading_of(service: Service, question: Question) -> Reading:
    """What the service says; whatever it raises, or gives that cannot be kept, is a failure."""
    try:
        return checked_reading(await service.ask(question), question)
    except UnfitReadingError as error:
        failed = Reading(Status.REJECTED_OUTPUT, reason=str(error))
    except Exception as error:  # noqa: BLE001 -- whatever a service raises is its failure
        failed = Reading(Status.FAILED, reason=whole_text(f"{type(error).__name__}: {error}"))
    return without_secrets(failed, question.task)
