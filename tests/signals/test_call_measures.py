"""What a call log shows, against the same counted attempt by attempt."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.schemas.tables import CALL_LOG, CallRow
from orchestration_assets.signals.call_measures import ANSWERS, busy_ms, call_measures, peak
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject
from tests.rows import row

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
attempts = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), min_size=1, max_size=25)


@given(attempts)
def test_busy_time_and_peak_are_those_of_every_moment(spans) -> None:
    start, elapsed = (np.array(each, dtype=float) for each in zip(*spans, strict=True))
    under_way = [
        sum(begin <= moment < begin + length for begin, length in spans) for moment in range(251)
    ]
    assert busy_ms(start, elapsed) == pytest.approx(sum(one > 0 for one in under_way))
    assert peak(start, elapsed) == max(under_way)


def call(n: int, service: str, status: Status = Status.OK, **given) -> CallRow:
    defaults = {"origin": "called", "attempt": 1, "called": service, "elapsed_ms": 100.0}
    at = BEGAN + timedelta(milliseconds=given.pop("after_ms", 0))
    facts = {"item_id": str(n), "service": service, "status": status, "started_at": at}
    return row(CallRow, **{**defaults, **facts, **given})


def measured(rows: list[CallRow]) -> dict[tuple[Signal, Subject], SignalMeasure]:
    log: pa.Table = rows_to_arrow(CALL_LOG, rows)
    return {(one.signal, one.subject): one for one in call_measures(log)}


def test_services_are_measured_by_who_was_called() -> None:
    found = measured(
        [
            call(1, "a", tokens_in=80, tokens_out=20),
            call(2, "a", Status.TIMEOUT, after_ms=100, called="a"),
            call(2, "a", Status.FALLBACK, after_ms=200, called="b", elapsed_ms=300.0),
            call(3, "a", origin="cache", called=None, elapsed_ms=0.0),
            call(4, "a", Status.OVER_BUDGET, origin="not_called", called=None),
        ]
    )
    a, b = Subject(service="a"), Subject(service="b")
    assert [found[Signal.CALLS, one].value for one in (ALL, a, b)] == [3, 2, 1]
    assert [found[Signal.ERROR_RATE, one].value for one in (ALL, a, b)] == [
        pytest.approx(1 / 3),
        0.5,
        0.0,
    ]
    low, high = found[Signal.ERROR_RATE, a].low, found[Signal.ERROR_RATE, a].high
    assert low is not None and high is not None and low < 0.5 < high
    # one after the other: half a second in all, and no place is idle
    assert found[Signal.PARALLEL_EFFICIENCY, ALL].value == pytest.approx(1.0)
    assert found[Signal.TOKENS_PER_SECOND, ALL].value == pytest.approx(200.0)
    assert (Signal.TOKENS_PER_SECOND, b) not in found
    assert found[Signal.CACHE_HIT_RATE, Subject(tier=ANSWERS)].count == 4


def test_a_batch_without_calls_has_none_to_measure() -> None:
    assert measured([]) == {}
    only_cached = measured([call(1, "a", origin="cache", called=None)])
    assert [signal for signal, _ in only_cached] == [Signal.CACHE_HIT_RATE]
