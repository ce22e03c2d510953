"""A budget over the batch against brute force."""

from itertools import product

import numpy as np
import pytest

from orchestration_assets.selection.budget import Offer, allocate_budget, fractional_step

OFFERS = {
    "easy": [Offer(0.80, 0.001, 1.0), Offer(0.90, 0.010, 5.0), Offer(0.91, 0.100, 50.0)],
    "hard": [Offer(0.40, 0.001, 1.0), Offer(0.60, 0.010, 5.0), Offer(0.90, 0.100, 50.0)],
}
COUNTS = {"easy": 100, "hard": 50}


def test_without_limits_everybody_takes_the_most_accurate() -> None:
    assert allocate_budget(OFFERS, COUNTS, None, None) == {"easy": 2, "hard": 2}


def test_money_goes_where_it_buys_most() -> None:
    """Six dollars buy the dear offer for the hard task or half of it for the easy one."""
    assert allocate_budget(OFFERS, COUNTS, 6.1, None) == {"easy": 1, "hard": 2}


def test_a_deadline_is_kept_too() -> None:
    found = allocate_budget(OFFERS, COUNTS, None, 800.0)
    assert found == {"easy": 1, "hard": 1}
    assert allocate_budget(OFFERS, COUNTS, 100.0, 160.0) == {"easy": 0, "hard": 0}


def test_what_cannot_be_kept_is_said() -> None:
    assert allocate_budget(OFFERS, COUNTS, 0.01, None) is None
    assert allocate_budget({}, {}, 0.0, 0.0) == {}


@pytest.mark.parametrize("seed", range(8))
def test_no_choice_within_the_limit_beats_it_by_more_than_one_step(seed: int) -> None:
    """The relaxation may leave a gap, but never larger than one task's step to the next offer."""
    rng = np.random.default_rng(seed)
    offers = {
        name: [Offer(*pair, 1.0) for pair in zip(
            np.sort(rng.random(4)), np.sort(rng.random(4)) / 10, strict=True)]
        for name in "abc"
    }  # fmt: skip
    counts = dict.fromkeys("abc", 10)
    limit = float(rng.uniform(0.5, 2.5))
    best = max(
        (
            sum(10 * offers[name][at].accuracy for name, at in zip("abc", way, strict=True))
            for way in product(range(4), repeat=3)
            if sum(10 * offers[name][at].usd for name, at in zip("abc", way, strict=True)) <= limit
        ),
        default=None,
    )
    found = allocate_budget(offers, counts, limit, None)
    if best is None:
        assert found is None
        return
    assert found is not None
    value = sum(10 * offers[name][at].accuracy for name, at in found.items())
    steps = [
        10 * (many[at + 1].accuracy - many[at].accuracy)
        for many in offers.values()
        for at in range(3)
    ]
    assert value >= best - max(steps)


@pytest.mark.parametrize("budget", [0.2, 0.9, 1.5, 3.7, 6.1, 9.0, 14.0])
def test_points_and_one_divided_step_spend_the_budget_as_well_as_a_linear_programme(budget) -> None:
    found = allocate_budget(OFFERS, COUNTS, budget, None)
    assert found is not None
    step = fractional_step(OFFERS, COUNTS, found, budget, None)
    correct, spent = (
        sum(COUNTS[task] * getattr(OFFERS[task][at], name) for task, at in found.items())
        for name in ("accuracy", "usd")
    )
    if step is not None:
        before, after = OFFERS[step.task][found[step.task]], OFFERS[step.task][step.position]
        correct += COUNTS[step.task] * step.share * (after.accuracy - before.accuracy)
        spent += COUNTS[step.task] * step.share * (after.usd - before.usd)
    assert spent <= budget + 1e-9
    assert correct >= 0.99 * _linear_programme(budget)


def _linear_programme(budget: float) -> float:
    """The optimum over all shares of offers, by scipy."""
    from scipy.optimize import linprog

    cells = [(task, offer) for task, offers in OFFERS.items() for offer in offers]
    gains = [-COUNTS[task] * offer.accuracy for task, offer in cells]
    prices = [[COUNTS[task] * offer.usd for task, offer in cells]]
    one_each = [[float(task == wanted) for task, _ in cells] for wanted in OFFERS]
    return -linprog(gains, prices, [budget], one_each, [1.0] * len(OFFERS)).fun
