"""What a batch will cost, with an interval, before anything is paid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestration_assets.processing.usage import ObservedUsage, Spread
from orchestration_assets.schemas.services import ChatConfig, HttpConfig
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.services.contract import Service
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService

_UNSEEN_RATIO: Final = Spread(0.8, 1.0, 1.3)
"""Billed over estimated tokens before a service was ever billed."""
_LEAST_OUTPUT: Final = 12
_POSSIBLE: Final = 0.5
"""How often a call is made that a plan may do without, when nothing is known."""


@dataclass(frozen=True, slots=True)
class ServicePrice:
    """The calls that one service is expected to get, and their price in US dollars.

    ``low`` counts the calls that are certain, at the lower end of what their tokens may be;
    ``high`` all that may be made, at the upper end, with the retries and repairs seen so far.
    ``cached`` of the calls have their answer already.
    """

    service: str
    calls_low: int
    calls_high: int
    cached: int
    tokens: int
    usd_low: float
    usd: float
    usd_high: float

    def times(self, scale: float) -> "ServicePrice":
        """The price of so many times as many plans of the same kind."""
        return ServicePrice(
            self.service,
            round(self.calls_low * scale),
            round(self.calls_high * scale),
            round(self.cached * scale),
            round(self.tokens * scale),
            self.usd_low * scale,
            self.usd * scale,
            self.usd_high * scale,
        )


def forecast_prices(
    plans: Iterable[PlanRow],
    tokens_of: Mapping[str, int],
    services: Mapping[str, Service],
    seen: Mapping[str, ObservedUsage],
    is_cached: Mapping[tuple[str, str, str], bool],
) -> list[ServicePrice]:
    """The price of every service over all plans, the dearest first.

    ``tokens_of`` gives the estimated tokens of an item; ``is_cached`` tells for (item, task,
    service) that the answer is kept.
    """
    prices: dict[str, ServicePrice] = {}
    for plan in plans:
        names = plan.services
        most = max(1, plan.calls_max // max(1, len(names)))
        for position, name in enumerate(names):
            kept = is_cached.get((plan.item_id, plan.task, name), False)
            certain = position < plan.calls_min
            call = _call(services[name], seen.get(name), tokens_of[plan.item_id])
            before = prices.get(name, ServicePrice(name, 0, 0, 0, 0, 0.0, 0.0, 0.0))
            prices[name] = _plus(before, call, most, certain=certain, kept=kept)
    return sorted(prices.values(), key=lambda call: (-call.usd, call.service))


@dataclass(frozen=True, slots=True)
class _Call:
    tokens: int
    usd: Spread


def _call(service: Service, usage: ObservedUsage | None, tokens: int) -> _Call:
    if not isinstance(service, HttpService):
        return _Call(0, Spread(service.cost_usd, service.cost_usd, service.cost_usd))
    config = service.config
    sent = min(tokens, config.context.content_tokens) + _frame(config)
    ratio = (usage and usage.token_ratio) or _UNSEEN_RATIO
    out = (usage and usage.tokens_out) or _unseen_output(config)
    again = max(usage.attempts_per_call if usage else 1.0, 1.0 + config.retries.budget)
    shared = config.price.call_usd / service.batch_size
    low, mean, high = (
        shared - config.price.call_usd + config.price.of(sent * part, written)
        for part, written in (
            (ratio.low, out.low),
            (ratio.mean, out.mean),
            (ratio.high, out.high),
        )
    )
    return _Call(sent, Spread(low, mean, high * again))


def _frame(config: HttpConfig) -> int:
    if not isinstance(config, ChatConfig):
        return 0
    return token_estimate(config.prompt.system) + token_estimate(config.prompt.user)


def _unseen_output(config: HttpConfig) -> Spread:
    if not isinstance(config, ChatConfig):
        return Spread(0.0, 0.0, 0.0)
    most = float(config.max_output_tokens)
    return Spread(min(_LEAST_OUTPUT, most), min(3.0 * _LEAST_OUTPUT, most), most)


def _plus(
    before: ServicePrice, call: _Call, most: int, *, certain: bool, kept: bool
) -> ServicePrice:
    sure = certain and not kept
    likely = 0.0 if kept else 1.0 if certain else _POSSIBLE
    # a kept answer is the first round's; the rounds after it read more, and are asked
    possible = max(0, most - kept)
    return ServicePrice(
        before.service,
        before.calls_low + sure,
        before.calls_high + possible,
        before.cached + kept,
        before.tokens + call.tokens * sure,
        before.usd_low + call.usd.low * sure,
        before.usd + call.usd.mean * likely,
        before.usd_high + call.usd.high * possible,
    )
