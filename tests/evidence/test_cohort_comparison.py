"""Two cohorts: who is held against whom, and what that shows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.cohort_comparison import (
    Alarm,
    ItemOutcome,
    Pairing,
    evidence_of,
    grid,
)
from orchestration_assets.evidence.planned_test import Plan
from orchestration_assets.schemas.rollout import RolloutMetric

STRATA = st.sampled_from([("prose", "tone"), ("code", "tone"), ("prose", "title")])
ARRIVALS = st.lists(st.tuples(st.booleans(), STRATA, st.booleans()), max_size=80)


def outcome(name: str, stratum=("prose", "tone"), **figures: float) -> ItemOutcome:
    return ItemOutcome(name, stratum, {RolloutMetric(k): v for k, v in figures.items()})


@given(ARRIVALS, st.sampled_from([None, 1, 3]))
def test_no_item_is_held_against_two_and_only_against_its_own_kind(arrivals, most) -> None:
    pairing, pairs = Pairing(most), []
    for number, (is_canary, stratum, looks) in enumerate(arrivals):
        add = pairing.add_canary if is_canary else pairing.add_control
        add(outcome(str(number), stratum))
        if looks:
            pairs += pairing.take()
    pairs += pairing.take()
    used = Counter(one.item_id for canary, controls in pairs for one in (canary, *controls))
    assert set(used.values()) <= {1}
    assert all(controls and len(controls) <= (most or 80) for _, controls in pairs)
    assert all(one.stratum == canary.stratum for canary, controls in pairs for one in controls)
    # whoever could have a partner in the end has one
    for stratum in {one for _, one, _ in arrivals}:
        came = [is_canary for is_canary, one, _ in arrivals if one == stratum]
        paired = sum(canary.stratum == stratum for canary, _ in pairs)
        assert paired <= min(came.count(True), came.count(False))
        assert paired > 0 or not (any(came) and not all(came))


def test_controls_that_all_come_first_are_left_for_canary_items_that_come_later() -> None:
    pairing, pairs = Pairing(2), []
    for number in range(20):
        pairing.add_control(outcome(f"c{number}"))
    for number in range(10):
        pairing.add_canary(outcome(str(number)))
        pairs += pairing.take()
    assert [len(controls) for _, controls in pairs] == [2] * 10
    # of what is left the latest, which are nearest in time
    assert [one.item_id for one in pairs[0][1]] == ["c18", "c19"]


def test_errors_are_compared_as_a_difference_of_shares() -> None:
    pairs = [
        (outcome("a", errors=1.0), [outcome("b", errors=0.0), outcome("c", errors=1.0)]),
        (outcome("d", errors=0.0), [outcome("e", errors=0.0)]),
    ]
    found = evidence_of(RolloutMetric.ERRORS, pairs, grid(RolloutMetric.ERRORS))
    assert (found.pairs, found.control) == (2, 3)
    assert found.estimate(RolloutMetric.ERRORS) == pytest.approx(0.25)


def test_what_is_known_of_one_side_only_says_nothing() -> None:
    pairs = [(outcome("a", latency=5.0), [outcome("b")]), (outcome("c"), [outcome("d", latency=1)])]
    found = evidence_of(RolloutMetric.LATENCY, pairs, grid(RolloutMetric.LATENCY))
    assert found.pairs == 0
    assert found.estimate(RolloutMetric.LATENCY) is None


@given(st.floats(1.3, 4.0), st.integers(0, 1_000))
def test_a_ratio_is_found_through_heavy_tails_and_what_batches_share(ratio, seed) -> None:
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(12):
        speed = rng.lognormal(3.0, 1.0)
        for n in range(50):
            own, other = rng.lognormal(0.0, 0.5, 2) * speed
            pair = outcome(f"a{n}", latency=ratio * own), [outcome(f"b{n}", latency=other)]
            pairs.append(pair)
    values = grid(RolloutMetric.LATENCY, 1.1)
    found = evidence_of(RolloutMetric.LATENCY, pairs, values).bounds(
        values, Alarm(1e-6, Plan(600, 1e-6))
    )
    assert found.high is None or found.high >= ratio
    assert found.low is None or found.low <= ratio
    if ratio > 2.0:
        assert found.low is not None and found.low >= 1.1
