"""A circuit breaker over a failure-rate window: a pure state machine, time comes from outside."""

from collections import deque
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration_assets.schemas.services import BreakerConfig

_LONGEST_OPEN: Final = 16
"""While probes fail, the time until the next one doubles up to this multiple of ``open_s``."""


class BreakerState(StrEnum):
    """closed: attempts pass; open: none does; half_open: exactly one is under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Admission(StrEnum):
    """``wait``: nothing is known of the service yet and enough attempts are under way."""

    PASS = "pass"  # noqa: S105 -- a verdict, no password
    WAIT = "wait"
    REFUSE = "refuse"


class Ticket(NamedTuple):
    """Permission for one attempt; ``era`` tells attempts of an earlier state from current ones."""

    era: int


class Breaker:
    """Counts every attempt, opens when the share of failures in the window is too high.

    While no attempt in the window has succeeded, no more attempts are let through than fill the
    window: a service that is down from the start is asked at most ``window`` times, however many
    calls want it at once. ``now`` is a monotonic time in seconds.
    """

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self._outcomes: deque[bool] = deque(maxlen=config.window)
        self._under_way = 0
        self._era = 0
        self._opened_at = 0.0
        self._failed_probes = 0
        self.state = BreakerState.CLOSED
        self.opened = 0

    def admit(self, now: float) -> Ticket | Admission:
        """A ticket for one attempt, or why there is none: WAIT or REFUSE."""
        if self.state is BreakerState.HALF_OPEN:
            return Admission.REFUSE
        if self.state is BreakerState.OPEN:
            if now < self.probe_at:
                return Admission.REFUSE
            self.state = BreakerState.HALF_OPEN
            self._begin_era()
        elif not any(self._outcomes) and (
            self._under_way + len(self._outcomes) >= self._config.window
        ):
            return Admission.WAIT if self._under_way else self._refuse_unproven(now)
        self._under_way += 1
        return Ticket(self._era)

    def record(self, ticket: Ticket, now: float, *, ok: bool) -> None:
        """An attempt ended. What began before the state changed no longer counts."""
        if ticket.era != self._era:
            return
        self._under_way -= 1
        if self.state is BreakerState.HALF_OPEN:
            self._probed(now, ok=ok)
            return
        self._outcomes.append(ok)
        failed = len(self._outcomes) - sum(self._outcomes)
        if len(
            self._outcomes
        ) >= self._config.min_attempts and failed >= self._config.failure_rate * len(
            self._outcomes
        ):
            self._open(now)

    def abandon(self, ticket: Ticket) -> None:
        """An attempt ended without telling anything about the service; a probe may be repeated."""
        if ticket.era != self._era:
            return
        self._under_way -= 1
        if self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN

    @property
    def probe_at(self) -> float:
        """When an open breaker lets its next probe through."""
        longer = min(1 << self._failed_probes, _LONGEST_OPEN)
        return self._opened_at + self._config.open_s * longer

    def _refuse_unproven(self, now: float) -> Admission:
        # a window full of failures opens at the latest now, whatever the rate asked for
        self._open(now)
        return Admission.REFUSE

    def _probed(self, now: float, *, ok: bool) -> None:
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

    def _begin_era(self) -> None:
        self._era += 1
        self._under_way = 0
