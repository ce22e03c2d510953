"""Intervals of weighted answers: they hold the mean, hold the truth, and say when they cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.evidence.recorded_answers import effective_count
from orchestration_assets.evidence.weighted_estimates import (
    difference_estimate,
    insufficiency,
    mean_estimate,
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
    for estimate, values in (
        (share_estimate, first),
        (difference_estimate, gap),
        (mean_estimate, first.astype(float)),
    ):
        found, scaled = estimate(values, weights), estimate(values, scale * weights)
        assert found.low <= found.mean <= found.high
        assert found.mean == pytest.approx(weighted_mean(values, weights))
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
    assert mean_estimate(none, none) is None
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
