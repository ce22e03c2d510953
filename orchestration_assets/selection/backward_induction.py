"""Backward induction over subsets of services: which service to ask next, or whether to stop.

V(all) is the probability that the leading answer is right. Before that,
V(S, x) = max(confidence(S, x), max over j not in S of E[V(S + j) | x] - rate * price_j),
with the expectation estimated by a forest that is grown once a subset and whose leaves are
averaged for every exchange rate (fitted value iteration, Ernst, Geurts and Wehenkel 2005). The
leaves average V(S + j) - confidence(S): what varies within a leaf is mostly common to both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.belief import BeliefModel, Subset, SubsetPosterior
from orchestration_assets.evidence.forest import Forest, LeafMeans, Nodes, forest_means, grow_forest
from orchestration_assets.evidence.recorded_answers import Floats, Ints, RecordedAnswers
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_answers

STOP = -1
_N_TREES = 60
_MIN_LEAF_ROWS, _MAX_MIN_LEAF_ROWS = 20, 60  # in a leaf
_LEAVES_PER_TREE = 400
_MIN_PRICE_GAP = 0.02  # of the dearest price
_MIN_RATE_RATIO = 1.005


def remaining_services(subset: Subset, n_services: int) -> list[int]:
    """The services not asked yet, in order."""
    return [service for service in range(n_services) if service not in subset]


def subset_with(subset: Subset, service: int) -> Subset:
    """The subset after one more service."""
    return tuple(sorted((*subset, service)))


@dataclass(frozen=True)
class StepPolicy:
    """The fitted values of asking another service, for ``P`` exchange rates.

    ``exchange_rates`` (P,): accuracy that a unit of ``prices`` (K,) is worth; ``first_values``
    (P, K) the value of asking each service first, before its price; ``leaf_values`` maps a subset
    to (P, N, services not asked) leaf averages, in its forest, of what asking adds to the
    confidence, before its price.
    """

    prices: Floats
    exchange_rates: Floats
    first_values: Floats
    forests: Mapping[Subset, Forest]
    leaf_values: Mapping[Subset, NDArray[np.float32]]

    @property
    def n_services(self) -> int:
        return len(self.prices)

    def net_values(
        self,
        subset: Subset,
        posterior: SubsetPosterior,
        rate_index: int,
        leaves: Nodes | None = None,
    ) -> Floats:
        """(n, services not asked) value of asking each next, net of its price."""
        remaining = remaining_services(subset, self.n_services)
        price = self.exchange_rates[rate_index] * self.prices[remaining]
        if not subset:
            return np.broadcast_to(
                self.first_values[rate_index] - price, (len(posterior.confidence), len(remaining))
            )
        if leaves is None:
            leaves = self.forests[subset].leaves(posterior.features)
        gains = forest_means(leaves, self.leaf_values[subset][rate_index])
        values: Floats = posterior.confidence[:, None] + gains - price
        return values

    def next_service(
        self,
        subset: Subset,
        posterior: SubsetPosterior,
        rate_index: int,
        leaves: Nodes | None = None,
    ) -> tuple[Ints, Floats]:
        """(n,) the service to ask next or ``STOP``, and (n,) its net gain over stopping."""
        remaining = remaining_services(subset, self.n_services)
        if not remaining:
            return np.full(len(posterior.confidence), STOP), np.zeros(len(posterior.confidence))
        values = self.net_values(subset, posterior, rate_index, leaves)
        best = values.argmax(axis=1)
        gain: Floats = values[np.arange(len(best)), best] - posterior.confidence
        return np.where(gain > 0.0, np.array(remaining)[best], STOP), gain

    def select_rates(self, rates: list[int]) -> "StepPolicy":
        """The same policy for the exchange rates at these positions."""
        values = {subset: per_rate[rates] for subset, per_rate in self.leaf_values.items()}
        return StepPolicy(
            self.prices, self.exchange_rates[rates], self.first_values[rates], self.forests, values
        )


class PolicySimulator:
    """Simulates a step policy on recorded answers; what no rate changes is computed once."""

    def __init__(self, belief: BeliefModel, steps: StepPolicy, recorded: RecordedAnswers) -> None:
        self._steps = steps
        self._recorded = recorded
        scores = belief.scores(recorded)
        self._posteriors = {
            subset: belief.posterior(recorded, subset, scores) for subset in belief.stacks
        }
        self._leaves = {
            subset: forest.leaves(self._posteriors[subset].features)
            for subset, forest in steps.forests.items()
        }

    def run(self, rate_index: int) -> PolicyOutcome:
        """The outcome at one exchange rate."""
        choices = {
            subset: self._steps.next_service(
                subset, posterior, rate_index, self._leaves.get(subset)
            )[0]
            for subset, posterior in self._posteriors.items()
        }
        return simulate_choices(self._recorded, self._posteriors, choices)


def simulate_choices(
    recorded: RecordedAnswers,
    posteriors: Mapping[Subset, SubsetPosterior],
    choices: Mapping[Subset, Ints],
) -> PolicyOutcome:
    """Follows the choices (n,) after each subset, item by item, until each one stops."""
    n_items, n_services = recorded.answers.shape
    asked = np.zeros((n_items, n_services), dtype=np.bool_)
    answers = np.zeros(n_items, dtype=np.int64)
    arriving: dict[Subset, list[Ints]] = {(): [np.arange(n_items)]}
    for subset in sorted(posteriors, key=lambda subset: (len(subset), subset)):
        items = np.concatenate(arriving.pop(subset, [np.empty(0, dtype=np.int64)]))
        steps = choices[subset][items]
        stopping = items[steps == STOP]
        answers[stopping] = posteriors[subset].answer[stopping]
        for service in remaining_services(subset, n_services):
            continuing = items[steps == service]
            if continuing.size:
                asked[continuing, service] = True
                arriving.setdefault(subset_with(subset, service), []).append(continuing)
    return outcome_of_answers(recorded, asked, answers)


def fit_step_policy(
    states: "StepStates",
    prices: Floats,
    exchange_rates: Floats,
    max_rates: int | None = None,
) -> tuple[StepPolicy, list[PolicyOutcome]]:
    """Fits the values of asking at the ``prices`` (K,) of calls.

    Up to ``max_rates``, rates are added to ``exchange_rates`` in the widest gaps of mean price.
    Also returns, for each rate of the result, the outcome on the training items when each is
    decided by trees that have not seen it.
    """
    solutions = {float(rate): states.solve(float(rate), prices) for rate in exchange_rates}
    while len(solutions) < (max_rates or 0):
        rate = _rate_in_widest_gap(solutions, prices)
        if rate is None:
            break
        solutions[rate] = states.solve(rate, prices)
    rates = sorted(solutions)
    ordered = [solutions[rate] for rate in rates]
    first_values = np.stack([solution.first_values for solution in ordered])
    leaf_values = {
        subset: np.stack([solution.leaf_values[subset] for solution in ordered])
        for subset in states.forests
    }
    steps = StepPolicy(prices, np.array(rates), first_values, states.forests, leaf_values)
    return steps, [solution.outcome for solution in ordered]


@dataclass(frozen=True)
class _RateSolution:
    """At one rate: values of each first service, leaf averages, outcome on training items."""

    first_values: Floats
    leaf_values: Mapping[Subset, NDArray[np.float32]]
    outcome: PolicyOutcome


class StepStates:
    """Out-of-fold posteriors of the training items after each subset of services, with one forest
    a subset: shared by all prices and exchange rates.

    It predicts for each service not yet asked whether the answer after it would be right, and how
    confident that answer would be.
    """

    def __init__(
        self,
        train: RecordedAnswers,
        posteriors: Mapping[Subset, SubsetPosterior],
        seed: int = 0,
    ) -> None:
        self._train, self._posteriors = train, posteriors
        self.forests: dict[Subset, Forest] = {}
        self._leaf_means: dict[Subset, LeafMeans] = {}
        # averages of few rows are noise, and the best of several noisy ones is too good
        share = min(_MAX_MIN_LEAF_ROWS, train.n_items // 100)
        min_leaf = max(_MIN_LEAF_ROWS, share, train.n_items // _LEAVES_PER_TREE)
        for subset, posterior in posteriors.items():
            remaining = remaining_services(subset, train.n_services)
            if not subset or not remaining:
                continue
            later_posteriors = [posteriors[subset_with(subset, service)] for service in remaining]
            targets = [later.answer == train.gold for later in later_posteriors]
            targets += [later.confidence for later in later_posteriors]
            stacked = np.stack(targets, axis=1).astype(np.float64)
            forest, in_bag = grow_forest(posterior.features, stacked, _N_TREES, min_leaf, seed)
            self.forests[subset] = forest
            leaves = forest.leaves(posterior.features)
            self._leaf_means[subset] = LeafMeans(leaves, in_bag, forest.n_nodes)

    def solve(self, rate: float, prices: Floats) -> _RateSolution:
        """Values at one exchange rate and the prices (K,) of calls, backwards from the subset of
        all services to the empty."""
        n_items, n_services = self._train.answers.shape
        values: dict[Subset, Floats] = {}
        choices: dict[Subset, Ints] = {}
        leaf_values: dict[Subset, NDArray[np.float32]] = {}
        first_values = np.zeros(n_services)
        for subset in sorted(self._posteriors, key=len, reverse=True):
            remaining = remaining_services(subset, n_services)
            confidence = self._posteriors[subset].confidence
            values[subset], choices[subset] = confidence, np.full(n_items, STOP)
            if not remaining:
                continue
            later = [values[subset_with(subset, service)] for service in remaining]
            later_values = np.stack(later, axis=1)
            if subset:
                leaf_means, now = self._leaf_means[subset], confidence[:, None]
                leaf_values[subset] = leaf_means.means(later_values - now)
                expected = now + leaf_means.out_of_bag(leaf_values[subset])
            else:
                first_values = self._train.mean(later_values)
                expected = np.broadcast_to(first_values, later_values.shape)
            net_values = expected - rate * prices[remaining]
            best = net_values.argmax(axis=1)
            best_value = net_values[np.arange(n_items), best]
            values[subset] = np.maximum(confidence, best_value)
            choices[subset] = np.where(best_value > confidence, np.array(remaining)[best], STOP)
        outcome = simulate_choices(self._train, self._posteriors, choices)
        return _RateSolution(first_values, leaf_values, outcome)


def _rate_in_widest_gap(solutions: Mapping[float, _RateSolution], prices: Floats) -> float | None:
    """The rate between the two neighbours whose mean prices lie furthest apart, if far enough."""
    rates = sorted(solutions)
    mean_prices = [float(solutions[rate].outcome.ask_shares @ prices) for rate in rates]
    widest, rate_between = _MIN_PRICE_GAP * float(prices.max()), None
    for low, high, dearer, cheaper in zip(
        rates, rates[1:], mean_prices, mean_prices[1:], strict=False
    ):
        if high / low > _MIN_RATE_RATIO and dearer - cheaper > widest:
            widest, rate_between = dearer - cheaper, float(np.sqrt(low * high))
    return rate_between
