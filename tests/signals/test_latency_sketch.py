"""Quantiles of sketches are near those of the times, however these are put together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.signals.latency_sketch import (
    ACCURACY,
    merged,
    of_plain,
    plain,
    quantile_ms,
    sketch,
)

times = st.lists(st.floats(0.001, 1e7), min_size=1, max_size=60)


@given(times, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_off_by_two_per_cent_at_most(given_ms, share) -> None:
    exact = np.quantile(given_ms, share, method="inverted_cdf")
    found = quantile_ms(sketch(np.array(given_ms)), share)
    assert found is not None
    assert abs(found - exact) <= (ACCURACY + 1e-6) * exact


@given(times, times)
def test_what_is_put_together_is_one_sketch_of_all(first, second) -> None:
    together = merged([sketch(np.array(first)), sketch(np.array(second))])
    assert together == sketch(np.array(first + second))
    assert of_plain(plain(together)) == together


def test_nothing_has_no_quantile_and_no_time_counts_as_a_microsecond() -> None:
    assert quantile_ms((), 0.5) is None
    held = quantile_ms(sketch(np.array([0.0, 0.0])), 0.5)
    assert held is not None and abs(held - 0.001) < 1e-4
