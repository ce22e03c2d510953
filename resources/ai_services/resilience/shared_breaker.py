"""A circuit breaker that all processes of a home share.

While the circuit is closed and the service answers, nothing has to be known of others at once:
answers are counted here and told now and then. All else goes through the shared state.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from orchestration_assets.schemas.services import BreakerConfig
from resources.ai_services.resilience.breaker import (
    Breaker,
    BreakerState,
    NotAdmitted,
    Outcome,
    Ticket,
)


class SharedBreaker(Breaker):
    """``changing`` gives a block in which the shared state is this process's alone: it is learned
    at its beginning (:meth:`learn`), and told at its end (:meth:`facts`)."""

    def __init__(
        self,
        config: BreakerConfig,
        changing: Callable[["SharedBreaker"], AbstractContextManager[object]],
    ) -> None:
        super().__init__(config)
        self._changing = changing
        # outcomes that others have not been told of
        self._untold: list[bool] = []

    def admit(self, now: float) -> Ticket | NotAdmitted:
        if self._answers:
            # it would find no more to ask
            return self._admitted()
        with self._changing(self):
            return super().admit(now)

    def record(
        self, ticket: Ticket, now: float, outcome: Outcome, question: str | None = None
    ) -> None:
        if outcome is Outcome.ANSWERED and self._answers and not self._may_open:
            if question is not None:
                self._note(question, outcome)
            if ticket.era == self.era:
                self._in_flight -= 1
                self._outcomes.append(True)
                self._untold.append(True)
            return
        with self._changing(self):
            self._record_here(ticket, now, outcome, question)

    def _record_here(
        self, ticket: Ticket, now: float, outcome: Outcome, question: str | None
    ) -> None:
        before = self.era
        super().record(ticket, now, outcome, question)
        if ticket.era == before == self.era:
            self._untold.append(self._outcomes[-1])

    def abandon(self, ticket: Ticket) -> None:
        if self._answers:
            super().abandon(ticket)
            return
        with self._changing(self):
            super().abandon(ticket)

    @property
    def _answers(self) -> bool:
        return self.state is BreakerState.CLOSED and any(self._outcomes)

    @property
    def _may_open(self) -> bool:
        """Whether the next outcome may open the circuit, even an answer: then there are enough of
        them for the failures before it to count."""
        failed = self._outcomes.count(False)
        if not failed:
            return False
        many = len(self._outcomes) + 1
        return many >= self._config.min_attempts and failed >= self._config.failure_rate * many

    @property
    def in_flight(self) -> int:
        """Attempts of this process that began in this era and have not ended."""
        return self._in_flight

    @property
    def is_probing(self) -> bool:
        """Whether the probe that is under way is this process's."""
        return self.state is BreakerState.HALF_OPEN and self._in_flight > 0

    def learn(self, facts: dict[str, Any] | None, others_in_flight: int) -> None:
        """Takes over what all processes know; ``facts`` is None before anything is."""
        if facts is not None:
            outcomes = [one == "1" for one in facts["outcomes"]]
            if facts["era"] != self.era:
                self.era, self._in_flight = facts["era"], 0
                self._untold.clear()
            self.state = BreakerState(facts["state"])
            self._opened_at, self._failed_probes = facts["opened_at"], facts["failed_probes"]
            self._outcomes = deque([*outcomes, *self._untold], maxlen=self._outcomes.maxlen)
        self._untold.clear()
        self._others_in_flight = others_in_flight

    def facts(self) -> dict[str, Any]:
        """What all processes should know."""
        self._untold.clear()
        return {
            "state": self.state.value,
            "era": self.era,
            "opened_at": self._opened_at,
            "failed_probes": self._failed_probes,
            "outcomes": "".join("01"[ok] for ok in self._outcomes),
        }


def without_probe(facts: dict[str, Any]) -> dict[str, Any]:
    """The shared state after the process died that probed: another one may."""
    if facts["state"] != BreakerState.HALF_OPEN.value:
        return facts
    return {**facts, "state": BreakerState.OPEN.value, "era": facts["era"] + 1}
