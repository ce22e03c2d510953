"""Fitting the policy over content and answers to items of which every service was asked."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from orchestration_assets.evidence.accepted_answers import answers_tell
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.recorded_answers import Floats, RecordedAnswers
from orchestration_assets.selection.content_induction import Induction, InductionStates
from orchestration_assets.selection.content_policy import ContentPolicy
from orchestration_assets.selection.currencies import Currency
from orchestration_assets.selection.policy_outcomes import PolicyOutcome

MAX_ASKED: Final = 3
_MAX_CANDIDATES: Final = 6
_N_TREES: Final = 24
_PILOT_TREES, _PILOT_ITEMS, _PILOT_RATES, _PILOT_ASKED = 8, 1_000, 4, 2
_LEAST_REACHED: Final = 0.002  # of the items

FittedContentPolicy = tuple[ContentPolicy, list[PolicyOutcome]]


def fit_content_policies(
    train: RecordedAnswers,
    expected: Floats,
    currencies: Sequence[Currency],
    exchange_rates: Sequence[Floats],
    seed: int = 0,
) -> list[FittedContentPolicy]:
    """Fits a policy for each currency to items of which every service was asked.

    ``expected`` (n, K) in [0, 1] are of predictors that have not seen the items; ``exchange_rates``
    (P,) go with the currencies. What no price changes is fitted once for all. Also returns the
    outcome on the training items for each exchange rate, when each is decided by models that have
    not seen it.
    """
    most = MAX_ASKED if answers_tell(train) else 1
    candidates = _candidates(train, expected, currencies, most, exchange_rates, seed)
    states = InductionStates(train, expected, candidates, most, _N_TREES, seed)
    return [
        _fitted(states, currency, rates)
        for currency, rates in zip(currencies, exchange_rates, strict=True)
    ]


def fit_content_policy(
    train: RecordedAnswers,
    expected: Floats,
    prices: Floats,
    exchange_rates: Floats,
    seed: int = 0,
    times: Floats | None = None,
) -> FittedContentPolicy:
    """The same for one currency, of ``prices`` and ``times``."""
    currencies = [Currency(prices, times)]
    return fit_content_policies(train, expected, currencies, [exchange_rates], seed)[0]


def _fitted(
    states: InductionStates, currency: Currency, exchange_rates: Floats
) -> FittedContentPolicy:
    train = states.train
    waiting = currency.waiting(train.n_services)
    induction = Induction(states, _on_each_item(train, currency.prices), waiting)
    solutions = induction.best_solutions(exchange_rates)
    reached = {
        subset
        for solution in solutions
        for subset, share in solution.reached.items()
        if share >= _LEAST_REACHED
    }
    kept = [subset for subset in states.forests if subset in reached]
    blank = {subset: induction.never(subset) for subset in kept}
    policy = ContentPolicy(
        states.candidates,
        states.most_asked,
        exchange_rates,
        currency.mean_prices(train),
        waiting,
        states.accepted_answers,
        {subset: states.forests[subset] for subset in kept},
        {
            subset: np.stack([one.corrections.get(subset, blank[subset][0]) for one in solutions])
            for subset in kept
        },
        {
            subset: [one.gain_models.get(subset, blank[subset][1]) for one in solutions]
            for subset in kept
        },
    )
    return policy, [solution.outcome for solution in solutions]


def _on_each_item(train: RecordedAnswers, prices: Floats) -> Floats:
    return np.broadcast_to(prices, train.answers.shape)


def _candidates(
    train: RecordedAnswers,
    expected: Floats,
    currencies: Sequence[Currency],
    most_asked: int,
    exchange_rates: Sequence[Floats],
    seed: int,
) -> Subset:
    """The services worth considering: where they are many, those that a small policy over all of
    them asks most often at some exchange rate of some currency."""
    every: Subset = tuple(range(train.n_services))
    if most_asked == 1 or len(every) <= _MAX_CANDIDATES:
        return every
    sample = np.random.default_rng(seed).permutation(train.n_items)[:_PILOT_ITEMS]
    pilot = InductionStates(
        train.take(sample), expected[sample], every, _PILOT_ASKED, _PILOT_TREES, seed
    )
    shares = []
    for currency, rates in zip(currencies, exchange_rates, strict=True):
        prices = _on_each_item(train, currency.prices)[sample]
        induction = Induction(pilot, prices, np.zeros(train.n_services))
        some = np.linspace(0, len(rates) - 1, _PILOT_RATES).astype(int)
        shares += [induction.solve(float(rate), every).outcome.ask_shares for rate in rates[some]]
    most = np.max(shares, axis=0)
    return tuple(sorted(np.argsort(-most, kind="stable")[:_MAX_CANDIDATES].tolist()))
