"""A budget over the batch against brute force."""

from itertools import product

import numpy as np
import pytest

from orchestration_assets.selection.budget import Offer, allocate_budget

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
