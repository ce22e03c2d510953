"""Fitting the policy over content and answers to items of which every service was asked."""

from typing import Final

import numpy as np

from orchestration_assets.evidence.accepted_answers import answers_tell
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.recorded_answers import Floats, RecordedAnswers
from orchestration_assets.selection.content_induction import Induction
from orchestration_assets.selection.content_policy import ContentPolicy
from orchestration_assets.selection.policy_outcomes import PolicyOutcome

MAX_ASKED: Final = 3
_MAX_CANDIDATES: Final = 6
_N_TREES: Final = 24
_PILOT_TREES, _PILOT_ITEMS, _PILOT_RATES, _PILOT_ASKED = 8, 1_000, 4, 2
_LEAST_REACHED: Final = 0.002  # of the items


def fit_content_policy(
    train: RecordedAnswers,
    expected: Floats,
    prices: Floats,
    exchange_rates: Floats,
    seed: int = 0,
    times: Floats | None = None,
) -> tuple[ContentPolicy, list[PolicyOutcome]]:
    """Fits a policy to items of which every service was asked.

    ``expected`` (n, K) in [0, 1] are of predictors that have not seen the items; ``prices`` (K,) of
    a call, and ``times`` (K,) what waiting for it costs in the same unit: none by default. Also
    returns the outcome on the training items for each exchange rate, when each is decided by
    models that have not seen it.
    """
    waiting = np.zeros(train.n_services) if times is None else times
    most = MAX_ASKED if answers_tell(train) else 1
    candidates = _candidates(train, expected, prices, most, exchange_rates, seed)
    induction = Induction(train, expected, candidates, prices, waiting, most, _N_TREES, seed)
    solutions = induction.best_solutions(exchange_rates)
    reached = {
        subset
        for solution in solutions
        for subset, share in solution.reached.items()
        if share >= _LEAST_REACHED
    }
    kept = [subset for subset in induction.forests if subset in reached]
    blank = {subset: induction.never(subset) for subset in kept}
    policy = ContentPolicy(
        candidates,
        most,
        exchange_rates,
        prices,
        waiting,
        induction.accepted_answers,
        {subset: induction.forests[subset] for subset in kept},
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


def _candidates(
    train: RecordedAnswers,
    expected: Floats,
    prices: Floats,
    most_asked: int,
    exchange_rates: Floats,
    seed: int,
) -> Subset:
    """The services worth considering: where they are many, those that a small policy over all of
    them asks most often at some exchange rate."""
    every: Subset = tuple(range(train.n_services))
    if most_asked == 1 or len(every) <= _MAX_CANDIDATES:
        return every
    sample = np.random.default_rng(seed).permutation(train.n_items)[:_PILOT_ITEMS]
    pilot = Induction(
        train.take(sample),
        expected[sample],
        every,
        prices,
        np.zeros_like(prices),
        _PILOT_ASKED,
        _PILOT_TREES,
        seed,
    )
    some = np.linspace(0, len(exchange_rates) - 1, _PILOT_RATES).astype(int)
    shares = [pilot.solve(float(rate), every).outcome.ask_shares for rate in exchange_rates[some]]
    most = np.max(shares, axis=0)
    return tuple(sorted(np.argsort(-most, kind="stable")[:_MAX_CANDIDATES].tolist()))
