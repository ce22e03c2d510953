"""Whether and when a failed attempt is made again: pure decisions."""

from typing import Final

from orchestration_assets.schemas.services import Retries

_BY_CHANCE: Final = 0.0001
_MOST_DOUBLINGS: Final = 40
"""More would pass any backoff_max_s."""
_FREE_RETRIES: Final = 10
"""Retries that are allowed in any case: the first calls of a run have no share yet."""


def retry_delay_s(attempt: int, config: Retries, retry_after: float | None, jitter: float) -> float:
    """Seconds until ``attempt`` (2 is the first retry) may begin.

    Full jitter: ``jitter``, uniform in [0, 1), of a bound that doubles with every attempt
    (AWS Architecture Blog 2015, Exponential Backoff And Jitter), never sooner than the service
    asked for with Retry-After, in seconds. That is honoured even beyond ``backoff_max_s``; a
    caller whose deadline is sooner gives up instead.
    """
    doublings = min(attempt - 2, _MOST_DOUBLINGS)
    bound = min(config.backoff_max_s, config.backoff_s * 2.0**doublings)
    return max(bound * jitter, retry_after or 0.0)


def is_at_fault(
    failures: int, config: Retries, failed_share: float, *, others_answered: bool
) -> bool:
    """Whether a question that failed so often in a row is at fault itself, not its service.

    It is given ``attempts``, and more of them while the service fails others too: where a share p
    of the other questions fails (``failed_share``), n failures in a row are put down to the
    question once fewer than one in ten thousand would meet them by chance, p ** n < 0.0001 (at
    half, 14 attempts). Unless ``others_answered`` since its first failure, it cannot be told from
    an outage, and is not at fault.
    """
    chance = failed_share**failures if failed_share > 0.0 else 0.0
    return others_answered and failures >= config.attempts and chance < _BY_CHANCE


class RetryBudget:
    """Limits retries to a share of the calls and to the answers that come, so that an outage does
    not multiply requests: while a service answers at least half of the time, every failure may be
    tried again at once; while it does not answer, few are.
    """

    def __init__(self, config: Retries) -> None:
        self._share = config.budget
        self._calls = 0
        self._answers = 0
        self.retries = 0

    def call(self) -> None:
        """Counts a call."""
        self._calls += 1

    def answered(self) -> None:
        """Counts an answer: it pays for a retry soon, not for those of a later outage."""
        self._answers = min(_FREE_RETRIES, self._answers + 1)

    def take(self) -> bool:
        """Takes one retry; False when none is left."""
        if not self._share:
            return False
        if self._answers:
            self._answers -= 1
            return True
        if self.retries >= _FREE_RETRIES + self._share * self._calls:
            return False
        self.retries += 1
        return True
