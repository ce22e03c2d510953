"""Calls one service: limits before an attempt, a circuit breaker around it, retries after it."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
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
    FatalCallError,
    Forbidden,
    RequestRefused,
    TimedOut,
    Unreachable,
)
from orchestration_assets.text.token_estimates import OutputScale, TokenScale
from resources.ai_services.http.service import HttpService, Reply, Request
from resources.ai_services.resilience.attempts import Attempt, CallOutcome
from resources.ai_services.resilience.breaker import Breaker, BreakerState, NotAdmitted, Ticket
from resources.ai_services.resilience.rates import RateGate
from resources.ai_services.resilience.retry import RetryBudget, retry_delay_s
from resources.ai_services.resilience.spend_budget import Charge, Quote, SpendBudget
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout, steady_clock
from resources.spending.records import Part


@dataclass(frozen=True, slots=True)
class _NotAttempted:
    """Why no request was made, and the status of the reading."""

    status: Status
    reason: str


@dataclass
class _CallTime:
    """The time limit of one call: its deadline, or ``limit_s`` after its first request.

    Waiting for a free slot does not count against ``limit_s``, nor does time in which the event
    loop was blocked. ``deadline`` is a time of the loop's own clock.
    """

    deadline: float
    limit_s: float
    ends: float = math.inf

    def begin(self) -> None:
        """The first request starts; later calls change nothing."""
        if self.ends == math.inf:
            self.ends = steady_clock().time() + self.limit_s

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        return min(self.deadline - _clock(), self.ends - steady_clock().time())

    def within(self, seconds: float = math.inf) -> SteadyTimeout:
        """A timeout of so many seconds, at most of those that are left."""
        return SteadyTimeout(min(seconds, self.ends - steady_clock().time()), self.deadline)


_INLINE_CHARS: Final = 32_768
"""Shorter questions are prepared in the event loop: a thread takes longer to start."""
_MAX_CONNECTIONS: Final = 3
"""Times that one attempt tries to connect while the event loop is blocked."""
_STOPPED: Final = " is stopped for this run: "
_TOO_LATE: Final = _NotAttempted(Status.TIMEOUT, "its deadline passed before its turn came")


def is_stop(reason: str | None) -> bool:
    """Whether the reason of a reading is that its service was stopped for the run."""
    return reason is not None and _STOPPED in reason


_MAX_FORBIDDEN_ITEMS: Final = 5
"""After so many items with 403 and no answer between them, the service forbids every item."""


class UnexpectedError(CallError):
    """The adapter raised something other than a CallError, because of an answer."""

    billable = True


class Caller:
    """Calls one service during one run, within the limits of the policy and of the budget.

    Belongs to the event loop that uses it. ``ratio`` is the first value of the token scale;
    ``limit_s`` limits a call with its retries, from its first request on; ``jitter`` gives
    random numbers in [0, 1).
    """

    def __init__(
        self,
        service: HttpService,
        budget: SpendBudget,
        *,
        ratio: float = 1.0,
        limit_s: float = math.inf,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        config = service.config
        self.service = service
        self.breaker = Breaker(config.breaker)
        self.scale = TokenScale(ratio)
        self.output = OutputScale()
        self.stopped: str | None = None
        self._budget = budget
        self._limit_s = limit_s
        self._jitter = jitter
        self._now = now
        self._rate_gate = RateGate(config.rates, _clock)
        self._retry_budget = RetryBudget(config.retries)
        self._slots = asyncio.Semaphore(config.concurrency)
        self._preparation = asyncio.Lock()
        self._breaker_changed: asyncio.Event | None = None
        self._forbidden: list[frozenset[str]] = []

    async def call(
        self, questions: Sequence[Question], keys: Sequence[str], deadline: float
    ) -> list[CallOutcome]:
        """The outcome of each question, in order; never raises for what the service does.

        ``deadline`` is a time of the event loop's clock, after which no attempt goes on.
        """
        try:
            request = await self._prepare(questions)
        except PromptError as error:
            return [CallOutcome(Reading(Status.FAILED, reason=str(error)))] * len(questions)
        except Exception as error:  # noqa: BLE001 -- it fails the item, not the batch
            if len(questions) > 1:
                return await _in_halves(
                    len(questions), lambda half: self.call(questions[half], keys[half], deadline)
                )
            reason = f"it could not be prepared for {self.service.name}: {_error_text(error)}"
            return [CallOutcome(Reading(Status.FAILED, reason=reason))]
        self._retry_budget.call()
        return await self._attempt_until_done(request, keys, deadline, [()] * len(questions))

    async def _prepare(self, questions: Sequence[Question]) -> Request:
        """The request about these questions, prepared in a thread where that takes long."""
        chars = sum(
            len(question.item.text) + sum(len(near.text) for near in question.near)
            for question in questions
        )
        if chars <= _INLINE_CHARS:
            return self.service.prepare(questions)
        # one at a time: they share the interpreter
        async with self._preparation:
            return await asyncio.to_thread(self.service.prepare, questions)

    async def _attempt_until_done(
        self,
        request: Request,
        keys: Sequence[str],
        deadline: float,
        attempts: list[tuple[Attempt, ...]],
    ) -> list[CallOutcome]:
        """Attempts until every question has a reading or no retry is allowed."""
        retries, error = self.service.config.retries, None
        time = _CallTime(deadline, self._limit_s)
        count, rejected = 0, None
        while True:
            repairing = rejected is not None
            result = await self._attempt(request, keys, time, attempts, repaired=repairing)
            count += 1
            if rejected is not None:
                # only one repair: when it fails too, the first answer stays rejected
                final = result if isinstance(result, Reply) else rejected
                return _outcomes(attempts, final)
            if isinstance(result, _NotAttempted):
                return _failed_outcomes(attempts, result, error)
            if isinstance(result, Reply):
                repair = self._repair(request, result)
                if repair is None:
                    return _outcomes(attempts, result)
                request, rejected = repair, result
                continue
            error = result
            if isinstance(result, RequestRefused) and len(request.questions) > 1:
                return await self._bisect(request.questions, keys, deadline, attempts)
            if isinstance(result, PERMANENT) or count >= retries.attempts:
                return _failed_outcomes(attempts, None, error)
            delay = retry_delay_s(count + 1, retries, result.retry_after, self._jitter())
            if delay >= time.left:
                return _failed_outcomes(
                    attempts, _NotAttempted(Status.TIMEOUT, "its deadline is sooner"), error
                )
            if not self._retry_budget.take():
                spent = _NotAttempted(Status.FAILED, "the retry budget of the run is used up")
                return _failed_outcomes(attempts, spent, error)
            if delay > 0.0:
                await asyncio.sleep(delay)

    def _repair(self, request: Request, reply: Reply) -> Request | None:
        rejected = any(reading.status is Status.REJECTED_OUTPUT for reading in reply.readings)
        allowed = rejected and self.service.config.guard.repair
        return self.service.repair_request(request, reply) if allowed else None

    async def _bisect(
        self,
        questions: Sequence[Question],
        keys: Sequence[str],
        deadline: float,
        attempts: list[tuple[Attempt, ...]],
    ) -> list[CallOutcome]:
        """Attempts both halves of a batch that the service refused."""

        async def attempt(half: slice) -> list[CallOutcome]:
            request = await self._prepare(questions[half])
            return await self._attempt_until_done(request, keys[half], deadline, attempts[half])

        return await _in_halves(len(questions), attempt)

    async def _attempt(
        self,
        request: Request,
        keys: Sequence[str],
        time: _CallTime,
        attempts: list[tuple[Attempt, ...]],
        *,
        repaired: bool,
    ) -> Reply | CallError | _NotAttempted:
        """One request, once slots, rates, circuit breaker and budget allow it."""
        if (closed := self._unavailable_reason()) is not None:
            return closed
        if time.left <= 0.0 or not await self._acquire_slot(time):
            return _TOO_LATE
        try:
            ticket = await self._admit(request, time)
            if isinstance(ticket, _NotAttempted):
                return ticket
            time.begin()
            key = _idempotency_key(keys, repaired=repaired)
            return await self._send_within_budget(request, key, time, attempts, ticket)
        finally:
            self._slots.release()

    async def _acquire_slot(self, time: _CallTime) -> bool:
        """Waits for a free slot; False when the deadline comes first."""
        if not self._slots.locked():
            return await self._slots.acquire()
        try:
            async with time.within():
                return await self._slots.acquire()
        except TimeoutError:
            return False

    async def _admit(self, request: Request, time: _CallTime) -> Ticket | _NotAttempted:
        """Waits until rates and breaker allow an attempt; the timer is set only where one waits."""
        if self._rate_gate.open and (decision := self._breaker_decision()) is not None:
            return decision
        try:
            async with time.within():
                await self._rate_gate.passed(request.tokens_estimated * self.scale.ratio)
                while (decision := self._breaker_decision()) is None:
                    if self._breaker_changed is None:
                        self._breaker_changed = asyncio.Event()
                    await self._breaker_changed.wait()
                return decision
        except TimeoutError:
            return _TOO_LATE

    def _unavailable_reason(self) -> _NotAttempted | None:
        """Why no request can be made now, without waiting for a slot; None when one can."""
        if self.stopped is not None:
            return _NotAttempted(Status.FAILED, self.stopped)
        if self.breaker.state is BreakerState.OPEN and _clock() < self.breaker.probe_at:
            return self._open_circuit()
        pause = self._rate_gate.pause_left_s
        if pause > self.service.config.retries.backoff_max_s:
            return _NotAttempted(
                Status.OPEN_CIRCUIT, f"the service asked for a pause of {pause:.0f} s"
            )
        return None

    def _open_circuit(self) -> _NotAttempted:
        text = f"{self.service.name} failed too often and is left alone for a while"
        return _NotAttempted(Status.OPEN_CIRCUIT, f"circuit open: {text}")

    def _breaker_decision(self) -> Ticket | _NotAttempted | None:
        """The breaker's decision now; None to wait for the attempts that are in flight."""
        if self.stopped is not None:
            return _NotAttempted(Status.FAILED, self.stopped)
        decision = self.breaker.admit(_clock())
        if isinstance(decision, Ticket):
            return decision
        return self._open_circuit() if decision is NotAdmitted.REFUSE else None

    async def _send_within_budget(
        self,
        request: Request,
        key: str,
        time: _CallTime,
        attempts: list[tuple[Attempt, ...]],
        ticket: Ticket,
    ) -> Reply | CallError | _NotAttempted:
        """One attempt: reserves its money, sends, settles the reservation, records it."""
        quote = self._quote(request)
        try:
            async with time.within():
                reservation = await self._budget.reserve(quote)
        except BaseException as error:
            self.breaker.abandon(ticket)
            self._notify()
            if isinstance(error, TimeoutError):
                return _TOO_LATE
            raise
        if reservation is None:
            self.breaker.abandon(ticket)
            self._notify()
            return _NotAttempted(
                Status.OVER_BUDGET, f"{quote.expected_usd:.6f} USD more would pass the budget"
            )
        started_at, began = self._now(), perf_counter()
        try:
            result = await self._send(request, key, time)
        except BaseException:
            # cancelled: the service may still bill the request, and its health is unknown
            self.breaker.abandon(ticket)
            self._budget.settle(reservation, _unanswered(quote, "cancelled"))
            self._notify()
            raise
        elapsed_ms = (perf_counter() - began) * 1000
        self._record_health(request, ticket, result)
        charge = self._charge(request, quote, result)
        self._budget.settle(reservation, charge)
        _record_attempt(
            self.service.name, request, result, attempts, started_at, elapsed_ms, charge
        )
        return result

    async def _send(self, request: Request, key: str, time: _CallTime) -> Reply | CallError:
        limit = min(self.service.config.timeouts.total_s, time.left)
        try:
            async with time.within(limit):
                return await self._send_reconnecting(request, key)
        except TimeoutError:
            return TimedOut(f"no answer within {limit:.3g} s")
        except CallError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- whatever breaks on an answer is a failure
            return UnexpectedError(_error_text(error))

    async def _send_reconnecting(self, request: Request, key: str) -> Reply:
        """The reply; connects again where the loop was blocked while it connected.

        The time limit of connections runs in the transport, which does not see the loop blocked.
        """
        for _ in range(_MAX_CONNECTIONS - 1):
            stalled_s = steady_clock().stalled_s
            try:
                return await self.service.send(request, key)
            except Unreachable:
                # the clock may notice only now that the loop was blocked
                await asyncio.sleep(0)
                if steady_clock().stalled_s == stalled_s:
                    raise
        return await self.service.send(request, key)

    def _count_forbidden(self, request: Request, result: Reply | CallError) -> None:
        """Stops the service after too many items in a row with 403."""
        if isinstance(result, Reply):
            self._forbidden.clear()
        elif isinstance(result, Forbidden):
            items = frozenset(question.item.content_hash for question in request.questions)
            # halves of a batch hold the same item
            earlier = [others for others in self._forbidden if not others & items]
            self._forbidden = [*earlier, items]
            if len(self._forbidden) >= _MAX_FORBIDDEN_ITEMS:
                self.stopped = self.stopped or f"{self.service.name}{_STOPPED}{result}"

    def _record_health(self, request: Request, ticket: Ticket, result: Reply | CallError) -> None:
        if isinstance(result, Reply):
            ok = any(reading.status is not Status.REJECTED_OUTPUT for reading in result.readings)
        else:
            # a service that refuses a bad request works
            ok = isinstance(result, RequestRefused)
            if isinstance(result, FatalCallError):
                self.stopped = self.stopped or f"{self.service.name}{_STOPPED}{result}"
            if result.retry_after:
                self._rate_gate.pause(result.retry_after)
        self._count_forbidden(request, result)
        if isinstance(result, CallError) and result.rate_limited:
            # the service works, but not at this rate
            self.breaker.abandon(ticket)
            self._notify()
            return
        self.breaker.record(ticket, _clock(), ok=ok)
        self._notify()

    def _notify(self) -> None:
        """Wakes the calls that wait for the breaker."""
        if self._breaker_changed is not None:
            self._breaker_changed.set()
            self._breaker_changed = None

    def _quote(self, request: Request) -> Quote:
        """What an attempt may cost: by the tokens that were billed so far, and at most."""
        price, tokens, most = (
            self.service.config.price,
            request.tokens_estimated,
            request.tokens_out_most,
        )
        most_usd = price.of(tokens * self.scale.highest, most)
        likely = price.of(tokens * self.scale.highest, self.output.highest(most))
        expected = price.of(tokens * self.scale.ratio, self.output.expected(most))
        return Quote(
            min(expected, likely),
            likely,
            most_usd,
            self.service.name,
            self.service.config.model,
            _parts(request),
        )

    def _charge(self, request: Request, quote: Quote, result: Reply | CallError) -> Charge:
        """What an attempt cost: as billed, else by its texts, else as such attempts cost."""
        if isinstance(result, CallError):
            if result.billable or result.maybe_billed:
                return _unanswered(quote, _status(result))
            return Charge(0.0, status=_status(result))
        price, estimated = self.service.config.price, request.tokens_estimated
        tokens_in, tokens_out = result.tokens_in, result.tokens_out or 0
        self.output.observe(tokens_out)
        if tokens_in is not None:
            self.scale.observe(estimated, tokens_in)
        usd = price.of(estimated * self.scale.ratio if tokens_in is None else tokens_in, tokens_out)
        return Charge(
            usd,
            (price.input_usd > 0.0 and tokens_in is None)
            or (price.output_usd > 0.0 and not result.tokens_out_stated),
            tokens_in=tokens_in,
            tokens_out=result.tokens_out,
            status=result.readings[0].status,
        )


