"""Calling one service: limits before an attempt, the breaker around it, retries after it."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from time import perf_counter
from typing import Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.text.prompts.templates import PromptError
from orchestration_assets.text.replies.call_errors import (
    PERMANENT,
    CallError,
    Forbidden,
    Halting,
    Refused,
    TimedOut,
    Unreachable,
)
from orchestration_assets.text.token_estimates import TokenScale
from resources.ai_services.http.service import HttpService, Reply, Request
from resources.ai_services.resilience.attempts import Attempt, CallOutcome
from resources.ai_services.resilience.breaker import Admission, Breaker, BreakerState, Ticket
from resources.ai_services.resilience.rates import RateGate
from resources.ai_services.resilience.retry import RetryBudget, wait_before
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout, steady_clock


@dataclass(frozen=True, slots=True)
class _NotMade:
    """No request was made, and why."""

    status: Status
    reason: str


@dataclass
class _Time:
    """When a call must be over: at the deadline, or so long after its first turn came.

    Waiting for that turn is not the service's fault and does not count; nor does the time in
    which the event loop was held up. The deadline, of the loop's own clock, stands in any case.
    """

    deadline: float
    limit_s: float
    ends: float = math.inf

    def begin(self) -> None:
        """Its turn came; only the first one counts."""
        if self.ends == math.inf:
            self.ends = steady_clock().time() + self.limit_s

    @property
    def left(self) -> float:
        """Seconds until it must be over."""
        return min(self.deadline - _clock(), self.ends - steady_clock().time())

    def within(self, seconds: float = math.inf) -> SteadyTimeout:
        """A limit of so many seconds, or of what is left."""
        return SteadyTimeout(min(seconds, self.ends - steady_clock().time()), self.deadline)


_LIGHT_CHARS: Final = 32_768
"""What has no more characters is prepared in the loop: in milliseconds, a thread takes longer."""
_CONNECTIONS: Final = 3
"""Times that a connection is tried for one attempt while this process is held up."""
_STOPPED: Final = " is stopped for this run: "
_LATE: Final = _NotMade(Status.TIMEOUT, "its deadline passed before its turn came")


def is_stop(reason: str | None) -> bool:
    """Whether the reason of a reading is that its service was stopped for the run."""
    return reason is not None and _STOPPED in reason


_FORBIDDEN_ITEMS: Final = 5
"""So many items forbidden (403) without an answer between them mean everything, not the items."""


class UnexpectedError(CallError):
    """The adapter itself broke on an answer."""

    answered = True


class Caller:
    """Everything that stands around the requests to one service, for one run.

    Belongs to the event loop that uses it. ``ratio`` is where the token scale
    starts; a call, its retries included, is over ``limit_s`` after its turn came; ``chance`` gives
    numbers in [0, 1) for the jitter.
    """

    def __init__(
        self,
        service: HttpService,
        purse: SpendBudget,
        *,
        ratio: float = 1.0,
        limit_s: float = math.inf,
        chance: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        config = service.config
        self.service = service
        self.breaker = Breaker(config.breaker)
        self.scale = TokenScale(ratio)
        self.stopped: str | None = None
        self._purse = purse
        self._limit_s = limit_s
        self._chance = chance
        self._now = now
        self._gate = RateGate(config.rates, _clock)
        self._retry_budget = RetryBudget(config.retries)
        self._bulkhead = asyncio.Semaphore(config.concurrency)
        self._preparing = asyncio.Lock()
        self._news: asyncio.Event | None = None
        self._forbidden: list[frozenset[str]] = []

    async def call(
        self, questions: Sequence[Question], keys: Sequence[str], deadline: float
    ) -> list[CallOutcome]:
        """What came of each question, in order; never raises for what the service does.

        ``deadline`` is a time of the event loop's clock: nothing goes on after it.
        """
        try:
            request = await self._prepared(questions)
        except PromptError as error:
            return [CallOutcome(Reading(Status.FAILED, reason=str(error)))] * len(questions)
        except Exception as error:  # noqa: BLE001 -- what one item breaks is that item's failure
            if len(questions) > 1:
                return await self._without_the_faulty(questions, keys, deadline)
            reason = f"it could not be prepared for {self.service.name}: {_words(error)}"
            return [CallOutcome(Reading(Status.FAILED, reason=reason))]
        self._retry_budget.call()
        return await self._pursue(request, keys, deadline, [()] * len(questions))

    async def _prepared(self, questions: Sequence[Question]) -> Request:
        """The request; where it takes long to make, the loop goes on meanwhile."""
        weight = sum(len(one.item.text) + sum(len(n.text) for n in one.near) for one in questions)
        if weight <= _LIGHT_CHARS:
            return self.service.prepare(questions)
        # one at a time: more of them only fight over the interpreter
        async with self._preparing:
            return await asyncio.to_thread(self.service.prepare, questions)

    async def _without_the_faulty(
        self, questions: Sequence[Question], keys: Sequence[str], deadline: float
    ) -> list[CallOutcome]:
        """Halves are prepared until what breaks the preparation stands alone."""
        middle = len(questions) // 2
        halves = [
            self.call(questions[part], keys[part], deadline)
            for part in (slice(middle), slice(middle, None))
        ]
        first, second = await asyncio.gather(*halves)
        return [*first, *second]

    async def _pursue(
        self,
        request: Request,
        keys: Sequence[str],
        deadline: float,
        before: list[tuple[Attempt, ...]],
    ) -> list[CallOutcome]:
        """Attempts until there is a reading for every question, or nothing more may be tried."""
        retries, error = self.service.config.retries, None
        time = _Time(deadline, self._limit_s)
        made, rejected = 0, None
        while True:
            repairing = rejected is not None
            came = await self._attempt(request, keys, time, before, repaired=repairing)
            made += 1
            if rejected is not None:
                # the one repair: when it fails too, what was said first stands as rejected
                last = came if isinstance(came, Reply) else rejected
                return _read(before, last)
            if isinstance(came, _NotMade):
                return _failed(before, came, error)
            if isinstance(came, Reply):
                better = self._repair(request, came)
                if better is None:
                    return _read(before, came)
                request, rejected = better, came
                continue
            error = came
            if isinstance(came, Refused) and len(request.questions) > 1:
                return await self._bisect(request, keys, deadline, before)
            if isinstance(came, PERMANENT) or made >= retries.attempts:
                return _failed(before, None, error)
            wait = wait_before(made + 1, retries, came.retry_after, self._chance())
            if wait >= time.left:
                return _failed(before, _NotMade(Status.TIMEOUT, "its deadline is sooner"), error)
            if not self._retry_budget.take():
                spent = _NotMade(Status.FAILED, "the retry budget of the run is used up")
                return _failed(before, spent, error)
            if wait > 0.0:
                await asyncio.sleep(wait)

    def _repair(self, request: Request, reply: Reply) -> Request | None:
        rejected = any(one.status is Status.REJECTED_OUTPUT for one in reply.readings)
        allowed = rejected and self.service.config.guard.repair
        return self.service.repaired(request, reply) if allowed else None

    async def _bisect(
        self,
        request: Request,
        keys: Sequence[str],
        deadline: float,
        before: list[tuple[Attempt, ...]],
    ) -> list[CallOutcome]:
        """One item of the batch is at fault: halves are asked until it stands alone."""
        middle = len(request.questions) // 2
        halves = [
            self._pursue(
                await self._prepared(request.questions[part]), keys[part], deadline, before[part]
            )
            for part in (slice(middle), slice(middle, None))
        ]
        first, second = await asyncio.gather(*halves)
        return [*first, *second]

    async def _attempt(
        self,
        request: Request,
        keys: Sequence[str],
        time: _Time,
        before: list[tuple[Attempt, ...]],
        *,
        repaired: bool,
    ) -> Reply | CallError | _NotMade:
        """One request, once the bulkhead, the rates, the breaker and the purse let it through."""
        if (closed := self._closed()) is not None:
            return closed
        if time.left <= 0.0 or not await self._turn(time):
            return _LATE
        try:
            ticket = await self._passage(request, time)
            if isinstance(ticket, _NotMade):
                return ticket
            time.begin()
            key = _joint(keys, repaired=repaired)
            return await self._within_budget(request, key, time, before, ticket)
        finally:
            self._bulkhead.release()

    async def _turn(self, time: _Time) -> bool:
        """A place in the bulkhead, before the deadline."""
        if not self._bulkhead.locked():
            return await self._bulkhead.acquire()
        try:
            async with time.within():
                return await self._bulkhead.acquire()
        except TimeoutError:
            return False

    async def _passage(self, request: Request, time: _Time) -> Ticket | _NotMade:
        """What the rates and the breaker say; waiting costs a timer, so that comes last."""
        if self._gate.open and (known := self._verdict()) is not None:
            return known
        try:
            async with time.within():
                await self._gate.passed(request.tokens_estimated * self.scale.ratio)
                while (known := self._verdict()) is None:
                    if self._news is None:
                        self._news = asyncio.Event()
                    await self._news.wait()
                return known
        except TimeoutError:
            return _LATE

    def _closed(self) -> _NotMade | None:
        """Why nothing is asked now, known without waiting for a turn."""
        if self.stopped is not None:
            return _NotMade(Status.FAILED, self.stopped)
        if self.breaker.state is BreakerState.OPEN and _clock() < self.breaker.probe_at:
            return self._open_circuit()
        pause = self._gate.pausing
        if pause > self.service.config.retries.backoff_max_s:
            return _NotMade(Status.OPEN_CIRCUIT, f"the service asked for a pause of {pause:.0f} s")
        return None

    def _open_circuit(self) -> _NotMade:
        words = f"{self.service.name} failed too often and is left alone for a while"
        return _NotMade(Status.OPEN_CIRCUIT, f"circuit open: {words}")

    def _verdict(self) -> Ticket | _NotMade | None:
        """What the breaker says now; None: wait for news of the attempts that are under way."""
        if self.stopped is not None:
            return _NotMade(Status.FAILED, self.stopped)
        verdict = self.breaker.admit(_clock())
        if isinstance(verdict, Ticket):
            return verdict
        return self._open_circuit() if verdict is Admission.REFUSE else None

    async def _within_budget(
        self,
        request: Request,
        key: str,
        time: _Time,
        before: list[tuple[Attempt, ...]],
        ticket: Ticket,
    ) -> Reply | CallError | _NotMade:
        most = self.service.config.price.of(
            request.tokens_estimated * self.scale.highest, request.tokens_out_most
        )
        reservation = self._purse.reserve(most)
        if reservation is None:
            self.breaker.abandon(ticket)
            self._tell()
            return _NotMade(Status.OVER_BUDGET, f"up to {most:.6f} USD more would pass the budget")
        started_at, began = self._now(), perf_counter()
        try:
            came = await self._sent(request, key, time)
        except BaseException:
            # cancelled: nothing is known of the service, and it may bill what it was sent
            self.breaker.abandon(ticket)
            self._purse.settle(reservation, 0.0, most)
            self._tell()
            raise
        elapsed_ms = (perf_counter() - began) * 1000
        self._judge(request, ticket, came)
        cost = self._cost(request, came)
        unsure = isinstance(came, CallError) and (came.in_doubt or came.answered)
        self._purse.settle(reservation, cost, max(0.0, most - cost) if unsure else 0.0)
        _write_down(self.service.name, request, came, before, started_at, elapsed_ms, cost)
        return came

    async def _sent(self, request: Request, key: str, time: _Time) -> Reply | CallError:
        limit = min(self.service.config.timeouts.total_s, time.left)
        try:
            async with time.within(limit):
                return await self._connected(request, key)
        except TimeoutError:
            return TimedOut(f"no answer within {limit:.3g} s")
        except CallError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- whatever breaks on an answer is a failure
            return UnexpectedError(_words(error))

    async def _connected(self, request: Request, key: str) -> Reply:
        """The reply; a connection that did not come about while the loop was held up is made again.

        The time that a connection may take runs in the transport, which knows of no stall.
        """
        for _ in range(_CONNECTIONS - 1):
            stalled_s = steady_clock().stalled_s
            try:
                return await self.service.send(request, key)
            except Unreachable:
                # the beat that tells of the stall may still be to come
                await asyncio.sleep(0)
                if steady_clock().stalled_s == stalled_s:
                    raise
        return await self.service.send(request, key)

    def _forbidden_again(self, request: Request, came: Reply | CallError) -> None:
        """Stops the service once it forbade one item after the other and answered none."""
        if isinstance(came, Reply):
            self._forbidden.clear()
        elif isinstance(came, Forbidden):
            items = frozenset(one.item.content_hash for one in request.questions)
            # halves of a batch that was forbidden tell of the same item
            self._forbidden = [one for one in self._forbidden if not one & items] + [items]
            if len(self._forbidden) >= _FORBIDDEN_ITEMS:
                self.stopped = self.stopped or f"{self.service.name}{_STOPPED}{came}"

    def _judge(self, request: Request, ticket: Ticket, came: Reply | CallError) -> None:
        if isinstance(came, Reply):
            ok = any(one.status is not Status.REJECTED_OUTPUT for one in came.readings)
        else:
            # a request that is itself at fault was answered by a service that works
            ok = isinstance(came, Refused)
            if isinstance(came, Halting):
                self.stopped = self.stopped or f"{self.service.name}{_STOPPED}{came}"
            if came.retry_after:
                self._gate.pause(came.retry_after)
        self._forbidden_again(request, came)
        if isinstance(came, CallError) and came.paced:
            # it works, and says how fast
            self.breaker.abandon(ticket)
            self._tell()
            return
        self.breaker.record(ticket, _clock(), ok=ok)
        self._tell()

    def _tell(self) -> None:
        """Wakes who waits for the breaker."""
        if self._news is not None:
            self._news.set()
            self._news = None

    def _cost(self, request: Request, came: Reply | CallError) -> float:
        price, estimated = self.service.config.price, request.tokens_estimated
        if isinstance(came, CallError):
            return price.of(estimated * self.scale.ratio, 0) if came.answered else 0.0
        tokens_in = came.tokens_in
        if tokens_in is None:
            return price.of(estimated * self.scale.ratio, came.tokens_out or 0)
        self.scale.observe(estimated, tokens_in)
        return price.of(tokens_in, came.tokens_out or 0)


def _clock() -> float:
    """The running event loop's time, in seconds."""
    return asyncio.get_running_loop().time()


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _joint(keys: Sequence[str], *, repaired: bool) -> str:
    """The Idempotency-Key of a request: the same for each attempt at the same questions."""
    key = keys[0]
    if len(keys) > 1:
        key = blake2b("".join(keys).encode(), digest_size=16).hexdigest()
    return f"{key}-repair" if repaired else key


