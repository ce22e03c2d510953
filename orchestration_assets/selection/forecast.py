"""What a choice may take: a bound on calls, time and money before anything is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.policy import Choice, Rounds


@dataclass(frozen=True, slots=True)
class Price:
    """What one call to a service is expected to take."""

    expected_ms: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Fewest and most calls; expected time and highest cost if all of them are made."""

    calls_min: int
    calls_max: int
    expected_ms: float
    cost_usd_max: float

    def then(self, other: "Forecast") -> "Forecast":
        """This, and after it the other."""
        return Forecast(
            self.calls_min + other.calls_min,
            self.calls_max + other.calls_max,
            self.expected_ms + other.expected_ms,
            self.cost_usd_max + other.cost_usd_max,
        )

    def at_most(self) -> "Forecast":
        """This, or nothing at all."""
        return Forecast(0, self.calls_max, self.expected_ms, self.cost_usd_max)

    def either(self, other: "Forecast") -> "Forecast":
        """This or the other: the wider bounds of both."""
        return Forecast(
            min(self.calls_min, other.calls_min),
            max(self.calls_max, other.calls_max),
            max(self.expected_ms, other.expected_ms),
            max(self.cost_usd_max, other.cost_usd_max),
        )


_NOTHING = Forecast(0, 0, 0.0, 0.0)


def forecast(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    """The bounds of a choice with its router, judge and escalation."""
    ahead = _NOTHING
    if choice.route is not None:
        ways = [
            forecast(way, prices) for way in (*choice.route.to.values(), choice.route.otherwise)
        ]
        ahead = _one(choice.route.service, prices).then(reduce(Forecast.either, ways))
    elif choice.services:
        ahead = _MODELS[choice.model](choice, prices)
    if choice.judge is not None:
        judge = _one(choice.judge.service, prices)
        ahead = ahead.then(judge if choice.judge.when == "always" else judge.at_most())
    if choice.escalate is not None:
        ahead = ahead.then(forecast(choice.escalate.to, prices).at_most())
    return ahead


def _one(service: str, prices: Mapping[str, Price]) -> Forecast:
    price = prices[service]
    return Forecast(1, 1, price.expected_ms, price.cost_usd)


def _sequential(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    whole = reduce(Forecast.then, (_one(name, prices) for name in choice.services))
    if choice.stop_at is None:
        return whole
    fewest = min(choice.min_readings, whole.calls_max)
    return Forecast(fewest, whole.calls_max, whole.expected_ms, whole.cost_usd_max)


def _parallel(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    whole = _sequential(choice, prices)
    slowest = max(prices[name].expected_ms for name in choice.services)
    return Forecast(whole.calls_max, whole.calls_max, slowest, whole.cost_usd_max)


def _iterative(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    once, most = _parallel(choice, prices), (choice.rounds or Rounds()).max_rounds
    return Forecast(
        once.calls_max, once.calls_max * most, once.expected_ms * most, once.cost_usd_max * most
    )


def _hybrid(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    whole = _parallel(choice, prices)
    ends: dict[str, float] = {}

    def end(name: str) -> float:
        if name not in ends:
            begin = max((end(before) for before in choice.after.get(name, ())), default=0.0)
            ends[name] = begin + prices[name].expected_ms
        return ends[name]

    critical_path = max(end(name) for name in choice.services)
    return Forecast(whole.calls_min, whole.calls_max, critical_path, whole.cost_usd_max)


_MODELS: Mapping[ProcessingModel, Callable[[Choice, Mapping[str, Price]], Forecast]] = {
    ProcessingModel.SEQUENTIAL: _sequential,
    ProcessingModel.PARALLEL: _parallel,
    ProcessingModel.ITERATIVE: _iterative,
    ProcessingModel.HYBRID: _hybrid,
}
