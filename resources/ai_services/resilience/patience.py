"""How long calls wait for a service that cannot be asked: a state machine without a clock."""

from typing import Final

from orchestration_assets.schemas.services import HttpConfig

_WAIT_S: Final = 120.0
"""Without a fallback: an outage of a minute is over, and two probes have been let through."""
_PROBE_ROUNDS: Final = 2.0
"""With a fallback: the first probe after ``open_s``, and as long again for its answer."""


def wait_s(config: HttpConfig) -> float:
    """Seconds that calls wait for an unavailable service: the policy's, or as it has fallbacks."""
    breaker = config.breaker
    if breaker.wait_s is not None:
        return breaker.wait_s
    return _PROBE_ROUNDS * breaker.open_s if config.fallbacks else _WAIT_S


class Patience:
    """Counts one wait for all calls, from the first sign of trouble after the last answer.

    Were each call to wait for itself, a service that is gone would hold up a batch for as many
    waits as there are items. ``now`` is a monotonic time in s.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._since: float | None = None
        self._latest = 0.0

    def answered(self) -> None:
        """The service answered: the next trouble is another one."""
        self._since = None

    def unavailable(self, now: float) -> None:
        """An attempt or a probe failed, or the service asked to wait."""
        if self._since is None or now - self._latest > self._wait_s:
            # nothing was asked for so long that this is another trouble
            self._since = now
        self._latest = now

    def ends(self, now: float) -> float:
        """When waiting ends; a full wait from now on while the service answers."""
        return (now if self._since is None else self._since) + self._wait_s
