"""When alerts hold: by thresholds, in a row, over windows, and by how fast budgets are spent."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.alert_config import AlertRule, BudgetAlert
from orchestration_assets.schemas.policy import Alerts
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS, Signal, SignalRow
from orchestration_assets.signals.burn_rate import NOTHING, Spending, burn
from orchestration_assets.signals.findings import AlertFinding, findings
from orchestration_assets.signals.history import SignalHistory
from orchestration_assets.signals.runbooks import RUNBOOKS, SPENT_TOO_FAST
from tests.rows import row

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def history(
    *values: float | None, signal: Signal = Signal.ERROR_RATE, hours: float = 1.0, **given
) -> SignalHistory:
    """A batch an hour, the last one now; a batch of None has no value."""
    names = tuple(f"b{n:03}" for n in range(len(values)))
    rows = [
        row(
            SignalRow,
            batch=name,
            at=NOW - timedelta(hours=hours * (len(values) - 1 - n)),
            signal=signal,
            value=value,
            low=0.0,
            high=1.0,
            count=given.get("count", 100),
            numerator=value * given.get("count", 100),
            denominator=given.get("count", 100),
            service=given.get("service", ""),
        )
        for n, (name, value) in enumerate(zip(names, values, strict=True))
        if value is not None
    ]
    return SignalHistory(rows_to_arrow(GOLDEN_SIGNALS, rows), names)


def found(rule: dict, held: SignalHistory) -> AlertFinding:
    given = {"name": "it", "signal": "error_rate", **rule}
    (one,) = findings(Alerts(rules=(AlertRule(**given),)), held, NOTHING, NOW)
    return one


@pytest.mark.parametrize(
    ("rule", "values", "holds"),
    [
        ({"above": 0.1}, (0.0, 0.2), True),
        ({"above": 0.1}, (0.2, 0.1), False),
        ({"below": 0.5}, (0.6, 0.4), True),
        ({"above": 0.1, "batches": 3}, (0.2, 0.2, 0.2), True),
        ({"above": 0.1, "batches": 3}, (0.2, 0.0, 0.2), False),
        ({"above": 0.1, "batches": 3}, (0.2, 0.2), False),
        # a batch that tells nothing is neither good nor bad
        ({"above": 0.1, "batches": 2}, (0.2, None, 0.2, None), True),
        ({"above": 0.1}, (), False),
        # both batches of the last hour and a half together
        ({"above": 0.1, "window_h": 1.5}, (0.9, 0.9, 0.15, 0.0), False),
        ({"above": 0.1, "window_h": 1.5}, (0.0, 0.0, 0.0, 0.4), True),
        ({"above": 0.1, "least": 101}, (0.9,), False),
        ({"above": 0.1, "service": "a"}, (0.9,), False),
    ],
)
def test_a_rule_holds_while_the_newest_batches_lie_beyond(rule, values, holds) -> None:
    assert found(rule, history(*values)).holds is holds


def test_a_finding_says_what_was_seen_where_and_what_to_do() -> None:
    one = found({"above": 0.1, "batches": 3}, history(0.05, 0.25, 0.2))
    assert "0.200, which is above 0.100, in 2 of 3 batches in a row" in one.words
    assert (one.batch, one.value, one.threshold) == ("b002", 0.2, 0.1)
    assert one.runbook == RUNBOOKS[Signal.ERROR_RATE]
    assert found({"above": 0.1, "runbook": "call Ada"}, history(0.2)).runbook == "call Ada"


def test_a_service_that_is_not_called_any_more_does_not_hold_for_ever() -> None:
    held = history(*(0.9, *(None,) * 20))
    assert not found({"above": 0.1}, held).holds


def test_what_batches_leave_open_is_added_up_over_all_of_them() -> None:
    held = history(3.0, 4.0, signal=Signal.OPEN_REVIEWS)
    assert found({"signal": "open_reviews", "above": 6}, held).holds


def spent(*payments: tuple[float, float]) -> Spending:
    """Payments so many hours ago, of so many US dollars."""
    at = [int((NOW - timedelta(hours=ago)).timestamp() * 1e6) for ago, _ in payments]
    usd = [usd for _, usd in payments]
    return Spending(pa.table({"at": at, "service": ["a"] * len(at), "usd": usd}))


MONTH = BudgetAlert(name="month", usd=720.0)  # one an hour
"""14.4 times as fast within an hour, or 3 times within a day, is told of."""


@pytest.mark.parametrize(
    ("payments", "too_fast"),
    [
        ([], False),
        ([(0.01, 15.0)], True),
        ([(0.01, 14.0)], False),
        # the burst is over: nothing in the last five minutes
        ([(0.5, 15.0)], False),
        ([(1.0 + h, 3.2) for h in range(23)] + [(0.5, 3.2), (0.02, 3.2)], True),
        ([(2.0 + h, 3.2) for h in range(22)], False),
        ([(30.0, 700.0)], False),
    ],
)
def test_a_budget_is_told_of_while_it_is_spent_too_fast(payments, too_fast) -> None:
    found = burn(MONTH, spent(*payments), NOW)
    assert found.too_fast is too_fast
    assert "720.0000 USD last 720 hours" in found.words


def test_a_budget_of_one_service_looks_at_no_other() -> None:
    other = MONTH.model_copy(update={"service": "b"})
    alerts = Alerts(budgets=(other,))
    (one,) = findings(alerts, history(), spent((0.01, 99.0)), NOW)
    assert not one.holds
    assert one.runbook == SPENT_TOO_FAST


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 5))
def test_in_a_row_is_every_one_of_the_newest(values, batches) -> None:
    one = found({"above": 0.5, "batches": batches}, history(*values))
    newest = values[-batches:]
    assert one.holds is (len(newest) == batches and all(value > 0.5 for value in newest))
