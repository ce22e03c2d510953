"""The simulated cluster keeps to the two laws that bound any: it cannot work more than always."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks._busy_cluster import simulate


@given(
    st.integers(1, 200),
    st.floats(1e-3, 10.0),
    st.floats(1e-5, 1e-1),
    st.integers(1, 400),
)
def test_no_share_is_above_what_workers_and_scheduler_allow(
    workers, chunk_s, scheduler_s, chunks
) -> None:
    outcome = simulate(workers, chunk_s, scheduler_s, chunks)
    assert 0.0 < outcome.worked <= 1.0 + 1e-9
    assert 0.0 < outcome.scheduling <= 1.0 + 1e-9
    # a chunk takes at most one and a half of its mean, and each needs the scheduler once
    assert outcome.worked <= 1.5 * chunk_s / (workers * scheduler_s) + 1e-9


def test_a_scheduler_that_is_too_slow_bounds_what_workers_do() -> None:
    busy = simulate(200, 0.1, 0.001, 20_000)
    assert 0.48 < busy.worked < 0.51 and busy.scheduling > 0.98
    idle = simulate(200, 10.0, 0.001, 20_000)
    assert idle.worked > 0.9 and idle.scheduling < 0.03