def _unanswered(quote: Quote, status: str) -> Charge:
    """An attempt without an answer that may be billed all the same."""
    return Charge(
        quote.expected_usd, True, max(0.0, quote.likely_usd - quote.expected_usd), status=status
    )


def _parts(request: Request) -> tuple[Part, ...]:
    """The items of a request by task, with their share of its tokens."""
    whole = request.tokens_estimated
    items: dict[str, list[str]] = {}
    tokens: dict[str, float] = {}
    for question, sent in zip(request.questions, request.sent, strict=True):
        task = question.task.name
        items.setdefault(task, []).append(question.item.item_id)
        share = sent.tokens_estimated / whole if whole else 1.0 / len(request.sent)
        tokens[task] = tokens.get(task, 0.0) + share
    return tuple(Part(task, tokens[task], tuple(named)) for task, named in items.items())


def _clock() -> float:
    """The running event loop's time, in seconds."""
    return asyncio.get_running_loop().time()


async def _in_halves(
    count: int, call: Callable[[slice], Awaitable[list[CallOutcome]]]
) -> list[CallOutcome]:
    """The outcomes of both halves of a batch: repeated, it isolates the item that is at fault."""
    middle = count // 2
    first, second = await asyncio.gather(call(slice(middle)), call(slice(middle, None)))
    return [*first, *second]


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _idempotency_key(keys: Sequence[str], *, repaired: bool) -> str:
    """The Idempotency-Key of a request: the same in each attempt at the same questions."""
    key = keys[0]
    if len(keys) > 1:
        key = blake2b("".join(keys).encode(), digest_size=16).hexdigest()
    return f"{key}-repair" if repaired else key


