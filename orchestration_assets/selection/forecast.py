"""Forecasts of a choice: bounds on calls, time and cost before any service is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.policy import Choice, Rounds, Validation


@dataclass(frozen=True, slots=True)
class Price:
    """Expected time and cost of one call to a service."""

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

    def of_parts(self, parts: int | None, joiner: Price | None) -> "Forecast":
        """This about so many parts, each call followed by one to the service that joins, if any.

        Calls stay what they are: those about parts are one. Parts are asked of at once.
        """
        if parts is None:
            return self
        joins = Price(0.0, 0.0) if joiner is None else joiner
        cost = self.cost_usd_max * parts + joins.cost_usd * self.calls_max
        return replace(self, expected_ms=self.expected_ms + joins.expected_ms, cost_usd_max=cost)

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
    total = _NOTHING
    if choice.route is not None:
        ways = [
            forecast(way, prices) for way in (*choice.route.to.values(), choice.route.otherwise)
        ]
        total = _single_call(choice.route.service, prices).then(reduce(Forecast.either, ways))
    elif choice.services:
        total = _MODELS[choice.model](choice, prices)
    if choice.judge is not None:
        judge = _single_call(choice.judge.service, prices)
        total = total.then(judge if choice.judge.when == "always" else judge.at_most())
    if choice.escalate is not None:
        total = total.then(forecast(choice.escalate.to, prices).at_most())
    return total


def forecast_validation(
    rules: Sequence[Validation], choice: Choice, prices: Mapping[str, Price]
) -> Forecast:
    """The bounds of validating an answer that the choice came to: services are asked about it, and
    once more about each change that their objections may lead to."""
    again = sum(rule.attempts for rule in rules if rule.service and rule.otherwise == "repair")
    declared = [rule.escalate_to for rule in rules if rule.otherwise == "escalate"]
    # without a name each service of the choice comes in turn, which its own bounds have
    others = [name for name in dict.fromkeys(declared) if name]
    changes = again + len(others) + (len(choice.admissible) if None in declared else 0)
    calls = [name for rule in rules if (name := rule.service) for _ in range(1 + changes)]
    calls += [*others, *(name for name in choice.services for _ in range(again))]
    total = _NOTHING
    for name in calls:
        total = total.then(_single_call(name, prices))
    return total.at_most()


def _single_call(service: str, prices: Mapping[str, Price]) -> Forecast:
    price = prices[service]
    return Forecast(1, 1, price.expected_ms, price.cost_usd)


def _sequential(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    total = reduce(Forecast.then, (_single_call(name, prices) for name in choice.services))
    if choice.stop_at is None:
        return total
    fewest = min(choice.min_readings, total.calls_max)
    return Forecast(fewest, total.calls_max, total.expected_ms, total.cost_usd_max)


def _parallel(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    total = _sequential(choice, prices)
    slowest = max(prices[name].expected_ms for name in choice.services)
    return Forecast(total.calls_max, total.calls_max, slowest, total.cost_usd_max)


def _iterative(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    one_round, max_rounds = (
        _parallel(choice, prices),
        (choice.panel or choice.rounds or Rounds()).max_rounds,
    )
    return Forecast(
        one_round.calls_max,
        one_round.calls_max * max_rounds,
        one_round.expected_ms * max_rounds,
        one_round.cost_usd_max * max_rounds,
    )


def _hybrid(choice: Choice, prices: Mapping[str, Price]) -> Forecast:
    total = _parallel(choice, prices)
    ends: dict[str, float] = {}

    def end(name: str) -> float:
        if name not in ends:
            begin = max((end(before) for before in choice.after.get(name, ())), default=0.0)
            ends[name] = begin + prices[name].expected_ms
        return ends[name]

    critical_path = max(end(name) for name in choice.services)
    return Forecast(total.calls_min, total.calls_max, critical_path, total.cost_usd_max)


_MODELS: Mapping[ProcessingModel, Callable[[Choice, Mapping[str, Price]], Forecast]] = {
    ProcessingModel.SEQUENTIAL: _sequential,
    ProcessingModel.PARALLEL: _parallel,
    ProcessingModel.ITERATIVE: _iterative,
    ProcessingModel.HYBRID: _hybrid,
}