def _status(error: CallError) -> Status:
    return Status.TIMEOUT if isinstance(error, TimedOut) else Status.FAILED


def _read(before: Sequence[tuple[Attempt, ...]], reply: Reply) -> list[CallOutcome]:
    return [CallOutcome(*pair) for pair in zip(reply.readings, before, strict=True)]


def _failed(
    before: Sequence[tuple[Attempt, ...]], not_made: _NotMade | None, error: CallError | None
) -> list[CallOutcome]:
    if error is None and not_made is not None:
        reading = Reading(not_made.status, reason=not_made.reason)
    else:
        assert error is not None
        words = str(error)
        if isinstance(error, Refused):
            words = f"quarantined: the service refuses this item ({error})"
        if not_made is not None:
            words += f"; not tried again: {not_made.reason}"
        reading = Reading(_status(error), reason=words)
    return [CallOutcome(reading, attempts) for attempts in before]


def _write_down(
    service: str,
    request: Request,
    came: Reply | CallError,
    before: list[tuple[Attempt, ...]],
    started_at: datetime,
    elapsed_ms: float,
    cost: float,
) -> None:
    """Adds the attempt to each question's; tokens and money of a batch by the size of its parts."""
    whole = request.tokens_estimated or 1
    reply = came if isinstance(came, Reply) else None
    for position, sent in enumerate(request.sent):
        share = sent.tokens_estimated / whole if len(request.sent) > 1 else 1.0
        reading = reply.readings[position] if reply else None
        attempt = Attempt(
            service,
            reading.status if reading else _status(came),  # type: ignore[arg-type]
            started_at,
            elapsed_ms,
            cost * share,
            _part(reply.tokens_in, share) if reply else None,
            _part(reply.tokens_out, share) if reply else None,
            sent.tokens_estimated,
            reply.first_token_ms if reply else None,
            reading.reason if reading else str(came),
            sent,
        )
        before[position] = (*before[position], attempt)


def _part(tokens: int | None, share: float) -> int | None:
    return None if tokens is None else round(tokens * share)
