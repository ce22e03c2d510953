"""Alerts are told of once as they begin and once as they end, whatever happens in between."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.alert_config import Severity
from orchestration_assets.signals.alert_state import (
    BEGAN,
    ENDED,
    TAKEN_FOR,
    AlertState,
    after_delivery,
    after_look,
    state_of,
    take_due,
)
from orchestration_assets.signals.findings import AlertFinding

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
looks = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=25)


def finding(name: str, *, holds: bool) -> AlertFinding:
    return AlertFinding(name, Severity.PAGE, holds, "it is so", "do this", 0.2, 0.1, "b1")


@given(looks)
def test_every_change_is_delivered_once_and_in_order(looks_made) -> None:
    """Each look: does one hold, does the other, is the webhook reached."""
    state, told, now = AlertState(), [], BEGIN
    changes: list[tuple[str, str]] = []
    held = {"a": False, "b": False}
    for a, b, reached in looks_made:
        now += MINUTE
        for name, holds in (("a", a), ("b", b)):
            if holds is not held[name]:
                changes.append((name, BEGAN if holds else ENDED))
            held[name] = holds
        state = after_look(state, [finding("a", holds=a), finding("b", holds=b)], now, tells=True)
        state, due = take_due(state, now)
        state = state_of(json.loads(json.dumps(state.plain())))
        delivered = due if reached else []
        told += delivered
        state = after_delivery(state, delivered, due, now)
    for _ in range(2):
        now += timedelta(hours=2)
        state, due = take_due(state, now)
        told += due
        state = after_delivery(state, due, due, now)
    assert state.waiting == ()
    assert sorted((one.alert, one.event) for one in told) == sorted(changes)
    for name in ("a", "b"):
        events = [one.event for one in told if one.alert == name]
        assert events == [event for alert, event in changes if alert == name]
    assert set(state.since) == {name for name in held if held[name]}


def test_what_is_taken_is_left_alone_until_whoever_took_it_is_late() -> None:
    state = after_look(AlertState(), [finding("a", holds=True)], BEGIN, tells=True)
    state, taken = take_due(state, BEGIN)
    assert len(taken) == 1
    assert take_due(state, BEGIN + TAKEN_FOR / 2)[1] == []
    assert [one.alert for one in take_due(state, BEGIN + TAKEN_FOR)[1]] == ["a"]


def test_what_cannot_be_delivered_is_tried_less_and_less_often_for_a_day() -> None:
    found = [finding("a", holds=True)]
    state, tried, now = AlertState(), [], BEGIN
    while now < BEGIN + timedelta(days=2):
        state = after_look(state, found, now, tells=True)
        state, due = take_due(state, now)
        tried += [now] * len(due)
        state = after_delivery(state, [], due, now)
        now += MINUTE
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 2 * MINUTE and pauses[-1] >= timedelta(minutes=59)
    assert len(tried) < 40
    assert state.waiting == () and set(state.since) == {"a"}


def test_an_alert_that_leaves_the_policy_ends() -> None:
    state = after_look(AlertState(), [finding("a", holds=True)], BEGIN, tells=True)
    state = after_look(state, [], BEGIN + MINUTE, tells=True)
    assert [one.event for one in state.waiting] == [BEGAN, ENDED]
    assert "the policy does not have it any more" in state.waiting[-1].payload()["text"]


def test_without_a_webhook_nothing_waits() -> None:
    state = after_look(AlertState(), [finding("a", holds=True)], BEGIN, tells=False)
    assert state == AlertState({"a": BEGIN.isoformat()})
