"""Calls one service: limits before an attempt, a circuit breaker around it, retries after it.

While a service is unavailable (its circuit is open, or it asked to wait), questions wait outside of
its bulkhead, in all no longer than the policy's ``wait_s``; then they are deferred.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Final, Literal

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import os_problem
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.text.prompts.templates import PromptError
from orchestration_assets.text.replies.call_errors import (
    CIRCUIT_OPEN,
    GIVEN_UP,
    PERMANENT,
    CallError,
    EndpointNotFound,
    FatalCallError,
    Forbidden,
    MalformedResponse,
    RequestRefused,
    TimedOut,
    Unavailable,
    Unreachable,
)
from orchestration_assets.text.replies.response_facts import ResponseFacts
from orchestration_assets.text.token_estimates import OutputScale, TokenScale
from resources.ai_services.http.service import HttpService, Reply, Request
from resources.ai_services.resilience.attempts import Attempt, CallOutcome
from resources.ai_services.resilience.breaker import (
    Breaker,
    BreakerState,
    NotAdmitted,
    Outcome,
    Ticket,
)
from resources.ai_services.resilience.pace import Pace
from resources.ai_services.resilience.patience import Patience, wait_s
from resources.ai_services.resilience.places import Places
from resources.ai_services.resilience.preparation import Preparation
from resources.ai_services.resilience.rates import RateGate
from resources.ai_services.resilience.retry import RetryBudget, is_at_fault, retry_delay_s
from resources.ai_services.resilience.shared_breaker import SharedBreaker
from resources.ai_services.resilience.shared_limits import REFRESH_S, SharedLimits
from resources.ai_services.resilience.shared_rates import SharedRateGate
from resources.ai_services.resilience.spend_budget import Charge, Quote, SpendBudget
from resources.ai_services.resilience.steady_timeouts import (
    SteadyClock,
    SteadyTimeout,
    steady_clock,
)
from resources.damage import notice
from resources.spending.records import Part
from resources.spending.writer import UnrecordedError


@dataclass(frozen=True, slots=True)
class _NotAttempted:
    """Why no request was made, and the status of the reading."""

    status: Status
    reason: str


@dataclass(slots=True)
class _CallTime:
    """The time of one call: its deadline, and ``limit_s`` for its attempts and retries' delays.

    Waiting for a place, for money or for an unavailable service does not count against
    ``limit_s``, nor does time in which the event loop was blocked. ``deadline`` is a time of the
    loop's own clock, which ends all of it.
    """

    deadline: float
    limit_s: float
    used_s: float = 0.0
    clock: SteadyClock = field(default_factory=steady_clock)

    def count(self, began: float) -> None:
        """Counts the time since then, by ``clock``, against ``limit_s``."""
        self.used_s += self.clock.time() - began

    @property
    def left(self) -> float:
        """Seconds until the deadline or the limit."""
        return min(self.deadline - self.clock.loop_time(), self.limit_s - self.used_s)

    def within(self, seconds: float = math.inf) -> SteadyTimeout:
        """A timeout of so many seconds, at the deadline at the latest."""
        return SteadyTimeout(seconds, self.deadline, self.clock)


_utc_now: Final = partial(datetime.now, UTC)
_MAX_CONNECTIONS: Final = 3
"""Times that one attempt tries to connect while the event loop is blocked."""
_STOPPED: Final = " is stopped for this run: "
_TOO_LATE: Final = _NotAttempted(Status.TIMEOUT, "its deadline passed before its turn came")


def is_stop(reason: str | None) -> bool:
    """Whether the reason of a reading is that its service was stopped for the run."""
    return reason is not None and _STOPPED in reason


_STOPPING: Final = (FatalCallError, Forbidden, EndpointNotFound)
_MAX_FORBIDDEN_ITEMS: Final = 5
"""After so many items with 403 or 404 and no answer between them, the service is stopped: it
forbids every item, or does not know the model."""
_MOSTLY_FAILING: Final = 0.5
"""From this share of failed attempts on, a question that is given up was the service's failure."""


