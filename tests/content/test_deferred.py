"""When deferred questions are taken up: growing pauses, and an end to them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.deferred import (
    MAX_TAKE_UPS,
    DeferredBatch,
    TakeUps,
    pause_before,
    plan_take_ups,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = timedelta(minutes=10)


def batch(number: int) -> DeferredBatch:
    return DeferredBatch(f"b{number}", 1, "hash")


def test_pauses_double_to_a_day() -> None:
    pauses = [pause_before(count, FIRST) for count in range(MAX_TAKE_UPS)]
    assert pauses[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert pauses[-1] == timedelta(days=1)
    assert timedelta(days=3) < sum(pauses, timedelta()) < timedelta(days=8)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 100_000)), max_size=30))
def test_each_batch_is_due_or_waits_or_is_given_up(known) -> None:
    take_ups = {
        f"b{n}": TakeUps(count, NOW - timedelta(seconds=ago))
        for n, (count, ago) in enumerate(known)
    }
    plan = plan_take_ups(list(map(batch, range(len(known)))), take_ups.__getitem__, NOW, FIRST, 4)
    assert len(plan.due) + len(plan.waiting) + len(plan.given_up) == len(known)
    assert len(plan.due) <= 4
    for one, count in plan.due:
        assert count == take_ups[one.batch].count < MAX_TAKE_UPS
        assert NOW - take_ups[one.batch].latest >= pause_before(count, FIRST)
    assert all(take_ups[one.batch].count >= MAX_TAKE_UPS for one in plan.given_up)
