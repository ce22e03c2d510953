"""Rate limits: requests and tokens a minute, and the pause of a Retry-After."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiolimiter import AsyncLimiter

from orchestration_assets.schemas.services import Rates

_MINUTE_S: Final = 60.0
_SMOOTHING_S: Final = 1.0
"""Rates are kept over every second, not only over every minute: no burst of a minute's worth."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class RateAccount:
    """An account that holds ``size`` at most and empties by ``per_s`` each second."""

    size: float
    per_s: float

    def level(self, level: float, at: float, now: float) -> float:
        """What it holds now that held so much ``at`` a time in s."""
        return max(0.0, level - max(0.0, now - at) * self.per_s)

    def wait_s(self, level: float, amount: float) -> float:
        """Seconds until so much more fits; 0 when it does."""
        excess = level + amount - self.size
        return excess / self.per_s if excess > _ROUNDING * self.size else 0.0


def request_bucket(per_minute: float) -> RateAccount:
    """No more than ``per_minute`` requests in any minute, those of a burst included."""
    most = math.floor(per_minute)
    burst = max(math.floor(most / _MINUTE_S * _SMOOTHING_S), 1)
    return RateAccount(burst, (most - burst + 1) / _MINUTE_S)


def token_bucket(per_minute: float) -> RateAccount:
    """No more than ``per_minute`` tokens in any minute, those of a burst included."""
    burst = per_minute / _MINUTE_S * _SMOOTHING_S
    return RateAccount(burst, (per_minute - burst) / _MINUTE_S)


class RateGate:
    """Limits attempts to the policy's rates, and knows how long the service asks to wait."""

    def __init__(self, config: Rates, clock: Callable[[], float]) -> None:
        requests, tokens = config.requests_per_minute, config.tokens_per_minute
        self.request_bucket = request_bucket(requests) if requests is not None else None
        self.token_bucket = token_bucket(tokens) if tokens is not None else None
        self._requests = _limiter(self.request_bucket)
        self._tokens = _limiter(self.token_bucket)
        self._clock = clock
        self.unlimited = requests is None and tokens is None
        """Whether the policy sets no rate at all."""
        self.paused_until = 0.0
        """When the pause is over, by the gate's clock."""

    def pause(self, seconds: float) -> None:
        """Holds every attempt for so many seconds, as Retry-After asks."""
        self.hold_until(self._clock() + seconds)

    def hold_until(self, moment: float) -> None:
        """Holds every attempt until then, by the gate's clock."""
        self.paused_until = max(self.paused_until, moment)

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


def _limiter(bucket: RateAccount | None) -> AsyncLimiter | None:
    return AsyncLimiter(bucket.size, bucket.size / bucket.per_s) if bucket else None
