"""What a batch will cost, with an interval, before anything is paid.

Each question is priced by what such questions really cost in all, over what one call to each
service for all of them should (long items count more: they may also be read in more rounds): early
exits, judges that are not asked, escalations, rounds, retries and shared answers are then in it as
they happened. Where nothing was seen a stated prior stands in: one question with the fewest calls
and one with the most. The interval is that of a ratio estimator (Cochran, Sampling Techniques,
1977, chapter 6): what is not known of the mean, how single questions scatter around it, what the
sample leaves out, and how far tokens lie from their estimate.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.processing.question_costs import (
    Floats,
    ListPrice,
    Way,
    WayCosts,
    blank_costs,
    certain_services,
    each_way,
    matrix,
    prior_rows,
    single_call_ratios,
)
from orchestration_assets.processing.usage import ObservedUsage, Spread
from orchestration_assets.schemas.services import ChatConfig, HttpConfig
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.shown_context import (
    NOTHING_SHOWN,
    ShownPieces,
    shown_tokens,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.text.replies.stated_reasons import prompt_tokens
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


def list_price(services: Mapping[str, Service], seen: Mapping[str, ObservedUsage]) -> ListPrice:
    """What it costs in the mean to ask a service about each part of an item once."""

    def price(name: str, tokens: int, parts: int = 1, shown: ShownPieces = NOTHING_SHOWN) -> float:
        return _calls(services[name], seen.get(name), tokens, parts, shown).mean

    return price


def forecast_prices(
    plans: Iterable[PlanRow],
    tokens_of: Mapping[str, int],
    services: Mapping[str, Service],
    seen: Mapping[str, ObservedUsage],
    kept_shares: Mapping[tuple[str, str, str], float],
    costs: Mapping[Way, WayCosts] | None = None,
    shares: Mapping[tuple[str, int], Mapping[str, float]] | None = None,
    scale: float = 1.0,
    shown: Mapping[tuple[str, str], ShownPieces] | None = None,
) -> CostForecast:
    """The price of all questions of which ``plans`` are an even sample, one in ``scale``.

    ``tokens_of`` gives the estimated tokens of an item; ``kept_shares`` tells for (item, task,
    service) whether the answer is kept, 1 or 0, or for which share of the parts. ``costs`` is what
    such questions cost before; ``shown`` what there is to show beside the content by (item, task);
    ``shares`` by version and operating point of a learned model how
    often it asks each service.
    """
    single = single_call_ratios((costs or {}).values())
    ways = [
        _WayForecast(own, (costs or {}).get(way), tokens_of, services, seen, kept_shares,
                     (shares or {}).get((way[2] or "", way[3] or 0), {}), single, scale,
                     shown or {})
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
        kept_shares: Mapping[tuple[str, str, str], float],
        shares: Mapping[str, float],
        single: Mapping[str, float],
        scale: float,
        shown: Mapping[tuple[str, str], ShownPieces],
    ) -> None:
        first = plans[0]
        self.names, self.task = first.services, first.task
        costs = costs or blank_costs(self.names)
        width = len(self.names)
        kept = np.array(
            [[kept_shares.get((p.item_id, p.task, n), 0.0) for n in self.names] for p in plans]
        ).reshape(-1, width)
        spreads = [
            [
                _calls(
                    services[n],
                    seen.get(n),
                    tokens_of[p.item_id],
                    p.parts or 1,
                    shown.get((p.item_id, p.task), NOTHING_SHOWN),
                )
                for n in self.names
            ]
            for p in plans
        ]
        mean, low, high = (
            np.array([[getattr(one, part) for one in row] for row in spreads]).reshape(-1, width)
            for part in ("mean", "low", "high")
        )
        prior = prior_rows(first, shares)
        seen_ratios, seen_calls = matrix(costs.ratios, width), matrix(costs.calls, width)
        # a call costs in this way what it costs in others
        of_one_call = np.array([single.get(n, 1.0) for n in self.names])
        ratios = np.vstack([prior * of_one_call, seen_ratios])
        shares_of_cost = self._weights(matrix(costs.prices, width), len(prior))
        self.observed = len(seen_ratios)
        self.sampled, self.scale = len(plans), scale
        due = mean * (1.0 - kept)
        self.unit_costs = due
        self.totals: Floats = scale * due.sum(axis=0)
        self.rates: Floats = (shares_of_cost * ratios).mean(axis=0)
        # of what questions cost beyond their expected cost, in units of the mean price of a call
        residuals = shares_of_cost * (ratios - self.rates)
        self.covariance: Floats = np.atleast_2d(np.cov(residuals.T))
        self.n_ratios = len(ratios)
        certain = np.array(certain_services(first, shares))
        most = max(1, first.calls_max // max(1, width))
        parts = np.array([[plan.parts or 1] for plan in plans])
        self.calls: Floats = (
            scale * ((1.0 - kept) * parts).sum(axis=0) * np.vstack([prior, seen_calls]).mean(axis=0)
        )
        self.calls_low: Floats = scale * (certain * (1.0 - kept) * parts).sum(axis=0)
        # a kept answer is the first round's; the rounds after it read more, and are asked
        possible = np.maximum(most - kept, 0)
        self.calls_high: Floats = scale * (possible * parts).sum(axis=0)
        self.kept: Floats = scale * (kept * parts).sum(axis=0)
        again = np.array([_attempts_most(services[n], seen.get(n)) for n in self.names])
        self.least: Floats = (
            scale * (low * (1.0 - kept) * certain).sum(axis=0) * (self.observed == 0)
        )
        self.most: Floats = scale * (high * possible).sum(axis=0) * again
        with np.errstate(invalid="ignore", divide="ignore"):
            width_of = np.nan_to_num((high - low).sum(axis=0) / mean.sum(axis=0))
        # questions of a way that was never seen may differ from the others as single ones do
        trust = [seen[n].attempts if n in seen and self.observed else 1 for n in self.names]
        self.token_error: Floats = width_of / _DECILES / np.sqrt(trust)

    @staticmethod
    def _weights(prices: Floats, n_prior: int) -> Floats:
        """The price of a call about each question over the mean of all; 1 for made-up ones."""
        mean = prices.mean(axis=0) if len(prices) else np.ones(prices.shape[1])
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = np.where(mean > 0.0, prices / mean, 1.0)
        return np.vstack([np.ones((n_prior, prices.shape[1])), weights])

    def variance(self, chosen: Floats) -> float:
        """Of the cost of the services that are ``chosen`` (weights 0 or 1), in squared dollars."""
        totals, unit = self.totals * chosen, self.unit_costs * chosen
        of_mean = totals @ self.covariance @ totals / self.n_ratios
        whole = self.sampled * self.scale
        # the residuals of long items are in the covariance already: each counts as a mean one
        of_questions = totals @ self.covariance @ totals / whole
        left_out = 0.0
        if self.sampled > 1 and self.scale > 1.0:
            spread = float((unit @ self.rates).var(ddof=1))
            left_out = whole**2 * (1.0 - 1.0 / self.scale) * spread / self.sampled
        of_tokens = float(((totals * self.rates * self.token_error) ** 2).sum())
        return float(of_mean + of_questions) + left_out + of_tokens


def _interval(parts: list[tuple[_WayForecast, Floats]]) -> tuple[float, float, float]:
    """Low, expected and high: variances add up, each with the quantile of what it rests on."""
    # Student's t; scipy.stats, which has it too, takes a second to import
    from scipy.special import stdtrit

    usd = sum(float((way.totals * way.rates) @ chosen) for way, chosen in parts)
    half = np.sqrt(
        sum(stdtrit(way.n_ratios - 1, _TAIL) ** 2 * way.variance(chosen) for way, chosen in parts)
        + stdtrit(np.inf, _TAIL) ** 2 * _variance_between(parts)
    )
    least = sum(float(way.least @ chosen) for way, chosen in parts)
    most = sum(float(way.most @ chosen) for way, chosen in parts)
    return min(usd, max(least, usd - half)), usd, max(usd, min(most, usd + half))


def _variance_between(parts: list[tuple[_WayForecast, Floats]]) -> float:
    """Of the cost, in squared dollars, since the sample may hold another mixture of the ways than
    all items do: that of the means of the ways, by task."""
    by_task: defaultdict[str, list[tuple[_WayForecast, Floats]]] = defaultdict(list)
    for way, chosen in parts:
        by_task[way.task].append((way, chosen))
    total = 0.0
    for ways in by_task.values():
        counts = np.array([float(way.sampled) for way, _ in ways])
        means = np.array(
            [float((way.unit_costs @ (way.rates * chosen)).mean()) for way, chosen in ways]
        )
        n, scale = counts.sum(), ways[0][0].scale
        if n > 1.0 and scale > 1.0:
            spread = counts @ (means - counts @ means / n) ** 2 / (n - 1.0)
            total += float((n * scale) ** 2 * (1.0 - 1.0 / scale) * spread / n)
    return total


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


def _calls(
    service: Service, usage: ObservedUsage | None, tokens: int, parts: int, shown: ShownPieces
) -> Spread:
    """The price of a call about each part, of which all together have so many tokens."""
    one = _call(service, usage, tokens // parts, shown_tokens(service, shown))
    return Spread(parts * one.low, parts * one.mean, parts * one.high)


def _call(service: Service, usage: ObservedUsage | None, tokens: int, shown: int) -> Spread:
    """The price of one call that shows so many tokens beside the content, without retries."""
    if not isinstance(service, HttpService):
        return Spread(service.cost_usd, service.cost_usd, service.cost_usd)
    config = service.config
    sent = min(tokens, config.context.content_tokens) + _frame(config) + shown
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
    return prompt_tokens(config)


def _unseen_output(config: HttpConfig) -> Spread:
    if not isinstance(config, ChatConfig):
        return Spread(0.0, 0.0, 0.0)
    most = float(config.output_tokens)
    return Spread(min(_LEAST_OUTPUT, most), min(3.0 * _LEAST_OUTPUT, most), most)
