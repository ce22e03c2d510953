"""Intervals of weighted answers: they hold the mean, hold the truth, and say when they cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.evidence.recorded_answers import effective_count
from orchestration_assets.evidence.weighted_estimates import (
    difference_estimate,
    error_cost_estimate,
    insufficiency,
    share_estimate,
    weighted_mean,
)

WEIGHED = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.floats(0.1, 100.0)), min_size=1, max_size=80
)


@given(rows=WEIGHED, scale=st.floats(0.01, 1000.0))
def test_estimates_lie_in_their_intervals_and_know_no_unit_of_weight(rows, scale) -> None:
    first, second = (np.array([row[k] for row in rows]) for k in (0, 1))
    weights = np.array([row[2] for row in rows])
    gap = first.astype(float) - second

    def count_of_errors(right, weights):
        return error_cost_estimate(right, np.zeros(len(right)), np.ones(len(right)), weights)

    for estimate, values in (
        (share_estimate, first),
        (difference_estimate, gap),
        (count_of_errors, first),
    ):
        found, scaled = estimate(values, weights), estimate(values, scale * weights)
        assert found.low - 1e-9 <= found.mean <= found.high + 1e-9
        shown = ~values if estimate is count_of_errors else values
        assert found.mean == pytest.approx(weighted_mean(shown, weights))
        assert (found.low, found.high) == pytest.approx((scaled.low, scaled.high), abs=1e-9)
        assert 1.0 - 1e-9 <= found.effective <= found.count + 1e-9


@given(hits=st.lists(st.booleans(), min_size=60, max_size=300))
def test_even_weights_give_about_the_interval_of_wilson(hits) -> None:
    found = share_estimate(np.array(hits), np.ones(len(hits)))
    low, high = wilson(sum(hits), len(hits))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.012)


def test_no_answers_give_no_estimate() -> None:
    none = np.array([])
    assert share_estimate(none.astype(bool), none) is None
    assert difference_estimate(none, none) is None
    assert error_cost_estimate(none.astype(bool), none, none, none) is None
    assert effective_count(none) == 0.0


def test_too_few_and_too_uneven_are_said() -> None:
    assert insufficiency(np.ones(30), 30.0) is None
    assert insufficiency(np.ones(29), 30.0).startswith("29 verdicts tell as much as 29")
    heavy = np.array([100.0, *np.ones(300)])
    assert insufficiency(heavy, 10.0) == "one of 301 verdicts holds more than 20% of all weight"


@pytest.mark.parametrize("n_asked", [150, 400])
@pytest.mark.parametrize("wrong_of_doubtful", [0.2, 0.5])
def test_intervals_hold_the_truth_about_as_often_as_they_say(n_asked, wrong_of_doubtful) -> None:
    """Questions are drawn by risk; the service is mostly wrong where its answer is doubtful."""
    rng = np.random.default_rng(7)
    hits = {"share": [], "difference": []}
    for _ in range(600):
        doubtful = rng.random(3_000) < 0.15
        right = rng.random(3_000) < np.where(doubtful, 1.0 - wrong_of_doubtful, 0.9)
        other = rng.random(3_000) < np.where(doubtful, 0.6, 0.85)
        size = 0.8 * np.where(doubtful, 0.4, 0.03) / 0.0855 + 0.2
        priority = size / rng.uniform(1e-9, 1.0, 3_000)
        order = np.argsort(-priority)
        drawn = order[:n_asked]
        weights = 1.0 / np.minimum(1.0, size[drawn] / priority[order[n_asked]])
        share = share_estimate(right[drawn], weights)
        truth = 0.85 * 0.9 + 0.15 * (1.0 - wrong_of_doubtful)
        hits["share"].append(share.low <= truth <= share.high)
        gap = difference_estimate(other[drawn].astype(float) - right[drawn], weights)
        change = 0.85 * 0.85 + 0.15 * 0.6 - truth
        hits["difference"].append(gap.low <= change <= gap.high)
    for name, found in hits.items():
        assert 0.92 <= np.mean(found) <= 0.985, name


@pytest.mark.parametrize("n_held_out", [30, 60, 120])
@pytest.mark.parametrize("error", [0.01, 0.02, 0.05])
def test_intervals_of_risk_hold_the_truth_where_errors_are_few(error, n_held_out) -> None:
    rng = np.random.default_rng(5)
    rare = 2.0 / error - 2.0
    many = rng.beta(2.0, rare, 200_000)
    brier = float((many * (1.0 - many)).mean())
    # stated before: half as much again
    change = -float((0.25 * many**2).mean())
    inside = {"gap": [], "brier": [], "change": []}
    even = np.ones(n_held_out)
    for _ in range(600):
        risk = rng.beta(2.0, rare, n_held_out)
        right = rng.random(n_held_out) >= risk
        gap = error_cost_estimate(right, risk, risk - 1.0, even)
        inside["gap"].append(gap.low <= 0.0 <= gap.high)
        square = error_cost_estimate(right, risk**2, (1.0 - risk) ** 2, even)
        inside["brier"].append(square.low <= brier <= square.high)
        changes = (risk - ~right) ** 2 - (1.5 * risk - ~right) ** 2
        differ = difference_estimate(changes, even, float(np.sqrt((risk**2).mean())))
        inside["change"].append(differ.low <= change <= differ.high)
    found = {name: float(np.mean(hits)) for name, hits in inside.items()}
    assert 0.935 <= found["gap"] <= 0.985
    assert 0.935 <= found["brier"] <= 0.99
    assert found["change"] >= 0.93
