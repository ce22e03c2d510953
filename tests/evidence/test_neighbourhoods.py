import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orchestration_assets.evidence.neighbourhoods import (
    MIN_ITEMS,
    NEIGHBOURS,
    nearest,
    overlap_distance,
    shift,
    similarities,
)

RANDOM = np.random.default_rng(11)


def both(first, second):
    spaces = [similarities(np.asarray(one, np.float32)) for one in (first, second)]
    near = [nearest(one) for one in spaces]
    return near[0], spaces[0], near[1], spaces[1]


def by_hand(first, second) -> list[float]:
    """The mean of 1 - trustworthiness and 1 - continuity, item by item, from sorted lists."""
    near_a, a, near_b, b = both(first, second)
    n, found = len(a), []
    for item in range(n):
        total = 0
        for near, other in ((near_a, b), (near_b, a)):
            order = [row for row in np.argsort(-other[item], kind="stable") if row != item]
            total += sum(max(0, order.index(row) + 1 - NEIGHBOURS) for row in near[item])
        found.append(total / (NEIGHBOURS * (2 * n - 3 * NEIGHBOURS - 1)))
    return found


def test_the_shift_is_trustworthiness_and_continuity_of_each_item() -> None:
    first, second = RANDOM.normal(size=(50, 6)), RANDOM.normal(size=(50, 6))
    assert shift(*both(first, second)) == pytest.approx(by_hand(first, second))


def test_a_turned_space_shifts_nothing_and_an_unrelated_one_by_a_half() -> None:
    space = RANDOM.normal(size=(400, 8))
    turn, _ = np.linalg.qr(RANDOM.normal(size=(8, 8)))
    assert shift(*both(space, 2.0 * space @ turn)).max() < 1e-3
    unrelated = shift(*both(space, RANDOM.normal(size=(400, 8))))
    assert np.median(unrelated) == pytest.approx(0.5, abs=0.05)


def test_it_still_tells_where_no_neighbour_is_shared() -> None:
    space = RANDOM.normal(size=(1_000, 12))
    near_by = both(space, space + 0.7 * RANDOM.normal(size=space.shape))
    chance = both(space, RANDOM.normal(size=space.shape))
    without = overlap_distance(near_by[0], near_by[2]) == 1.0
    assert without.sum() > 50
    assert np.median(shift(*near_by)[without]) < np.quantile(shift(*chance), 0.05)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(MIN_ITEMS, 45).flatmap(
        lambda n: st.tuples(
            *(arrays(np.float32, (n, 3), elements=st.floats(-8, 8, width=32)),) * 2,
        )
    )
)
def test_it_is_symmetric_and_bounded_whatever_the_vectors(spaces) -> None:
    there, back = shift(*both(*spaces)), shift(*both(*reversed(spaces)))
    assert np.array_equal(there, back)
    assert there.min() >= 0.0
    assert there.max() <= 1.0
    assert not shift(*both(spaces[0], spaces[0])).any()
