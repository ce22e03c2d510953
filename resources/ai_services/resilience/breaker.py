"""A circuit breaker over a window of failure rates: a state machine without a clock.

A malformed answer counts against its question, not against the service: it shows that the service
answers. Only while more than half of the latest questions that were answered (one answer each, at
most ``window`` of them and at least ``LEAST_QUESTIONS``) got a malformed one do malformed answers
count as failures.
"""

from collections import deque
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import BreakerConfig

_MAX_OPEN_FACTOR: Final = 4
"""While probes fail, the time until the next one doubles up to this multiple of ``open_s``: a probe
is one request, and a service that has recovered must not stay unused for long."""
MALFORMED_SHARE: Final = 0.5
LEAST_QUESTIONS: Final = 5
"""So many questions must have been answered before malformed answers can be the service's fault:
one item is repaired and retried, and its answers are one sign, not several."""


class BreakerState(StrEnum):
    """closed: attempts pass; open: none does; half_open: one probe is in flight."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(StrEnum):
    """How an attempt ended: with an answer, with one that breaks the rules, or without any."""

    ANSWERED = "answered"
    MALFORMED = "malformed"
    FAILED = "failed"


class NotAdmitted(StrEnum):
    """Why an attempt may not start: ``wait`` for those in flight, or ``refuse``."""

    WAIT = "wait"
    REFUSE = "refuse"


class Ticket(NamedTuple):
    """Permission for one attempt; ``era`` numbers the breaker's changes of state."""

    era: int


class Breaker:
    """Opens when the share of failures among the latest attempts is too high.

    Until an attempt succeeds, at most ``window`` attempts are admitted: so often is a service
    asked that is down from the start, however many calls wait. ``now`` is a monotonic time in s.
    """

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self._outcomes: deque[bool] = deque(maxlen=config.window)
        # question -> whether its latest answer was malformed, the latest answer last
        self._malformed: dict[str, bool] = {}
        # question -> whether its first attempt failed, the latest question last
        self._first_failed: dict[str, bool] = {}
        self._in_flight = 0
        # of other processes that ask the same service
        self._others_in_flight = 0
        self.era = 0
        self._ticket = Ticket(0)
        self._opened_at = 0.0
        self._failed_probes = 0
        self.state = BreakerState.CLOSED
        self.opened = 0

    def admit(self, now: float) -> Ticket | NotAdmitted:
        """A ticket for one attempt, or why there is none: WAIT or REFUSE."""
        if self.state is BreakerState.HALF_OPEN:
            return NotAdmitted.REFUSE
        if self.state is BreakerState.OPEN:
            if now < self.probe_at:
                return NotAdmitted.REFUSE
            self.state = BreakerState.HALF_OPEN
            self._begin_era()
        elif not any(self._outcomes) and (
            self._all_in_flight + len(self._outcomes) >= self._config.window
        ):
            return NotAdmitted.WAIT if self._all_in_flight else self._refuse_without_success(now)
        return self._admitted()

    def _admitted(self) -> Ticket:
        self._in_flight += 1
        if self._ticket.era != self.era:
            # all of an era are the same
            self._ticket = Ticket(self.era)
        return self._ticket

    def record(
        self, ticket: Ticket, now: float, outcome: Outcome, question: str | None = None
    ) -> None:
        """Counts the end of an attempt, unless the state changed since it began.

        ``question`` tells apart whose attempts they are, where that is known.
        """
        if question is not None:
            self._note(question, outcome)
        if ticket.era != self.era:
            return
        self._in_flight -= 1
        ok = outcome is Outcome.ANSWERED or (
            outcome is Outcome.MALFORMED and not self.mostly_malformed
        )
        if self.state is BreakerState.HALF_OPEN:
            self._record_probe(now, ok=ok)
            return
        self._outcomes.append(ok)
        many, failed = len(self._outcomes), self._outcomes.count(False)
        if many >= self._config.min_attempts and failed >= self._config.failure_rate * many:
            self._open(now)

    def abandon(self, ticket: Ticket) -> None:
        """Ends an attempt that says nothing about the service; a probe may be repeated."""
        if ticket.era != self.era:
            return
        self._in_flight -= 1
        if self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN
            self._begin_era()

    @property
    def mostly_malformed(self) -> bool:
        """Whether so many of the latest answers are malformed that it is the service's fault."""
        answered, malformed = len(self._malformed), sum(self._malformed.values())
        return answered >= LEAST_QUESTIONS and malformed > MALFORMED_SHARE * answered

    @property
    def failed_share(self) -> float:
        """The share of failures among the latest attempts, in [0, 1].

        1 while the circuit is not closed, and without any attempt: nothing speaks for the service.
        """
        if self.state is not BreakerState.CLOSED or not self._outcomes:
            return 1.0
        return 1.0 - sum(self._outcomes) / len(self._outcomes)

    def failed_share_beside(self, question: str) -> float:
        """The share of the other latest questions whose first attempt failed, in [0, 1].

        First attempts, since questions that always fail are tried most often. 1 while the circuit
        is not closed, and without another question.
        """
        others = [failed for name, failed in self._first_failed.items() if name != question]
        if self.state is not BreakerState.CLOSED or not others:
            return 1.0
        return sum(others) / len(others)

    @property
    def probe_at(self) -> float:
        """When an open breaker admits its next probe."""
        longer = min(1 << self._failed_probes, _MAX_OPEN_FACTOR)
        return self._opened_at + self._config.open_s * longer

    @property
    def _all_in_flight(self) -> int:
        return self._in_flight + self._others_in_flight

    def _refuse_without_success(self, now: float) -> NotAdmitted:
        # a window full of failures opens it, whatever failure_rate says
        self._open(now)
        return NotAdmitted.REFUSE

    def _record_probe(self, now: float, *, ok: bool) -> None:
        if ok:
            self.state = BreakerState.CLOSED
            self._failed_probes = 0
            self._outcomes.clear()
            self._outcomes.append(True)
            self._begin_era()
        else:
            self._failed_probes += 1
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self.opened += 1
        self._opened_at = now
        self._begin_era()

    def _note(self, question: str, outcome: Outcome) -> None:
        self._first_failed.setdefault(question, outcome is Outcome.FAILED)
        if outcome is not Outcome.FAILED:
            self._malformed.pop(question, None)
            self._malformed[question] = outcome is Outcome.MALFORMED
        for latest in (self._first_failed, self._malformed):
            if len(latest) > self._config.window:
                del latest[next(iter(latest))]

    def _begin_era(self) -> None:
        self.era += 1
        self._in_flight = self._others_in_flight = 0
