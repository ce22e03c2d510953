"""Bets against a mean: valid at every look, whatever the distribution."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.betting import (
    bets,
    bounds,
    gains,
    log_evidence,
    no_wealth,
    shown_by,
)

SEEN = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60).map(np.array)
MEANS = np.array([-0.5, -0.1, 0.0, 0.01, 0.3])


@given(SEEN, SEEN)
def test_what_parts_have_won_adds_up_to_what_the_whole_has(first, second) -> None:
    whole = bets(np.concatenate([first, second]), MEANS)
    parts = bets(first, MEANS) + bets(second, MEANS) + no_wealth(len(MEANS))
    assert np.allclose(whole.above, parts.above)
    assert np.allclose(whole.below, parts.below)


@given(SEEN)
def test_no_wealth_is_ever_lost_altogether(seen) -> None:
    won = bets(seen, MEANS)
    assert np.isfinite(won.above).all() and np.isfinite(won.below).all()


@given(SEEN, st.floats(0.001, 0.2))
def test_a_mean_is_never_above_and_below_the_same_value(seen, alarm) -> None:
    found = bounds(MEANS.tolist(), *shown_by(bets(seen, MEANS), alarm))
    if found.low is not None and found.high is not None:
        assert found.low < found.high


@given(SEEN, st.floats(-0.4, 0.4))
def test_what_rules_out_a_mean_rules_out_all_beyond_it(seen, shift) -> None:
    values = np.linspace(-0.6, 0.6, 25)
    won = bets(np.clip(seen + shift, -1, 1), values)
    found = bounds(values.tolist(), *shown_by(won, 0.05))
    above = log_evidence(bets(np.clip(seen + shift, -1, 1), values).above) >= -np.log(0.05)
    if found.low is not None:
        assert above[values <= found.low].all()


def test_a_true_mean_is_seldom_ruled_out_however_often_one_looks() -> None:
    rng = np.random.default_rng(3)
    # skewed, as errors are: mostly 0, now and then 1
    seen = (rng.random((1_000, 1_500)) < 0.02).astype(float)
    won = gains(seen[..., None], np.array([0.02]))
    for side in (won.above, won.below):
        ever = (log_evidence(side[..., 0, :].cumsum(axis=1)) >= -np.log(0.05)).any(axis=1)
        # 5 % is promised; a thousand runs tell it within 1.4 %
        assert ever.mean() <= 0.065


def test_a_false_mean_is_ruled_out() -> None:
    rng = np.random.default_rng(4)
    seen = (rng.random(2_000) < 0.05).astype(float)
    found = bounds([0.01, 0.02, 0.1], *shown_by(bets(seen, np.array([0.01, 0.02, 0.1])), 0.05))
    assert found.low == 0.02
    assert found.high == 0.1
