"""What a batch will cost, with an interval, before anything is paid.

Each question is priced by the mean of what such questions really cost, over the list price of a
call to each service: early exits, judges that are not asked, escalations, rounds, retries and
shared answers are then in it as they happened. Where nothing was seen a stated prior stands in:
one question with the fewest calls and one with the most. The interval is that of a ratio estimator
(Cochran, Sampling Techniques, 1977, chapter 6): what is not known of the mean, how single questions
scatter around it, what the sample leaves out, and how far tokens lie from their estimate.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t as student_t

from orchestration_assets.processing.question_costs import (
    Floats,
    Way,
    WayCosts,
    blank_costs,
    each_way,
    matrix,
    prior_rows,
)
from orchestration_assets.processing.usage import ObservedUsage, Spread
from orchestration_assets.schemas.services import ChatConfig, HttpConfig
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.services.contract import Service
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService

_UNSEEN_RATIO: Final = Spread(0.8, 1.0, 1.3)
"""Billed over estimated tokens before a service was ever billed."""
_LEAST_OUTPUT: Final = 12
_TAIL: Final = 0.975
"""The interval is to hold 95 % of outcomes."""
_DECILES: Final = 2.563
"""From the 10th to the 90th percentile of a normal distribution, in standard deviations."""


@dataclass(frozen=True, slots=True)
class ServicePrice:
    """The calls that one service is expected to get, and their price in US dollars.

    ``calls`` are expected; ``calls_low`` are certain, ``calls_high`` the most that may be made.
    ``cached`` of the questions have their answer already. The price lies between ``usd_low`` and
    ``usd_high`` with a probability of 95 %.
    """

    service: str
    calls: float
    calls_low: int
    calls_high: int
    cached: int
    usd_low: float
    usd: float
    usd_high: float


@dataclass(frozen=True, slots=True)
class CostForecast:
    """The price of every service, the dearest first, and of all together, as an interval of 95 %.

    ``observed``: earlier questions, processed in the same ways, that it rests on.
    """

    prices: tuple[ServicePrice, ...]
    usd_low: float
    usd: float
    usd_high: float
    observed: int


def list_price(
    services: Mapping[str, Service], seen: Mapping[str, ObservedUsage]
) -> Callable[[str, int], float]:
    """A function from a service and the tokens of an item to the mean price of one call."""
    return lambda name, tokens: _call(services[name], seen.get(name), tokens).mean


def forecast_prices(
    plans: Iterable[PlanRow],
    tokens_of: Mapping[str, int],
    services: Mapping[str, Service],
    seen: Mapping[str, ObservedUsage],
    is_cached: Mapping[tuple[str, str, str], bool],
    costs: Mapping[Way, WayCosts] | None = None,
    shares: Mapping[tuple[str, int], Mapping[str, float]] | None = None,
    scale: float = 1.0,
) -> CostForecast:
    """The price of all questions of which ``plans`` are an even sample, one in ``scale``.

    ``tokens_of`` gives the estimated tokens of an item; ``is_cached`` tells for (item, task,
    service) that the answer is kept. ``costs`` is what such questions cost before; ``shares`` by
    version and operating point of a learned model how often it asks each service.
    """
    ways = [
        _WayForecast(own, (costs or {}).get(way), tokens_of, services, seen, is_cached,
                     (shares or {}).get((way[2] or "", way[3] or 0), {}), scale)
        for way, own in each_way(iter(plans)).items()
    ]  # fmt: skip
    names = dict.fromkeys(name for way in ways for name in way.names)
    prices = [_service_price(name, ways) for name in names]
    prices.sort(key=lambda one: (-one.usd, one.service))
    low, usd, high = _interval([(way, np.ones(len(way.names))) for way in ways])
    observed = sum(way.observed for way in ways)
    return CostForecast(tuple(prices), low, usd, high, observed)


class _WayForecast:
    """The questions that are to be processed in one way: what each service will cost."""

    def __init__(
        self,
        plans: list[PlanRow],
        costs: WayCosts | None,
        tokens_of: Mapping[str, int],
        services: Mapping[str, Service],
        seen: Mapping[str, ObservedUsage],
        is_cached: Mapping[tuple[str, str, str], bool],
        shares: Mapping[str, float],
        scale: float,
    ) -> None:
        first = plans[0]
        self.names = first.services
        costs = costs or blank_costs(self.names)
        width = len(self.names)
        kept = np.array(
            [[is_cached.get((p.item_id, p.task, n), False) for n in self.names] for p in plans]
        ).reshape(-1, width)
        spreads = [
            [_call(services[n], seen.get(n), tokens_of[p.item_id]) for n in self.names]
            for p in plans
        ]
        mean, low, high = (
            np.array([[getattr(one, part) for one in row] for row in spreads]).reshape(-1, width)
            for part in ("mean", "low", "high")
        )
        prior = prior_rows(first, shares)
        seen_ratios, seen_calls = matrix(costs.ratios, width), matrix(costs.calls, width)
        ratios = np.vstack([prior, seen_ratios])
        self.observed = len(seen_ratios)
        self.sampled, self.scale = len(plans), scale
        due = mean * ~kept
        self.unit_costs = due
        self.totals: Floats = scale * due.sum(axis=0)
        self.rates: Floats = ratios.mean(axis=0)
        self.covariance: Floats = np.atleast_2d(np.cov(ratios.T))
        self.n_ratios = len(ratios)
        certain = np.arange(width) < first.calls_min
        most = max(1, first.calls_max // max(1, width))
        self.calls: Floats = (
            scale * (~kept).sum(axis=0) * np.vstack([prior, seen_calls]).mean(axis=0)
        )
        self.calls_low: Floats = scale * (certain * ~kept).sum(axis=0)
        # a kept answer is the first round's; the rounds after it read more, and are asked
        possible = np.maximum(most - kept, 0)
        self.calls_high: Floats = scale * possible.sum(axis=0)
        self.kept: Floats = scale * kept.sum(axis=0)
        again = np.array([_attempts_most(services[n], seen.get(n)) for n in self.names])
        self.least: Floats = scale * (low * ~kept * certain).sum(axis=0) * (self.observed == 0)
        self.most: Floats = scale * (high * possible).sum(axis=0) * again
        with np.errstate(invalid="ignore", divide="ignore"):
            width_of = np.nan_to_num((high - low).sum(axis=0) / mean.sum(axis=0))
        trust = [seen[n].attempts if n in seen else 1 for n in self.names]
        self.token_error: Floats = width_of / _DECILES / np.sqrt(trust)

    def variance(self, chosen: Floats) -> float:
        """Of the cost of the services that are ``chosen`` (weights 0 or 1), in squared dollars."""
        totals, unit = self.totals * chosen, self.unit_costs * chosen
        of_mean = totals @ self.covariance @ totals / self.n_ratios
        of_questions = self.scale * np.einsum("qs,st,qt->", unit, self.covariance, unit)
        whole = self.sampled * self.scale
        left_out = 0.0
        if self.sampled > 1 and self.scale > 1.0:
            spread = float((unit @ self.rates).var(ddof=1))
            left_out = whole**2 * (1.0 - 1.0 / self.scale) * spread / self.sampled
        of_tokens = float(((totals * self.rates * self.token_error) ** 2).sum())
        return float(of_mean + of_questions) + left_out + of_tokens


def _interval(parts: list[tuple[_WayForecast, Floats]]) -> tuple[float, float, float]:
    """Low, expected and high: variances add up, each with the quantile of what it rests on."""
    usd = sum(float((way.totals * way.rates) @ chosen) for way, chosen in parts)
    half = np.sqrt(
        sum(
            student_t.ppf(_TAIL, way.n_ratios - 1) ** 2 * way.variance(chosen)
            for way, chosen in parts
        )
    )
    least = sum(float(way.least @ chosen) for way, chosen in parts)
    most = sum(float(way.most @ chosen) for way, chosen in parts)
    return min(usd, max(least, usd - half)), usd, max(usd, min(most, usd + half))


def _service_price(name: str, ways: list[_WayForecast]) -> ServicePrice:
    parts = [
        (way, np.array([float(n == name) for n in way.names])) for way in ways if name in way.names
    ]
    low, usd, high = _interval(parts)

    def total(part: str) -> float:
        return sum(float(getattr(way, part) @ chosen) for way, chosen in parts)

    return ServicePrice(
        name,
        total("calls"),
        round(total("calls_low")),
        round(total("calls_high")),
        round(total("kept")),
        low,
        usd,
        high,
    )


def _call(service: Service, usage: ObservedUsage | None, tokens: int) -> Spread:
    """The price of one call, without retries."""
    if not isinstance(service, HttpService):
        return Spread(service.cost_usd, service.cost_usd, service.cost_usd)
    config = service.config
    sent = min(tokens, config.context.content_tokens) + _frame(config)
    ratio = (usage and usage.token_ratio) or _UNSEEN_RATIO
    out = (usage and usage.tokens_out) or _unseen_output(config)
    shared = config.price.call_usd / service.batch_size
    low, mean, high = (
        shared - config.price.call_usd + config.price.of(sent * part, written)
        for part, written in (
            (ratio.low, out.low),
            (ratio.mean, out.mean),
            (ratio.high, out.high),
        )
    )
    return Spread(low, mean, high)


def _attempts_most(service: Service, usage: ObservedUsage | None) -> float:
    """How many attempts a call may take in the mean, with the retries and repairs seen so far."""
    if not isinstance(service, HttpService):
        return 1.0
    return max(usage.attempts_per_call if usage else 1.0, 1.0 + service.config.retries.budget)


def _frame(config: HttpConfig) -> int:
    if not isinstance(config, ChatConfig):
        return 0
    return token_estimate(config.prompt.system) + token_estimate(config.prompt.user)


def _unseen_output(config: HttpConfig) -> Spread:
    if not isinstance(config, ChatConfig):
        return Spread(0.0, 0.0, 0.0)
    most = float(config.max_output_tokens)
    return Spread(min(_LEAST_OUTPUT, most), min(3.0 * _LEAST_OUTPUT, most), most)
