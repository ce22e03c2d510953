"""One look at the alerts of a home: what begins and ends is noted, and the webhook is told."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.policy import Alerts, Policy, Webhook
from orchestration_assets.signals.alert_state import (
    AlertMessage,
    AlertState,
    after_delivery,
    after_look,
    state_of,
    take_due,
)
from orchestration_assets.signals.burn_rate import read_spending
from orchestration_assets.signals.findings import AlertFinding, findings
from orchestration_assets.signals.history import SignalHistory, read_signals
from resources.home import Home
from resources.versioned_state import ChangeNote, StateConflictError, VersionedState
from resources.webhook import WebhookError, post

STATE: Final = "alerts"
_WHO: Final = "orchestrate"


@dataclass(frozen=True, slots=True)
class AlertLook:
    """What a look at the alerts found: all of them, since when those hold that do, which messages
    were delivered, and what kept others from being delivered, in words."""

    findings: tuple[AlertFinding, ...] = ()
    state: AlertState = field(default_factory=AlertState)
    delivered: tuple[AlertMessage, ...] = ()
    problems: tuple[str, ...] = ()


def has_alerts(policy: Policy) -> bool:
    """Whether a policy asks for anything to be looked at."""
    return bool(policy.alerts.rules or policy.alerts.budgets)


def look(home: Home, policy: Policy, now: datetime) -> AlertLook:
    """What the signals of now mean for the alerts of a policy; nothing is noted or told."""
    if not has_alerts(policy):
        return AlertLook(state=alert_state(home))
    found = _findings(home, policy.alerts, read_signals(home, now), now)
    return AlertLook(tuple(found), alert_state(home))


def watch(
    home: Home,
    policy: Policy,
    now: datetime,
    history: SignalHistory | None = None,
    webhook: Webhook | None = None,
) -> AlertLook:
    """Looks at the alerts of a policy by the signals of now, notes what begins and ends, and tells
    the policy's webhook, or else the one given. Without either nobody is told.

    Raises OrchestrationError where the state cannot be read or written.
    """
    states = home.state(STATE)
    if not has_alerts(policy) and states.current() is None:
        return AlertLook()
    alerts, told = policy.alerts, policy.alerts.webhook or webhook
    found: list[AlertFinding] = []
    if has_alerts(policy):
        signals = read_signals(home, now) if history is None else history
        found = _findings(home, alerts, signals, now)
    state, due = _note(states, found, now, tells=told is not None)
    if not due or told is None:
        return AlertLook(tuple(found), state)
    delivered, problems = _deliver(told, due)
    made = states.update(
        lambda value: after_delivery(state_of(value), delivered, due, now).plain(),
        ChangeNote(_WHO, now, f"{len(delivered)} of {len(due)} messages delivered"),
    )
    return AlertLook(tuple(found), state_of(made.value), tuple(delivered), tuple(problems))


def alert_state(home: Home) -> AlertState:
    """Which alerts of a home hold, as of the last look. Raises DamagedFileError."""
    return _state(home.state(STATE))[0]


def _findings(
    home: Home, alerts: Alerts, history: SignalHistory, now: datetime
) -> list[AlertFinding]:
    return findings(alerts, history, read_spending(home, alerts.budgets), now)


def _note(
    states: VersionedState, found: Sequence[AlertFinding], now: datetime, *, tells: bool
) -> tuple[AlertState, list[AlertMessage]]:
    """Notes a look; the state then, and the messages that this process is to deliver."""
    while True:
        before, number = _state(states)
        after, due = take_due(after_look(before, found, now, tells=tells), now)
        if after == before:
            return before, []
        begun = sorted(after.since.keys() - before.since.keys())
        ended = sorted(before.since.keys() - after.since.keys())
        why = "; ".join(
            f"{words}: {', '.join(names)}"
            for words, names in (("began", begun), ("ended", ended))
            if names
        )
        try:
            states.put(after.plain(), number, ChangeNote(_WHO, now, why or "delivery"))
        except StateConflictError:
            continue
        return after, due


def _state(states: VersionedState) -> tuple[AlertState, int]:
    now = states.current()
    if now is None:
        return AlertState(), 0
    try:
        return state_of(now.value), now.number
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(
            states.place(now.number), f"holds no state of alerts ({error})", "delete this state"
        ) from error


def _deliver(webhook: Webhook, due: Sequence[AlertMessage]) -> tuple[list[AlertMessage], list[str]]:
    """The messages that were delivered, in their order; the first that is not ends it."""
    url = os.environ.get(webhook.url_env, "")
    delivered: list[AlertMessage] = []
    if not url:
        return [], [f"alerts: the environment variable {webhook.url_env} is not set"]
    for message in due:
        try:
            post(url, message.payload(), webhook.timeout_s, webhook.attempts)
        except WebhookError as error:
            return delivered, [f"alerts: the webhook was not told of {message.alert}: {error}"]
        delivered.append(message)
    return delivered, []