class UnexpectedError(CallError):
    """The adapter raised something other than a CallError, because of an answer."""

    billable = True


class Caller:
    """Calls one service during one run, within the limits of the policy and of the budget.

    Belongs to the event loop that uses it. ``ratio`` is the first value of the token scale;
    ``limit_s`` limits the attempts of a call with their delays; ``wait_limit_s`` limits the
    policy's ``wait_s``; ``jitter`` gives random numbers in [0, 1). ``parked`` is told how many
    questions begin to wait for the unavailable service, and, with a minus, how many wait no longer.
    ``shared`` is the folder by which processes keep limits together, between :meth:`open` and
    :meth:`aclose`; without it they are this caller's.
    ``unrecorded`` is why the cost of an attempt could not be recorded: no more may be sent.
    """

    def __init__(
        self,
        service: HttpService,
        budget: SpendBudget,
        *,
        ratio: float = 1.0,
        limit_s: float = math.inf,
        wait_limit_s: float = math.inf,
        jitter: Callable[[], float] = random.random,
        parked: Callable[[int], None] = lambda questions: None,
        now: Callable[[], datetime] = _utc_now,
        shared: Path | None = None,
    ) -> None:
        config = service.config
        self.service = service
        self.breaker = Breaker(config.breaker)
        self._shared = shared
        self._limits: SharedLimits | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self.scale = TokenScale(ratio)
        self.output = OutputScale()
        self.stopped: str | None = None
        self.under_way = 0
        self.unrecorded: UnrecordedError | None = None
        self._held = False
        self._budget = budget
        self._limit_s = limit_s
        self._jitter = jitter
        self._parked = parked
        self._now = now
        self._rate_gate = RateGate(config.rates, _clock)
        self._retry_budget = RetryBudget(config.retries)
        self._pace = Pace(config.concurrency)
        self._patience = Patience(min(wait_s(config), wait_limit_s))
        self._places = Places(config.concurrency)
        self._preparation = Preparation(service.prepare)
        self._breaker_changed: asyncio.Event | None = None
        self._state_changed: asyncio.Event | None = None
        self._last_state: tuple[int, str | None] = (0, None)
        self._answers = 0
        self._forbidden: list[frozenset[str]] = []

    def open(self) -> None:
        """Connects; from now on limits are those of all processes, where they are shared.

        Raises UnwritableError.
        """
        self.service.transport.open()
        if self._shared is None:
            return
        config = self.service.config
        limits = SharedLimits(self._shared, self.service.name, config, _clock)
        breaker = SharedBreaker(config.breaker, limits.changing)
        self.breaker, self._limits = breaker, limits
        self._rate_gate = SharedRateGate(config.rates, _clock, limits.take)
        self._refresh(limits, breaker)
        self._refreshing = asyncio.ensure_future(self._keep_refreshed(limits, breaker))

    async def aclose(self) -> None:
        """Closes connections, and gives back what others may use."""
        try:
            await self.service.aclose()
        finally:
            if self._refreshing is not None:
                self._refreshing.cancel()
                await asyncio.wait([self._refreshing])
            if self._limits is not None:
                self._limits.close()

    async def place_there(self) -> None:
        """Returns once this process holds a place, which others may have to give back first."""
        while self._limits is not None and not self._limits.places:
            await asyncio.sleep(REFRESH_S)

    async def _keep_refreshed(self, limits: SharedLimits, breaker: SharedBreaker) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                self._refresh(limits, breaker)
            except OSError as error:
                # such as a full disk: what this process holds stands until it can be written again
                notice(f"limits shared with other processes: {os_problem(error)}")

    def _refresh(self, limits: SharedLimits, breaker: SharedBreaker) -> None:
        was_closed = breaker.state is BreakerState.CLOSED
        limits.refresh(self._places.taken, self._places.waiting, breaker)
        self._rate_gate.hold_until(limits.paused_until)
        if was_closed and breaker.state is not BreakerState.CLOSED:
            self._pace.restart()
        self._resize()
        self._notify()

    def _resize(self) -> None:
        held = self._limits.places if self._limits is not None else self._pace.places
        if (places := min(self._pace.places, held)) != self._places.count:
            self._places.resize(places)

    def _pause(self, seconds: float) -> None:
        """Holds every attempt at the service, whichever process wants to make it."""
        self._rate_gate.pause(seconds)
        if self._limits is not None:
            self._limits.pause(self._rate_gate.paused_until)

    async def call(
        self, questions: Sequence[Question], keys: Sequence[str], deadline: float
    ) -> list[CallOutcome]:
        """The outcome of each question, in order; never raises for what the service does.

        ``deadline`` is a time of the event loop's clock, after which no attempt goes on.
        """
        if self._trouble() is not None:
            # nothing is prepared for a service that cannot be asked
            time = _CallTime(deadline, self._limit_s)
            unavailable = await self._available(len(questions), time)
            if unavailable is not None:
                return _failed_outcomes([()] * len(questions), unavailable, None)
        try:
            request = await self._preparation.request(questions)
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

    def most(self, question: Question) -> tuple[int, float]:
        """Tokens and US dollars that a request about the question takes at most, by estimate.

        Raises PromptError.
        """
        request = self.service.prepare([question])
        tokens = request.tokens_estimated * self.scale.highest + request.tokens_out_most
        return math.ceil(tokens), self._quote(request).most_usd

    def hold(self) -> None:
        """No attempt is begun from here on: who would begin one waits until it is cancelled."""
        self._held = True

    async def _attempt_until_done(
        self,
        request: Request,
        keys: Sequence[str],
        deadline: float,
        attempts: list[tuple[Attempt, ...]],
        *,
        answers_before: int | None = None,
    ) -> list[CallOutcome]:
        """Attempts until every question has a reading or no retry is allowed.

        ``answers_before``: of a part of a batch that failed, which is divided again at its first
        failure: what the service had answered when the batch failed.
        """
        is_part, error = answers_before is not None, None
        time = _CallTime(deadline, self._limit_s)
        failures, rejected = 0, None
        while True:
            repairing = rejected is not None
            result = await self._attempt(request, keys, time, attempts, repaired=repairing)
            if isinstance(result, CallError) and result.rate_limited:
                # no failure: it comes again when the service allows
                error = result
                continue
            deferred = isinstance(result, _NotAttempted) and result.status is Status.DEFERRED
            if rejected is not None and not deferred:
                # only one repair: when it fails too, the first answer stays rejected
                return _outcomes(attempts, result if isinstance(result, Reply) else rejected)
            if isinstance(result, _NotAttempted):
                return _failed_outcomes(attempts, _taken_up(result, error), error)
            if isinstance(result, Reply):
                repair = self._repair(request, result)
                if repair is None:
                    return _outcomes(attempts, result)
                request, rejected = repair, result
                continue
            error = result
            failures += 1
            if answers_before is None:
                answers_before = self._answers
            if len(request.questions) > 1 and self._is_divided(result, failures, is_part=is_part):
                return await self._bisect(
                    request.questions, keys, deadline, attempts, answers_before
                )
            if isinstance(result, PERMANENT):
                return self._permanently_failed(attempts, result)
            others_answered = self._answers > answers_before
            delay = self._delay_s(request, result, failures, time, others_answered=others_answered)
            if isinstance(delay, _NotAttempted):
                return _failed_outcomes(attempts, delay, error)
            self._parked(len(request.questions))
            began = time.clock.time()
            try:
                await asyncio.sleep(delay)
            finally:
                time.count(began)
                self._parked(-len(request.questions))

    def _permanently_failed(
        self, attempts: Sequence[tuple[Attempt, ...]], error: CallError
    ) -> list[CallOutcome]:
        """What no retry helps; deferred where it stopped the service, which a person can mend."""
        if self.stopped is None or not isinstance(error, _STOPPING):
            return _failed_outcomes(attempts, None, error)
        stop = _NotAttempted(Status.DEFERRED, self.stopped)
        return _failed_outcomes(attempts, stop, None)

    def _is_divided(self, error: CallError, failures: int, *, is_part: bool) -> bool:
        """Whether the parts of a batch are asked apart, so that only what is at fault is lost."""
        if isinstance(error, RequestRefused | MalformedResponse | UnexpectedError):
            return True
        if isinstance(error, PERMANENT):
            return False
        return is_part or failures >= self.service.config.retries.attempts

    def _delay_s(
        self,
        request: Request,
        error: CallError,
        failures: int,
        time: _CallTime,
        *,
        others_answered: bool,
    ) -> float | _NotAttempted:
        """Seconds until a question that failed so often is asked again, or why it is not."""
        retries = self.service.config.retries
        service_fails = self.breaker.failed_share >= _MOSTLY_FAILING and not isinstance(
            error, MalformedResponse | UnexpectedError
        )
        status = Status.DEFERRED if service_fails else _status(error)
        if failures >= retries.attempts:
            more = retries.attempts > 1 and _is_at_no_cost(error)
            at_fault = is_at_fault(
                failures,
                retries,
                self.breaker.failed_share_beside(_question_name(request)),
                others_answered=others_answered,
            )
            if at_fault or not more:
                # what chance explains may be answered by the next run
                own = at_fault or isinstance(error, MalformedResponse | UnexpectedError)
                return _NotAttempted(_status(error) if own else Status.DEFERRED, "")
        delay = retry_delay_s(failures + 1, retries, error.retry_after, self._jitter())
        if not self._retry_budget.take():
            if not retries.budget:
                return _NotAttempted(status, "the policy allows no retries")
            # as rare as a probe it multiplies nothing
            delay = max(delay, self.service.config.breaker.open_s)
        now = _clock()
        if now + delay >= self._patience.ends(now):
            why = f"{self.service.name} failed for longer than is waited for it"
            return _NotAttempted(Status.DEFERRED, why)
        if delay >= time.left:
            late = _status(error) if isinstance(error, TimedOut) else status
            return _taken_up(_NotAttempted(late, "its deadline is sooner"), error)
        return delay

    def _repair(self, request: Request, reply: Reply) -> Request | None:
        for reading in reply.readings:
            if reading.status is Status.REJECTED_OUTPUT:
                repairs = self.service.config.guard.repair
                return self.service.repair_request(request, reply) if repairs else None
        return None

    async def _bisect(
        self,
        questions: Sequence[Question],
        keys: Sequence[str],
        deadline: float,
        attempts: list[tuple[Attempt, ...]],
        answers_before: int,
    ) -> list[CallOutcome]:
        """Attempts both halves of a batch that failed as a whole."""

        async def attempt(half: slice) -> list[CallOutcome]:
            request = await self._preparation.request(questions[half])
            return await self._attempt_until_done(
                request, keys[half], deadline, attempts[half], answers_before=answers_before
            )

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
        """One request, once places, rates, circuit breaker and budget allow it."""
        while True:
            # nothing is awaited that need not be: an attempt mostly finds all it needs
            if self._trouble() is not None:
                unavailable = await self._available(len(request.questions), time)
                if unavailable is not None:
                    return unavailable
            if time.left <= 0.0:
                return _TOO_LATE
            waited = not self._places.take_free()
            if waited and not await self._take_place(time):
                return _TOO_LATE
            try:
                # a place that was free was had at once: nothing has changed since
                ask = self._decision if waited else self._asked_breaker
                decision = ask(time) if self._rate_gate.unlimited else NotAdmitted.WAIT
                ticket = (
                    await self._admit(request, time) if decision is NotAdmitted.WAIT else decision
                )
                if ticket is None:
                    # it became unavailable meanwhile: that is waited for without a place
                    continue
                if isinstance(ticket, _NotAttempted):
                    return ticket
                key = _idempotency_key(keys, repaired=repaired)
                return await self._send_within_budget(request, key, time, attempts, ticket)
            finally:
                self._places.give_back()

    async def _take_place(self, time: _CallTime) -> bool:
        """Waits for a free place; False when the deadline comes first."""
        try:
            with time.within():
                await self._places.take()
        except TimeoutError:
            return False
        return True

    async def _available(self, questions: int, time: _CallTime) -> _NotAttempted | None:
        """Waits until the service may be asked; why it is not asked, where waiting is no use."""
        while (trouble := self._trouble()) is not None:
            until, reason = trouble
            if self.stopped is not None:
                return _NotAttempted(Status.DEFERRED, reason)
            now = _clock()
            # a probe that is under way may be answered, and ends by its own time limit
            probed = until == math.inf
            earliest = now if probed else until
            if (not probed and until >= self._patience.ends(now)) or earliest >= time.deadline:
                return _NotAttempted(Status.DEFERRED, reason)
            await self._park(until - now, questions, time)
        return None

    async def _park(self, seconds: float, questions: int, time: _CallTime) -> None:
        """Waits so long at most, until the availability of the service changes."""
        if self._state_changed is None:
            self._state_changed = asyncio.Event()
        changed = self._state_changed
        self._parked(questions)
        try:
            with time.within(seconds):
                await changed.wait()
        except TimeoutError:
            # whoever asked looks again at what is the matter
            pass
        finally:
            self._parked(-questions)

    def _trouble(self) -> tuple[float, str] | None:
        """Until when the service cannot be asked, and why; None when it can.

        Infinity while nothing but the end of the probe that is under way can tell.
        """
        closed = self.breaker.state is BreakerState.CLOSED
        if closed and self.stopped is None and not self._rate_gate.paused_until:
            return None
        if self.stopped is not None:
            return math.inf, self.stopped
        name, now = self.service.name, _clock()
        if self.breaker.state is BreakerState.HALF_OPEN:
            return math.inf, f"{CIRCUIT_OPEN}{name} failed too often, and is being probed"
        if self.breaker.state is BreakerState.OPEN and now < self.breaker.probe_at:
            return self.breaker.probe_at, f"{CIRCUIT_OPEN}{name} failed too often"
        if now < self._rate_gate.paused_until:
            # without the seconds: reasons are the same in every run
            return self._rate_gate.paused_until, f"{name} asked to wait before the next question"
        return None

    async def _admit(self, request: Request, time: _CallTime) -> Ticket | _NotAttempted | None:
        """Waits until rates and breaker allow an attempt; None when the service is unavailable."""
        try:
            with time.within():
                await self._rate_gate.passed(request.tokens_estimated * self.scale.ratio)
                while (decision := self._decision(time)) is NotAdmitted.WAIT:
                    if self._breaker_changed is None:
                        self._breaker_changed = asyncio.Event()
                    await self._breaker_changed.wait()
                return decision
        except TimeoutError:
            return _TOO_LATE

    def _decision(self, time: _CallTime) -> Ticket | Literal[NotAdmitted.WAIT] | None:
        """A ticket; WAIT for the attempts that are in flight; None while it is unavailable."""
        return None if self._trouble() is not None else self._asked_breaker(time)

    def _asked_breaker(self, time: _CallTime) -> Ticket | Literal[NotAdmitted.WAIT] | None:
        """:meth:`_decision` where nothing else is the matter."""
        decision = self.breaker.admit(time.clock.loop_time())
        if decision is NotAdmitted.REFUSE:
            self._note_trouble()
            return None
        return decision

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
            if self._budget.must_wait(quote):
                with time.within():
                    reservation = await self._budget.reserve(quote)
            else:
                reservation = self._budget.reserve_at_once(quote)
        except BaseException as error:
            self.breaker.abandon(ticket)
            self._notify()
            if isinstance(error, TimeoutError):
                return _TOO_LATE
            raise
        if reservation is None:
            self.breaker.abandon(ticket)
            self._notify()
            return _NotAttempted(Status.OVER_BUDGET, "one more question would pass the budget")
        left = time.left
        if left <= 0.0:
            self.breaker.abandon(ticket)
            self._budget.settle(reservation, Charge(0.0, status=_TOO_LATE.status))
            self._notify()
            return _TOO_LATE
        if self._held:
            self.breaker.abandon(ticket)
            self._budget.settle(reservation, Charge(0.0, status="cancelled"))
            await asyncio.get_running_loop().create_future()
        started_at, began, counted_from = self._now(), perf_counter(), time.clock.time()
        self.under_way += 1
        try:
            result = await self._send(request, key, time, left)
        except BaseException:
            # cancelled: the service may still bill the request, and its health is unknown
            self.breaker.abandon(ticket)
            self._budget.settle(reservation, _unanswered(quote, "cancelled"))
            self._notify()
            raise
        finally:
            time.count(counted_from)
            self.under_way -= 1
        elapsed_ms = (perf_counter() - began) * 1000
        self._record_health(request, ticket, result, time.clock.loop_time())
        charge = self._charge(request, quote, result)
        try:
            self._budget.settle(reservation, charge)
        except UnrecordedError as error:
            # it ends the run, but only once the answer is kept, which is paid for
            self.unrecorded = error
        _record_attempt(
            self.service.name, request, result, attempts, started_at, elapsed_ms, charge
        )
        return result

    async def _send(
        self, request: Request, key: str, time: _CallTime, left: float
    ) -> Reply | CallError:
        """What the service answers, within ``left`` seconds and the policy's limit."""
        total = self.service.config.timeouts.total_s
        try:
            with SteadyTimeout(min(total, left), time.deadline, time.clock):
                connections = 1
                while True:
                    stalled_s = time.clock.stalled_s
                    try:
                        return await self.service.send(request, key)
                    except Unreachable:
                        # the clock may notice only now that the loop was blocked
                        await asyncio.sleep(0)
                        if connections == _MAX_CONNECTIONS or time.clock.stalled_s == stalled_s:
                            raise
                    # the time limit of connections runs in the transport, which does not see the
                    # loop blocked
                    connections += 1
        except TimeoutError:
            limit = f"within {total:g} s" if total <= left else "before its deadline"
            return TimedOut(f"no answer {limit}")
        except CallError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- whatever breaks on an answer is a failure
            return UnexpectedError(_error_text(error))

    def _count_forbidden(self, request: Request, error: CallError) -> None:
        """Stops the service after too many items in a row with 403 or 404."""
        items = frozenset(question.item.content_hash for question in request.questions)
        # halves of a batch hold the same item
        earlier = [others for others in self._forbidden if not others & items]
        self._forbidden = [*earlier, items]
        if len(self._forbidden) >= _MAX_FORBIDDEN_ITEMS:
            self._stop(error)

    def _stop(self, error: CallError) -> None:
        self.stopped = self.stopped or f"{self.service.name}{_STOPPED}{error}"

    def _record_health(
        self, request: Request, ticket: Ticket, result: Reply | CallError, now: float
    ) -> None:
        opened = self.breaker.opened
        if isinstance(result, Reply):
            if self._forbidden:
                self._forbidden.clear()
            self._count_answer(request, ticket, _health_of(result), now)
        else:
            self._record_error(request, ticket, result, now)
        if self.breaker.opened > opened:
            self._pace.restart()
        self._resize()
        self._notify()

    def _record_error(self, request: Request, ticket: Ticket, error: CallError, now: float) -> None:
        if isinstance(error, Forbidden | EndpointNotFound):
            self._count_forbidden(request, error)
        if isinstance(error, FatalCallError):
            self._stop(error)
        if error.rate_limited:
            # the service works, but not at this rate
            self.breaker.abandon(ticket)
            self._slow_down(error)
            return
        outcome = _health_after(error)
        if outcome is not Outcome.FAILED:
            self._count_answer(request, ticket, outcome, now)
            return
        if error.retry_after:
            self._pause(error.retry_after)
        # which question a failed batch owes its failure to is not known
        question = None if len(request.questions) > 1 else _question_name(request)
        self.breaker.record(ticket, now, outcome, question)
        self._note_trouble()

    def _count_answer(self, request: Request, ticket: Ticket, outcome: Outcome, now: float) -> None:
        self.breaker.record(ticket, now, outcome, _question_name(request))
        self._answers += 1
        self._pace.answered()
        self._patience.answered()
        self._retry_budget.answered()

    def _slow_down(self, error: CallError) -> None:
        """Fewer attempts at once, and none before the service allows or, unless it says, a backoff
        is over."""
        self._pace.refused()
        self._note_trouble()
        attempt = self._pace.refusals_in_row + 1
        backoff = retry_delay_s(attempt, self.service.config.retries, None, self._jitter())
        self._pause(error.retry_after or backoff)

    def _note_trouble(self) -> None:
        self._patience.unavailable(_clock())

    def _notify(self) -> None:
        """Wakes who waits for the breaker, and who waits for its state to change."""
        if self._breaker_changed is not None:
            self._breaker_changed.set()
            self._breaker_changed = None
        # the era: a probe that ends without a result leaves the circuit open as it was
        era, stopped = self._last_state
        if era == self.breaker.era and stopped == self.stopped:
            return
        self._last_state = self.breaker.era, self.stopped
        if self._state_changed is not None:
            self._state_changed.set()
            self._state_changed = None

    def _quote(self, request: Request) -> Quote:
        """What an attempt may cost: by the tokens that were billed so far, and at most."""
        config, tokens, most = (
            self.service.config,
            request.tokens_estimated,
            request.tokens_out_most,
        )
        price, scale = config.price, self.scale
        out_expected, out_highest = self.output.bounds(most)
        highest = tokens * scale.highest
        most_usd = price.of(highest, most)
        likely = price.of(highest, out_highest)
        expected = price.of(tokens * scale.ratio, out_expected)
        return Quote(
            expected if expected < likely else likely,
            likely,
            most_usd,
            self.service.name,
            config.model,
            _parts(request),
        )

    def _charge(self, request: Request, quote: Quote, result: Reply | CallError) -> Charge:
        """What an attempt cost: as billed, else by its texts, else as such attempts cost."""
        if isinstance(result, CallError):
            return self._charge_of_failure(quote, result)
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
            status=_reply_status(result),
        )

    def _charge_of_failure(self, quote: Quote, error: CallError) -> Charge:
        tokens_in, tokens_out, status = error.tokens_in, error.tokens_out, _status(error)
        if tokens_in is not None and tokens_out is not None:
            usd = self.service.config.price.of(tokens_in, tokens_out)
            return Charge(usd, tokens_in=tokens_in, tokens_out=tokens_out, status=status)
        if error.billable or error.maybe_billed:
            return _unanswered(quote, status)
        return Charge(0.0, status=status)


