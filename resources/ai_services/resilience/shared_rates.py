"""Rates that all processes of a home keep together."""

import asyncio
from collections.abc import Callable

from orchestration_assets.schemas.services import Rates
from resources.ai_services.resilience.rates import RateAccount, RateGate

Take = Callable[[list[tuple[str, RateAccount, float]]], float]


class SharedRateGate(RateGate):
    """``take`` takes an amount of each named account, all or none, and gives 0; else the seconds
    until it may succeed."""

    def __init__(self, config: Rates, clock: Callable[[], float], take: Take) -> None:
        super().__init__(config, clock)
        self._take = take
        self._turn = asyncio.Lock()

    async def passed(self, tokens: float) -> None:
        wanted: list[tuple[str, RateAccount, float]] = []
        if self.request_bucket is not None:
            wanted.append(("requests", self.request_bucket, 1.0))
        # one at a time: who comes first goes first
        async with self._turn:
            while wanted or (self.token_bucket is not None and tokens > 0.0):
                if self.token_bucket is not None and tokens > 0.0:
                    # a request larger than the burst takes it several times
                    part = min(tokens, self.token_bucket.size)
                    wanted.append(("tokens", self.token_bucket, part))
                    tokens -= part
                while (wait := self._take(wanted)) > 0.0:
                    await asyncio.sleep(wait)
                wanted = []