def _status(error: CallError) -> Status:
    return Status.TIMEOUT if isinstance(error, TimedOut) else Status.FAILED


def _outcomes(attempts: Sequence[tuple[Attempt, ...]], reply: Reply) -> list[CallOutcome]:
    return [CallOutcome(*pair) for pair in zip(reply.readings, attempts, strict=True)]


def _failed_outcomes(
    attempts: Sequence[tuple[Attempt, ...]],
    not_attempted: _NotAttempted | None,
    error: CallError | None,
) -> list[CallOutcome]:
    if error is None and not_attempted is not None:
        reading = Reading(not_attempted.status, reason=not_attempted.reason)
    else:
        assert error is not None
        text = str(error)
        if isinstance(error, RequestRefused):
            text = f"quarantined: the service refuses this item ({error})"
        if not_attempted is not None:
            text += f"; not tried again: {not_attempted.reason}"
        reading = Reading(_status(error), reason=text)
    return [CallOutcome(reading, made) for made in attempts]


def _record_attempt(
    service: str,
    request: Request,
    result: Reply | CallError,
    attempts: list[tuple[Attempt, ...]],
    started_at: datetime,
    elapsed_ms: float,
    charge: Charge,
) -> None:
    """Adds an attempt to each question's; shares tokens and cost of a batch by their tokens."""
    whole = request.tokens_estimated or 1
    reply = result if isinstance(result, Reply) else None
    for position, sent in enumerate(request.sent):
        share = sent.tokens_estimated / whole if len(request.sent) > 1 else 1.0
        reading = reply.readings[position] if reply else None
        attempt = Attempt(
            service,
            reading.status if reading else _status(result),  # type: ignore[arg-type]
            started_at,
            elapsed_ms,
            charge.usd * share,
            _share_of(reply.tokens_in, share) if reply else None,
            _share_of(reply.tokens_out, share) if reply else None,
            sent.tokens_estimated,
            reply.first_token_ms if reply else None,
            reading.reason if reading else str(result),
            sent,
            charge.estimated,
        )
        attempts[position] = (*attempts[position], attempt)


def _share_of(tokens: int | None, share: float) -> int | None:
    return None if tokens is None else round(tokens * share)