def _reply_status(reply: Reply) -> Status:
    """The status of its best reading: of a batch, one that does not fit spoils no other."""
    if len(reply.readings) == 1:
        return reply.readings[0].status
    statuses = [reading.status for reading in reply.readings]
    best = (status for status in (Status.OK, Status.ABSTAINED) if status in statuses)
    return next(best, statuses[0])


def _is_at_no_cost(error: CallError) -> bool:
    """Whether a failure is surely not billed: while the service fails others too, such may be
    retried beyond the policy's attempts."""
    return isinstance(error, Unavailable | Unreachable) and not error.maybe_billed


def _unanswered(quote: Quote, status: str) -> Charge:
    """An attempt without an answer that may be billed all the same."""
    return Charge(
        quote.expected_usd, True, max(0.0, quote.likely_usd - quote.expected_usd), status=status
    )


def _parts(request: Request) -> tuple[Part, ...]:
    """The items of a request by task, with their share of its tokens."""
    if len(request.questions) == 1:
        (question,) = request.questions
        return (Part(question.task.name, 1.0, (question.item.item_id,)),)
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


def _health_after(error: CallError) -> Outcome:
    """What the failure of an attempt says about the health of its service."""
    if isinstance(error, MalformedResponse | UnexpectedError):
        return Outcome.MALFORMED
    # a service that refuses a bad request works
    return Outcome.ANSWERED if isinstance(error, RequestRefused) else Outcome.FAILED


