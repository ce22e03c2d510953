"""Rate limits: requests and tokens a minute, and the pause of a Retry-After."""

from collections.abc import Callable

from aiolimiter import AsyncLimiter

from orchestration_assets.schemas.services import Rates

_SMOOTHING_S = 1.0
"""Rates are kept over every second, not only over every minute: no burst of a minute's worth."""


class RateGate:
    """Limits attempts to the policy's rates, and knows how long the service asks to wait."""

    def __init__(self, config: Rates, clock: Callable[[], float]) -> None:
        self._requests = _limiter(config.requests_per_minute)
        self._tokens = _limiter(config.tokens_per_minute, least=0.0)
        self._clock = clock
        self._not_before = 0.0

    def pause(self, seconds: float) -> None:
        """Holds every attempt for so many seconds, as Retry-After asks."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    @property
    def paused_until(self) -> float:
        """When the pause is over, by the gate's clock."""
        return self._not_before

    @property
    def unlimited(self) -> bool:
        """Whether the policy sets no rate at all."""
        return self._requests is None and self._tokens is None

    async def passed(self, tokens: float) -> None:
        """Returns when the policy's rates let one request of so many tokens pass."""
        if self._requests is not None:
            await self._requests.acquire()
        if self._tokens is not None:
            # a request larger than the burst takes it several times
            while tokens > 0.0:
                part = min(tokens, self._tokens.max_rate)
                await self._tokens.acquire(part)
                tokens -= part


def _limiter(per_minute: float | None, least: float = 1.0) -> AsyncLimiter | None:
    if per_minute is None:
        return None
    burst = per_minute / 60.0 * _SMOOTHING_S
    if burst >= least:
        return AsyncLimiter(burst, _SMOOTHING_S)
    return AsyncLimiter(least, 60.0 * least / per_minute)
