"""Which service to ask next, or whether to stop: backward induction over subsets of services.

V(all) is the probability that the leading answer is right. Before that,
V(S, x) = max(sure(S, x), max over j not in S of E[V(S + j) | x] - exchange * price_j),
with the expectation read off a forest grown once a subset and averaged anew for every exchange
rate (fitted value iteration, Ernst, Geurts and Wehenkel 2005).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.belief import BeliefModel, Subset, SubsetPosterior
from orchestration_assets.evidence.forest import Forest, LeafMeans, Nodes, forest_means, grow_forest
from orchestration_assets.evidence.recorded_answers import Floats, Ints, RecordedAnswers
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome

STOP = -1
_TREES = 60
_FEWEST_ROWS, _ENOUGH_ROWS = 20, 60  # in a leaf
_LEAVES_A_TREE = 400
_LEAP = 0.02  # of the dearest price
_NEAREST = 1.005


def rest_of(asked: Subset, n_services: int) -> list[int]:
    """The services not asked yet, in order."""
    return [service for service in range(n_services) if service not in asked]


def with_one(asked: Subset, service: int) -> Subset:
    """The subset after one more service."""
    return tuple(sorted((*asked, service)))


@dataclass(frozen=True)
class StepPolicy:
    """The fitted values of asking on, for ``P`` exchange rates.

    ``exchange`` (P,) accuracy that a unit of ``prices`` (K,) is worth; ``first`` (P, K) the
    value of asking each service first, before its price; ``values`` maps a subset to
    (P, N, services not asked) leaf averages of its forest.
    """

    prices: Floats
    exchange: Floats
    first: Floats
    forests: Mapping[Subset, Forest]
    values: Mapping[Subset, NDArray[np.float32]]

    @property
    def n_services(self) -> int:
        return len(self.prices)

    def worth_of_asking(
        self, asked: Subset, standing: SubsetPosterior, at: int, leaves: Nodes | None = None
    ) -> Floats:
        """(n, services not asked) value of asking each next, its price taken off."""
        rest = rest_of(asked, self.n_services)
        price = self.exchange[at] * self.prices[rest]
        if not asked:
            return np.broadcast_to(self.first[at] - price, (len(standing.confidence), len(rest)))
        if leaves is None:
            leaves = self.forests[asked].leaves(standing.features)
        worth: Floats = forest_means(leaves, self.values[asked][at]) - price
        return worth

    def next(
        self, asked: Subset, standing: SubsetPosterior, at: int, leaves: Nodes | None = None
    ) -> tuple[Ints, Floats]:
        """(n,) the service to ask next or ``STOP``, and (n,) what that gains over stopping."""
        rest = rest_of(asked, self.n_services)
        if not rest:
            return np.full(len(standing.confidence), STOP), np.zeros(len(standing.confidence))
        worth = self.worth_of_asking(asked, standing, at, leaves)
        best = worth.argmax(axis=1)
        gain: Floats = worth[np.arange(len(best)), best] - standing.confidence
        return np.where(gain > 0.0, np.array(rest)[best], STOP), gain

    def only(self, rates: list[int]) -> "StepPolicy":
        """The same, for some of the exchange rates."""
        values = {asked: leaf_values[rates] for asked, leaf_values in self.values.items()}
        return StepPolicy(
            self.prices, self.exchange[rates], self.first[rates], self.forests, values
        )


class PolicySimulator:
    """A belief and its steps on recorded answers, everything that no rate changes computed once."""

    def __init__(self, belief: BeliefModel, steps: StepPolicy, recorded: RecordedAnswers) -> None:
        self._steps = steps
        self._recorded = recorded
        scores = belief.scores(recorded)
        self._standings = {
            asked: belief.posterior(recorded, asked, scores) for asked in belief.stacks
        }
        self._leaves = {
            asked: forest.leaves(self._standings[asked].features)
            for asked, forest in steps.forests.items()
        }

    def run(self, at: int) -> PolicyOutcome:
        """The outcome at one exchange rate."""
        chosen = {
            asked: self._steps.next(asked, standing, at, self._leaves.get(asked))[0]
            for asked, standing in self._standings.items()
        }
        return follow(self._recorded, self._standings, chosen)


def follow(
    recorded: RecordedAnswers,
    standings: Mapping[Subset, SubsetPosterior],
    chosen: Mapping[Subset, Ints],
) -> PolicyOutcome:
    """Walks every item along the choices (n,) made for it after each subset, until it stops."""
    n_items, n_services = recorded.answers.shape
    asked_at = np.zeros((n_items, n_services), dtype=np.bool_)
    answers = np.zeros(n_items, dtype=np.int64)
    waiting: dict[Subset, list[Ints]] = {(): [np.arange(n_items)]}
    for asked in sorted(standings, key=lambda one: (len(one), one)):
        items = np.concatenate(waiting.pop(asked, [np.empty(0, dtype=np.int64)]))
        steps = chosen[asked][items]
        stopping = items[steps == STOP]
        answers[stopping] = standings[asked].answer[stopping]
        for service in rest_of(asked, n_services):
            going = items[steps == service]
            if going.size:
                asked_at[going, service] = True
                waiting.setdefault(with_one(asked, service), []).append(going)
    return outcome(recorded, asked_at, answers)


def fit_steps(
    train: RecordedAnswers,
    standings: Mapping[Subset, SubsetPosterior],
    prices: Floats,
    exchange: Floats,
    seed: int = 0,
    most_rates: int | None = None,
) -> tuple[StepPolicy, list[PolicyOutcome]]:
    """The values of asking on, from out-of-fold standings of the training items.

    Up to ``most_rates``, rates are added to ``exchange`` where the mean price leaps. Also gives,
    for each rate of the result, the outcome on the training items themselves when each is decided
    by trees that have not seen it.
    """
    induction = _Induction(train, standings, prices, seed)
    done = {float(rate): induction.at(float(rate)) for rate in exchange}
    while len(done) < (most_rates or 0):
        rate = _widest_leap(done, prices)
        if rate is None:
            break
        done[rate] = induction.at(rate)
    rates = sorted(done)
    solved = [done[rate] for rate in rates]
    first = np.stack([one.first for one in solved])
    values = {asked: np.stack([one.values[asked] for one in solved]) for asked in induction.forests}
    steps = StepPolicy(prices, np.array(rates), first, induction.forests, values)
    return steps, [one.outcome for one in solved]


@dataclass(frozen=True)
class _Solved:
    """One rate: values of each first service, leaf averages, and the outcome in training."""

    first: Floats
    values: Mapping[Subset, NDArray[np.float32]]
    outcome: PolicyOutcome


class _Induction:
    """What all rates share: one forest a subset, grown for who would be right next."""

    def __init__(
        self,
        train: RecordedAnswers,
        standings: Mapping[Subset, SubsetPosterior],
        prices: Floats,
        seed: int,
    ) -> None:
        self._train, self._standings, self._prices = train, standings, prices
        self.forests: dict[Subset, Forest] = {}
        self._averages: dict[Subset, LeafMeans] = {}
        # averages of few rows are noise, and the best of several noisy ones is too good
        enough = min(_ENOUGH_ROWS, train.n_items // 100)
        min_leaf = max(_FEWEST_ROWS, enough, train.n_items // _LEAVES_A_TREE)
        for asked, standing in standings.items():
            rest = rest_of(asked, train.n_services)
            if not asked or not rest:
                continue
            after = [standings[with_one(asked, service)] for service in rest]
            targets = [one.answer == train.gold for one in after] + [
                one.confidence for one in after
            ]
            stacked = np.stack(targets, axis=1).astype(np.float64)
            grown, seen = grow_forest(standing.features, stacked, _TREES, min_leaf, seed)
            self.forests[asked] = grown
            self._averages[asked] = LeafMeans(grown.leaves(standing.features), seen, grown.n_nodes)

    def at(self, rate: float) -> _Solved:
        """Backwards from all services to none."""
        n_items, n_services = self._train.answers.shape
        best: dict[Subset, Floats] = {}
        chosen: dict[Subset, Ints] = {}
        values: dict[Subset, NDArray[np.float32]] = {}
        first = np.zeros(n_services)
        for asked in sorted(self._standings, key=len, reverse=True):
            rest = rest_of(asked, n_services)
            sure = self._standings[asked].confidence
            best[asked], chosen[asked] = sure, np.full(n_items, STOP)
            if not rest:
                continue
            later = np.stack([best[with_one(asked, service)] for service in rest], axis=1)
            if asked:
                values[asked] = self._averages[asked].means(later)
                expected = self._averages[asked].out_of_bag(values[asked])
            else:
                first = later.mean(axis=0)
                expected = np.broadcast_to(first, later.shape)
            worth = expected - rate * self._prices[rest]
            top = worth.argmax(axis=1)
            highest = worth[np.arange(n_items), top]
            best[asked] = np.maximum(sure, highest)
            chosen[asked] = np.where(highest > sure, np.array(rest)[top], STOP)
        return _Solved(first, values, follow(self._train, self._standings, chosen))


def _widest_leap(done: Mapping[float, _Solved], prices: Floats) -> float | None:
    """The rate between the two neighbours whose mean prices lie furthest apart, if far enough."""
    rates = sorted(done)
    spent = [float((done[rate].outcome.asked @ prices).mean()) for rate in rates]
    widest, between = _LEAP * float(prices.max()), None
    for low, high, dear, cheap in zip(rates, rates[1:], spent, spent[1:], strict=False):
        if high / low > _NEAREST and dear - cheap > widest:
            widest, between = dear - cheap, float(np.sqrt(low * high))
    return between