def _health_of(reply: Reply) -> Outcome:
    """What the answer to an attempt says about the health of its service."""
    for reading in reply.readings:
        if reading.status is not Status.REJECTED_OUTPUT:
            return Outcome.ANSWERED
    return Outcome.MALFORMED


def _question_name(request: Request) -> str:
    """Tells requests apart by what they ask; a batch goes by its first question."""
    first = request.questions[0]
    return f"{first.item.content_hash}:{first.task.name}"


def _status(error: CallError) -> Status:
    return Status.TIMEOUT if isinstance(error, TimedOut) else Status.FAILED


def _taken_up(ending: _NotAttempted, error: CallError | None) -> _NotAttempted:
    """How a question ends whose time is over: it is asked again by a later run where all that kept
    it from an answer was a service that turned it away."""
    if error is None or not (error.rate_limited or _is_at_no_cost(error)):
        return ending
    ended_by_time = ending.status in (Status.TIMEOUT, Status.FAILED)
    return _NotAttempted(Status.DEFERRED, ending.reason) if ended_by_time else ending


def _outcomes(attempts: Sequence[tuple[Attempt, ...]], reply: Reply) -> list[CallOutcome]:
    return [CallOutcome(*pair) for pair in zip(reply.readings, attempts, strict=True)]


def _failed_outcomes(
    attempts: Sequence[tuple[Attempt, ...]],
    not_attempted: _NotAttempted | None,
    error: CallError | None,
) -> list[CallOutcome]:
    if error is None:
        assert not_attempted is not None
        reading = Reading(not_attempted.status, reason=not_attempted.reason)
    else:
        text, status = str(error), _status(error)
        if isinstance(error, RequestRefused):
            text = f"quarantined: the service refuses this item ({error})"
        if not_attempted is not None:
            status = not_attempted.status
            text += f"{GIVEN_UP}{not_attempted.reason}" if not_attempted.reason else ""
        reading = Reading(status, reason=text)
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
    reply = result if isinstance(result, Reply) else None
    whole = request.tokens_estimated or 1
    for position, sent in enumerate(request.sent):
        share = sent.tokens_estimated / whole if len(request.sent) > 1 else 1.0
        reading = reply.readings[position] if reply else None
        attempt = Attempt(
            service,
            reading.status if reading else _status(result),  # type: ignore[arg-type]
            started_at,
            elapsed_ms,
            charge.usd * share,
            _share_of(result.tokens_in, share),
            _share_of(result.tokens_out, share),
            sent.tokens_estimated,
            reply.first_token_ms if reply else None,
            reading.reason if reading else str(result),
            sent,
            charge.estimated,
            reply.facts if reply else ResponseFacts(),
        )
        attempts[position] = (*attempts[position], attempt)


def _share_of(tokens: int | None, share: float) -> int | None:
    return None if tokens is None else round(tokens * share)
