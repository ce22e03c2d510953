"""Fitting a selector: which services to ask, from recorded answers.

Five families of policies compete at every exchange rate of accuracy and price: one service, a
cascade on stated confidence, FrugalML's class, the belief model with backward induction, and, where
it is known what may be expected of each service before any call, the policy that starts from that.
Each is evaluated out of fold, and the one of the highest accuracy less rate * price is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.belief import (
    MAX_SERVICES,
    BeliefModel,
    fit_belief,
)
from orchestration_assets.evidence.recorded_answers import Floats, Ints, RecordedAnswers
from orchestration_assets.selection.backward_induction import (
    PolicySimulator,
    StepPolicy,
    StepStates,
    fit_step_policy,
)
from orchestration_assets.selection.baselines import Cascade, SingleService, fit_cascade, fit_single
from orchestration_assets.selection.content_fitting import (
    FittedContentPolicy,
    fit_content_policies,
)
from orchestration_assets.selection.content_policy import ContentPolicy
from orchestration_assets.selection.content_simulation import ContentSimulator
from orchestration_assets.selection.currencies import Currency
from orchestration_assets.selection.frugal import AddOn, fit_frugal
from orchestration_assets.selection.policy_outcomes import (
    PolicyOutcome,
    best_single,
    exchange_rates,
)

MAX_FEW_LABELS: Final = 300
RATES: Final = 32
_FOLDS = 5

SINGLE, CASCADE, ADD_ON, STACK = "single", "cascade", "add_on", "stack"
CONTENT: Final = "content"
_MIN_CONTENT_ITEMS: Final = 40
# standard errors of a paired difference to a single service, with many outcomes and with few
_LEAST_LEAD, _LEAST_LEAD_OF_FEW = 1.0, 2.3


FixedPolicy = SingleService | Cascade | AddOn
Fit = Callable[[RecordedAnswers, Floats], Sequence[FixedPolicy]]
FAMILIES: Final[Mapping[str, Fit]] = {
    SINGLE: fit_single,
    CASCADE: fit_cascade,
    ADD_ON: fit_frugal,
}


@dataclass(frozen=True)
class FamilyResult:
    """Out-of-fold results of one family at each of ``P`` exchange rates: Lagrangian ``values``,
    ``accuracies`` and mean ``prices`` (P,), and ``asked`` (P, K) how often each service was
    asked."""

    values: Floats
    accuracies: Floats
    prices: Floats
    asked: Floats


@dataclass(frozen=True)
class Selector:
    """A fitted selector of one task.

    ``services`` and ``labels`` name the positions. At each exchange rate (P,) ``families`` names
    the best family; ``fixed`` holds the policies of the simple families by rate, ``belief`` and
    ``step_policy`` the family ``STACK`` where there are labels enough, ``content`` the family
    ``CONTENT`` where it is known what to expect. ``validation`` holds each family's results out of
    fold, ``best_service`` is the most accurate by itself, and ``description`` says what the fit
    rests on.
    """

    services: tuple[str, ...]
    labels: tuple[str, ...]
    exchange_rates: Floats
    families: tuple[str, ...]
    fixed: Mapping[str, Sequence[FixedPolicy]]
    belief: BeliefModel | None
    step_policy: StepPolicy | None
    validation: Mapping[str, FamilyResult]
    best_service: int
    n_gold: int
    description: str
    content: ContentPolicy | None = None

    def validated(self, rate: int) -> tuple[float, float]:
        """Accuracy and mean price at one rate, out of fold."""
        result = self.validation[self.families[rate]]
        return float(result.accuracies[rate]), float(result.prices[rate])

    def run(
        self,
        recorded: RecordedAnswers,
        expected: Floats | None = None,
        prices: Floats | None = None,
    ) -> list[PolicyOutcome]:
        """The outcomes on recorded answers, one an exchange rate.

        ``expected`` (n, K) are the scores expected before any call; without them the family
        ``CONTENT`` raises ValueError. ``prices`` (n, K) are those of a call on each item, by
        default what calls cost on average.
        """
        simulator, content = None, None
        if self.content is not None and CONTENT in self.families:
            if expected is None:
                raise ValueError(f"{recorded.name}: the family {CONTENT} needs expected scores")
            content = ContentSimulator(self.content, expected, recorded, prices)
        if self.belief is not None and self.step_policy is not None and STACK in self.families:
            simulator = PolicySimulator(self.belief, self.step_policy, recorded)
        outcomes = []
        for rate, family in enumerate(self.families):
            if family == STACK and simulator is not None:
                outcomes.append(simulator.run(rate))
            elif family == CONTENT and content is not None:
                outcomes.append(content.run(rate))
            else:
                outcomes.append(self.fixed[family][rate].run(recorded))
        return outcomes

    def cheapest_rate(self, accuracy: float) -> int:
        """The cheapest rate that reaches this accuracy out of fold; else the most accurate."""
        points = [self.validated(rate) for rate in range(len(self.exchange_rates))]
        sufficient = [
            (price, rate) for rate, (reached, price) in enumerate(points) if reached >= accuracy
        ]
        if sufficient:
            return min(sufficient)[1]
        return max(range(len(points)), key=lambda rate: (points[rate][0], -points[rate][1]))


def fit_selector(
    train: RecordedAnswers,
    prices: Floats | None = None,
    n_rates: int = RATES,
    seed: int = 0,
    expected: Floats | None = None,
    times: Floats | None = None,
) -> Selector:
    """The selector of one currency, of ``prices``, by default mean USD, and ``times``; see
    :func:`fit_selectors`."""
    currency = Currency(train.prices if prices is None else prices, times)
    return fit_selectors(train, [currency], n_rates, seed, expected)[0]


@dataclass(frozen=True)
class _Judged:
    """What families without content reach in one currency, out of fold; ``step_policy`` is that of
    the family ``STACK``."""

    currency: Currency
    rates: Floats
    step_policy: StepPolicy | None
    validation: dict[str, FamilyResult]


def fit_selectors(
    train: RecordedAnswers,
    currencies: Sequence[Currency],
    n_rates: int = RATES,
    seed: int = 0,
    expected: Floats | None = None,
) -> list[Selector]:
    """Fits and evaluates every family on items of known outcomes that every service was asked
    about, for each of the ``currencies``. What no price changes is fitted once.

    ``expected`` (n, K) in [0, 1] are the scores expected of each service before any call, by
    predictors that have not seen the items. While an even sample of ``MAX_FEW_LABELS`` items would
    tell as much, only single services are considered, and what is better than them beyond noise.
    Raises ValueError for an empty or incomplete record.
    """
    if not train.n_items or not train.asked.all():
        raise ValueError(f"{train.name}: needs items of which every service was asked")
    if expected is not None and expected.shape != train.answers.shape:
        raise ValueError(
            f"{train.name}: expected scores have shape {expected.shape}, "
            f"answers {train.answers.shape}"
        )
    few = train.n_effective <= MAX_FEW_LABELS
    belief: BeliefModel | None = None
    states: StepStates | None = None
    if not few and train.correct is None and 1 < train.n_services <= MAX_SERVICES:
        belief, posteriors = fit_belief(train, seed)
        states = StepStates(train, posteriors, seed)
    judged = [_judged(train, one, states, n_rates, seed, few) for one in currencies]
    content: Sequence[FittedContentPolicy | None] = [None] * len(judged)
    if expected is not None and train.n_services > 1 and train.n_items >= _MIN_CONTENT_ITEMS:
        rates = [one.rates for one in judged]
        content = fit_content_policies(train, expected, currencies, rates, seed)
    return [
        _selector(train, one, belief, fitted, few)
        for one, fitted in zip(judged, content, strict=True)
    ]


def _judged(
    train: RecordedAnswers,
    currency: Currency,
    states: StepStates | None,
    n_rates: int,
    seed: int,
    few: bool,
) -> _Judged:
    cost = currency.costs(train.n_services)
    mean_cost = cost if cost.ndim == 1 else train.mean(cost)
    rates = exchange_rates(mean_cost, n_rates)
    step_policy = None
    validation: dict[str, FamilyResult] = {}
    if states is not None:
        step_policy, outcomes = fit_step_policy(states, mean_cost, rates, 2 * n_rates)
        rates = step_policy.exchange_rates
        validation[STACK] = _family_result(outcomes, rates, cost)
    folds = np.random.default_rng(seed).permutation(train.n_items) % _FOLDS
    for family, fit in _fits(few).items():
        validation[family] = _cross_validated(train, fit, rates, cost, folds)
    return _Judged(currency, rates, step_policy, validation)


def _fits(few: bool) -> Mapping[str, Fit]:
    return {SINGLE: fit_single} if few else FAMILIES


def _selector(
    train: RecordedAnswers,
    judged: _Judged,
    belief: BeliefModel | None,
    content: FittedContentPolicy | None,
    few: bool,
) -> Selector:
    """The best family at each rate; that of content only where it leads beyond noise."""
    rates, validation = judged.rates, dict(judged.validation)
    fixed = {family: fit(train, rates) for family, fit in _fits(few).items()}
    names = list(validation)
    values = np.stack([validation[family].values for family in names])
    families = [names[best] for best in values.argmax(axis=0)]
    if content is not None:
        price, cost = judged.currency.prices, judged.currency.costs(train.n_services)
        _, outcomes = content
        result = _family_result(outcomes, rates, price)
        single = [policy.run(train) for policy in fixed[SINGLE]]
        for rate, better in enumerate(result.values > values.max(axis=0)):
            lead = _lead(outcomes[rate], single[rate], float(rates[rate]), price, cost)
            if better and lead > (_LEAST_LEAD_OF_FEW if few else _LEAST_LEAD):
                families[rate] = CONTENT
        validation[CONTENT] = result
    stacked = STACK in families
    by_content = CONTENT in families
    return Selector(
        train.services,
        train.labels,
        rates,
        tuple(families),
        fixed,
        belief if stacked else None,
        judged.step_policy if stacked else None,
        validation,
        best_single(train),
        train.n_items,
        _description(train, few, by_content),
        content[0] if by_content and content is not None else None,
    )


def _lead(
    outcome: PolicyOutcome, single: PolicyOutcome, rate: float, prices: Floats, cost: Floats
) -> float:
    """By how many standard errors the net value of an outcome exceeds that of a single service."""
    net = outcome.scores - rate * ((outcome.asked * prices).sum(axis=1) + _waits(outcome))
    difference = net - (single.scores - rate * (single.asked * cost).sum(axis=1))
    weights = outcome.weights / outcome.weights.sum()
    mean = float(weights @ difference)
    error = float(np.sqrt((weights**2 * (difference - mean) ** 2).sum()))
    return mean / error if error > 0.0 else np.inf * np.sign(mean) if mean else 0.0


def _waits(outcome: PolicyOutcome) -> Floats:
    return np.zeros(len(outcome.scores)) if outcome.waits is None else outcome.waits


def _description(train: RecordedAnswers, few: bool, by_content: bool) -> str:
    if not few:
        return f"{train.n_items:,} outcomes: every family was judged on items that it had not seen"
    if by_content:
        return (
            f"{_in_words(train)} tell which service does better on which items, on items that were "
            "not learned from, beyond noise"
        )
    best = train.services[best_single(train)]
    return (
        f"{_in_words(train)} are too few to learn from (more than {MAX_FEW_LABELS} are needed): "
        f"the best single service, {best}, is called alone"
    )


def _in_words(train: RecordedAnswers) -> str:
    if train.stands_for is None or np.ptp(train.stands_for) == 0.0:
        return f"{train.n_items} outcomes"
    return (
        f"{train.n_items} outcomes of unequal chances, which tell as much as "
        f"{train.n_effective:.0f} of an even sample,"
    )


def _cross_validated(
    train: RecordedAnswers, fit: Fit, rates: Floats, prices: Floats, folds: Ints
) -> FamilyResult:
    correct, paid = np.zeros((2, len(rates)))
    each = np.broadcast_to(prices, train.answers.shape)
    asked = np.zeros((len(rates), train.n_services))
    for fold in range(_FOLDS):
        held_out = folds == fold
        inside, outside = train.take(~held_out), train.take(held_out)
        for rate, policy in enumerate(fit(inside, rates)):
            outcome = policy.run(outside)
            correct[rate] += train.weights[held_out] @ outcome.scores
            asked[rate] += train.weights[held_out] @ outcome.asked
            paid[rate] += train.weights[held_out] @ (outcome.asked * each[held_out]).sum(axis=1)
    n_items = train.n_items
    return _result_of_shares(correct / n_items, asked / n_items, rates, paid / n_items)


def _family_result(
    outcomes: Sequence[PolicyOutcome], rates: Floats, prices: Floats
) -> FamilyResult:
    accuracies = np.array([outcome.accuracy for outcome in outcomes])
    asked = np.array([outcome.ask_shares for outcome in outcomes])
    mean_prices = np.array([outcome.mean_price(prices) for outcome in outcomes])
    return _result_of_shares(accuracies, asked, rates, mean_prices)


def _result_of_shares(
    accuracies: Floats, asked: Floats, rates: Floats, mean_prices: Floats
) -> FamilyResult:
    return FamilyResult(accuracies - rates * mean_prices, accuracies, mean_prices, asked)


def single_service(recorded: RecordedAnswers, service: int) -> PolicyOutcome:
    """The outcome of always asking one service."""
    return SingleService(service).run(recorded)
