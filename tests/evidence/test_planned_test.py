"""The test that ends: its boundary, its statistic, and where it says nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from orchestration_assets.evidence.planned_test import Plan, power_sums, standard_errors

VALUES = st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=30)


def test_a_false_alarm_is_as_frequent_as_planned_over_all_looks_together() -> None:
    """Of a Brownian motion that is looked at often, whose quantiles are known."""
    rng, plan = np.random.default_rng(1), Plan(400, 0.05)
    sums = rng.normal(size=(4_000, 400)).cumsum(axis=1)
    count = np.arange(1.0, 401.0)
    reached = sums / np.sqrt(count) >= plan.needed(count)
    share = reached.any(axis=1).mean()
    # looks are not continuous, so that it is somewhat below
    assert 0.035 <= share <= 0.052
    assert reached[:, :200].any(axis=1).mean() < 0.01
    assert plan.needed(np.array([400.0]))[0] == pytest.approx(norm.isf(0.025))
    assert np.isinf(plan.needed(np.array([0.0, 39.0, 401.0]))).all()


@pytest.mark.parametrize("rate", [0.02, 0.06, 0.3])
def test_rare_failures_alarm_no_more_often_than_normal_ones(rate: float) -> None:
    rng = np.random.default_rng(2)
    failed = (rng.random((4_000, 2_000)) < rate)[..., None] - rate
    sums = np.concatenate([failed**power for power in (1, 2, 3)], axis=-1).sum(axis=1)
    errors = standard_errors(sums, np.full(4_000, 2_000.0))
    for level in (0.05, 0.02):
        for share in ((errors >= norm.isf(level)).mean(), (errors <= norm.ppf(level)).mean()):
            assert share == pytest.approx(level, abs=0.011)


@given(VALUES, VALUES)
def test_parts_together_say_what_the_whole_says_and_the_mirror_the_opposite(one, other) -> None:
    both = np.array([*one, *other])[:, None]
    sums = power_sums(np.array(one)[:, None]) + power_sums(np.array(other)[:, None])
    assert np.allclose(sums, power_sums(both))
    count = np.array([float(len(both))])
    said = standard_errors(power_sums(both), count)
    assert np.isfinite(said).all()
    assert standard_errors(power_sums(-both), count) == pytest.approx(-said, abs=1e-6)


def test_of_nothing_and_of_what_does_not_vary_it_says_nothing() -> None:
    # fifty items without an error do not show that there are none
    still = power_sums(np.full((50, 1), -0.01))
    assert standard_errors(still, np.array([50.0])) == 0.0
    assert standard_errors(np.zeros((1, 3)), np.array([0.0])) == 0.0
    one_failure = power_sums(np.array([0.99, *[-0.01] * 199])[:, None])
    assert standard_errors(one_failure, np.array([200.0])) == 0.0
