"""Whether each alert of a policy holds now, by the signals and by what was spent: all pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.alert_config import AlertRule, Severity
from orchestration_assets.schemas.policy import Alerts
from orchestration_assets.schemas.signals import (
    GOLDEN_SIGNALS,
    LATENCIES,
    LEFT_OPEN,
    WAITING,
    Signal,
)
from orchestration_assets.signals.burn_rate import Spending, burn
from orchestration_assets.signals.history import SignalHistory
from orchestration_assets.signals.runbooks import RUNBOOKS, SPENT_TOO_FAST
from orchestration_assets.signals.windows import in_window, stocks, together
from orchestration_assets.signals.words import number

_LOOK_BACK: Final = 20
"""A batch in which a service was not called says nothing of it: so many are looked through."""


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """Whether one alert holds, and in words why or why not; ``value`` is None where nothing was
    measured."""

    name: str
    severity: Severity
    holds: bool
    words: str
    runbook: str
    value: float | None = None
    threshold: float | None = None
    batch: str | None = None


def findings(
    alerts: Alerts, history: SignalHistory, spending: Spending, now: datetime
) -> list[AlertFinding]:
    """One finding for each rule and budget, in the order of the policy."""
    found = [_finding(rule, history, now) for rule in alerts.rules]
    for budget in alerts.budgets:
        rate = burn(budget, spending, now)
        runbook = budget.runbook or SPENT_TOO_FAST
        found.append(
            AlertFinding(
                budget.name,
                budget.severity,
                rate.too_fast,
                rate.words,
                runbook,
                rate.factor,
                rate.threshold,
                history.newest,
            )
        )
    return found


def _finding(rule: AlertRule, history: SignalHistory, now: datetime) -> AlertFinding:
    threshold = rule.below if rule.above is None else rule.above
    assert threshold is not None
    measured = list(_values(rule, history, now))
    values = [value for value, _ in measured]
    crossed = [
        value > threshold if rule.above is not None else value < threshold for value in values
    ]
    wanted = 1 if rule.window_h is not None else rule.batches
    holds = len(crossed) == wanted and all(crossed)
    about = " ".join(filter(None, (rule.service, rule.task, rule.tier)))
    subject = f"{rule.signal.value}{f' of {about}' if about else ''}"
    side = "above" if rule.above is not None else "below"
    said = f"{side} {number(rule.signal, threshold)}"
    if not values:
        words = f"{subject}: nothing is measured yet that could be {said}"
    else:
        is_there = "is" if crossed[0] else "is not"
        words = f"{subject} is {number(rule.signal, values[0])}, which {is_there} {said}"
        if rule.window_h is not None:
            words += f", over {rule.window_h:g} hours"
        elif rule.batches > 1:
            row = next((n for n, one in enumerate(crossed) if not one), len(crossed))
            words += f", in {row} of {rule.batches} batches in a row"
    return AlertFinding(
        rule.name,
        rule.severity,
        holds,
        words,
        rule.runbook or RUNBOOKS[rule.signal],
        values[0] if values else None,
        threshold,
        measured[0][1] if measured else None,
    )


def _values(
    rule: AlertRule, history: SignalHistory, now: datetime
) -> Iterator[tuple[float, str | None]]:
    """The values that the rule is held against with their batches, newest first."""
    if rule.signal in WAITING | LEFT_OPEN:
        for one in stocks(_of_signals(history.table, [rule.signal])):
            yield one.value, history.newest
        return
    if rule.window_h is not None:
        yield from _of_window(rule, history, now, rule.window_h)
        return
    own = _about(_of_signals(history.table, [rule.signal]), rule)
    if rule.signal is not Signal.ACCURACY:  # people judge what is older
        recent = history.batches[-max(rule.batches, _LOOK_BACK) :]
        own = own.filter(pc.is_in(own["batch"], pa.array(recent, pa.string())))
    own = own.filter(pc.greater_equal(pc.fill_null(own["count"], rule.least), rule.least))
    newest = own.slice(max(own.num_rows - rule.batches, 0)).select(["value", "batch"])
    for row in reversed(newest.to_pylist()):
        yield row["value"], row["batch"]


def _of_window(
    rule: AlertRule, history: SignalHistory, now: datetime, hours: float
) -> Iterator[tuple[float, str | None]]:
    # latencies of several batches are those of all their calls
    read = [Signal.CALLS] if rule.signal in LATENCIES else [rule.signal]
    rows = in_window(_about(_of_signals(history.table, read), rule), now - timedelta(hours=hours))
    for one in together(GOLDEN_SIGNALS.rows(rows)):
        if one.signal is rule.signal and (one.count is None or one.count >= rule.least):
            yield one.value, history.newest


def _of_signals(table: pa.Table, wanted: Sequence[Signal]) -> pa.Table:
    names = pa.array([one.value for one in wanted], pa.string())
    return table.filter(pc.is_in(table["signal"], names))


def _about(table: pa.Table, rule: AlertRule) -> pa.Table:
    kept = None
    for name in ("service", "task", "tier"):
        own = pc.equal(table[name], getattr(rule, name) or "")
        kept = own if kept is None else pc.and_(kept, own)
    return table.filter(kept)
