"""How many attempts at a service are under way at once: a state machine without a clock.

A service that answers "too many requests" works; it only wants fewer of them. Every refusal takes
half a place away and every answer gives half a place back, so that a round of refusals halves the
number (multiplicative decrease) and a round of answers raises it by half. It shrinks exactly while
more than half of the attempts are refused. How long a service asked to wait (Retry-After) is kept
beside it, by :class:`~resources.ai_services.resilience.rates.RateGate`.
"""

from typing import Final

_STEP: Final = 0.5


class Pace:
    """The places for attempts at one service, between 1 and ``most`` (its ``concurrency``)."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._places = float(most)
        self.refusals_in_row = 0

    @property
    def places(self) -> int:
        """Attempts that may be under way now."""
        return int(self._places)

    def answered(self) -> None:
        """An attempt was answered, whatever the answer is worth."""
        self.refusals_in_row = 0
        if self._places < self._most:
            self._places = min(self._most, self._places + _STEP)

    def refused(self) -> None:
        """An attempt was refused for coming too soon."""
        self.refusals_in_row += 1
        self._places = max(1.0, self._places - _STEP)

    def restart(self) -> None:
        """The service failed: once it answers again, it is asked gently at first."""
        self._places = 1.0
