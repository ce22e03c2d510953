"""Fixed policies against brute force, curves against numbers by hand."""

from itertools import product

import numpy as np
import pytest

from orchestration_assets.evidence.recorded_answers import MISSING
from orchestration_assets.selection.baselines import Cascade, SingleService, fit_cascade, fit_single
from orchestration_assets.selection.frugal import AddOn, fit_frugal
from orchestration_assets.selection.policy_outcomes import (
    Curve,
    PolicyOutcome,
    best_single,
    curve,
    exchange_rates,
    majority_vote,
)
from tests.evidence.made import made


def tiny(seed: int, n: int = 9):
    """Few items, few confidences: small enough to look at every policy there is."""
    recorded = made(n, accuracies=(0.6, 0.7), prices=(0.1, 0.4), n_labels=2, seed=seed)
    confidences = recorded.confidences.round(1)
    return type(recorded)(**{**recorded.__dict__, "confidences": confidences})


def mean_worth(outcome: PolicyOutcome, rate: float) -> float:
    return float((outcome.scores - rate * outcome.cost).mean())


@pytest.mark.parametrize("seed", range(6))
def test_the_add_on_class_is_solved_exactly(seed: int) -> None:
    recorded = tiny(seed)
    cuts = [-np.inf, *sorted(set(recorded.confidences.ravel())), np.inf]
    every = [
        AddOn(base, np.array([first, second, -np.inf]), np.array([1 - base, 1 - base, -1]))
        for base in (0, 1)
        for first, second in product(cuts, cuts)
    ]
    for rate, found in zip(
        (0.0, 0.3, 1.0, 3.0), fit_frugal(recorded, [0.0, 0.3, 1.0, 3.0]), strict=True
    ):
        best = max(mean_worth(one.run(recorded), rate) for one in every)
        assert mean_worth(found.run(recorded), rate) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(6))
def test_the_cascade_is_the_best_pair_and_threshold(seed: int) -> None:
    recorded = tiny(seed)
    cuts = [0.0, *sorted(set(recorded.confidences.ravel())), 2.0]
    every = [Cascade((a, 1 - a), (cut,)) for a in (0, 1) for cut in cuts]
    for rate, found in zip((0.0, 0.5, 2.0), fit_cascade(recorded, [0.0, 0.5, 2.0]), strict=True):
        best = max(mean_worth(one.run(recorded), rate) for one in every)
        assert mean_worth(found.run(recorded), rate) == pytest.approx(best)


def test_the_add_on_class_contains_the_cascade_and_the_single_service() -> None:
    recorded = made(800)
    rates = exchange_rates(recorded.prices, 12)
    worth = [
        [mean_worth(one.run(recorded), rate) for one, rate in zip(many, rates, strict=True)]
        for many in (
            fit_frugal(recorded, rates), fit_cascade(recorded, rates), fit_single(recorded, rates)
        )
    ]  # fmt: skip
    assert (np.array(worth[0]) >= np.array(worth[1]) - 1e-12).all()
    assert (np.array(worth[1]) >= np.array(worth[2]) - 1e-12).all()


def test_a_service_without_an_answer_is_followed_by_the_next() -> None:
    recorded = made(50)
    answers = recorded.answers.copy()
    answers[:, 0] = MISSING
    silent = type(recorded)(**{**recorded.__dict__, "answers": answers})
    done = Cascade((0, 2), (0.0,)).run(silent)
    assert done.asked[:, 2].all()
    assert (done.scores == silent.scores[:, 2]).all()
    assert done.price == pytest.approx(0.0101)


def test_a_dollar_that_is_worth_nothing_buys_the_best_and_one_worth_all_the_cheapest() -> None:
    recorded = made(500)
    best, cheapest = fit_single(recorded, [0.0, 1e9])
    assert best == SingleService(best_single(recorded))
    assert cheapest == SingleService(0)


def test_cost_to_match_is_where_the_curve_first_reaches_it() -> None:
    found = Curve(np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.7, 0.8]))
    assert found.cost_to_match(0.6) == pytest.approx(1.5)
    assert found.cost_to_match(0.5) == 1.0
    assert found.cost_to_match(0.75) == pytest.approx(3.0)
    assert found.cost_to_match(0.81) is None
    assert found.accuracy_at(3.0) == pytest.approx(0.75)
    assert found.accuracy_at(9.0) == pytest.approx(0.8)
    assert found.accuracy_at(0.5) == 0.0


def test_a_curve_goes_from_cheap_to_dear() -> None:
    recorded = made(100)
    found = curve([SingleService(2).run(recorded), SingleService(0).run(recorded)])
    assert found.prices.tolist() == pytest.approx([0.0001, 0.01])


def test_majority_of_two_against_one() -> None:
    recorded = made(300)
    voted = majority_vote(recorded)
    agree = recorded.answers[:, 0] == recorded.answers[:, 1]
    assert (voted[agree] == recorded.answers[agree, 0]).all()
