"""Whether and when a failed attempt is made again: pure decisions."""

from orchestration_assets.schemas.services import Retries

_FREE_RETRIES = 10
"""Retries that are allowed in any case: the first calls of a run have no share yet."""


def retry_delay_s(attempt: int, config: Retries, retry_after: float | None, jitter: float) -> float:
    """Seconds until ``attempt`` (2 is the first retry) may begin.

    Full jitter: ``jitter``, uniform in [0, 1), of a bound that doubles with every attempt
    (AWS Architecture Blog 2015, Exponential Backoff And Jitter), never sooner than the service
    asked for with Retry-After, in seconds. That is honoured even beyond ``backoff_max_s``; a
    caller whose deadline is sooner gives up instead.
    """
    bound = min(config.backoff_max_s, config.backoff_s * 2.0 ** (attempt - 2))
    return max(bound * jitter, retry_after or 0.0)


class RetryBudget:
    """Limits retries to a share of the calls, so that an outage does not multiply requests."""

    def __init__(self, config: Retries) -> None:
        self._share = config.budget
        self._calls = 0
        self.retries = 0

    def call(self) -> None:
        """Counts a call."""
        self._calls += 1

    def take(self) -> bool:
        """Takes one retry; False when none is left."""
        allowed = _FREE_RETRIES if self._share else 0
        if self.retries >= allowed + self._share * self._calls:
            return False
        self.retries += 1
        return True
