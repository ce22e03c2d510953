"""What is known of alerts between two looks, and what follows from a look: all pure.

An alert is told of twice: as it begins and as it ends. What could not be delivered waits, and is
tried again, less and less often, for a day. Whoever delivers a message has taken it first, so that
of several processes one does; if it dies, the message is free again after a while.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from orchestration_assets.schemas.alert_config import Severity
from orchestration_assets.signals.findings import AlertFinding

BEGAN: Final = "alert_began"
ENDED: Final = "alert_ended"
TAKEN_FOR: Final = timedelta(seconds=60)
"""A message that was taken to be delivered is left alone for so long."""
_LONGEST_WAIT: Final = timedelta(hours=1)
_GIVEN_UP_AFTER: Final = timedelta(days=1)
_MOST_WAITING: Final = 200


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """What is told of one alert, once. ``event`` is ``alert_began`` or ``alert_ended``; moments
    are in UTC, as ISO 8601. ``attempts`` were made, the next is due at ``due_at``."""

    event: str
    alert: str
    severity: Severity
    words: str
    runbook: str
    since: str
    at: str
    value: float | None = None
    threshold: float | None = None
    batch: str | None = None
    attempts: int = 0
    due_at: str = ""

    def payload(self) -> dict[str, Any]:
        """The message as JSON values; ``text`` is what chat services show. It has no content."""
        ended = self.event == ENDED
        end = "is over" if ended else f"({self.severity})"
        what_to_do = "" if ended else f". What to do: {self.runbook}"
        return {
            "event": self.event,
            "text": f"Alert {self.alert} {end}: {self.words}{what_to_do}",
            "alert": self.alert,
            "severity": self.severity.value,
            "words": self.words,
            "runbook": self.runbook,
            "value": self.value,
            "threshold": self.threshold,
            "batch": self.batch,
            "since": self.since,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class AlertState:
    """``since``: alert that holds -> since when, ISO 8601; ``waiting``: messages that are not
    delivered, oldest first."""

    since: Mapping[str, str] = field(default_factory=dict)
    waiting: tuple[AlertMessage, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The state as JSON values; :func:`state_of` reads it."""
        return {"since": dict(self.since), "waiting": [asdict(one) for one in self.waiting]}


def state_of(plain: Mapping[str, Any] | None) -> AlertState:
    """The state that :meth:`AlertState.plain` has written; None is the first one.

    Raises KeyError, TypeError and ValueError for what is no state.
    """
    if plain is None:
        return AlertState()
    waiting = (
        AlertMessage(**{**one, "severity": Severity(one["severity"])}) for one in plain["waiting"]
    )
    return AlertState(dict(plain["since"]), tuple(waiting))


def after_look(
    before: AlertState, found: Sequence[AlertFinding], now: datetime, *, tells: bool
) -> AlertState:
    """The state after a look: what begins and ends is noted, and with ``tells`` told.

    An alert that is no longer in the policy has ended. Messages that have waited for a day are
    given up, and the oldest beyond 200.
    """
    moment = now.isoformat()
    since: dict[str, str] = {}
    made: list[AlertMessage] = []
    for one in found:
        if one.holds:
            since[one.name] = before.since.get(one.name, moment)
            if one.name not in before.since:
                made.append(_message(BEGAN, one, moment, moment))
        elif one.name in before.since:
            made.append(_message(ENDED, one, before.since[one.name], moment))
    for name in before.since.keys() - {one.name for one in found}:
        gone = AlertFinding(name, Severity.NOTE, False, "the policy does not have it any more", "")
        made.append(_message(ENDED, gone, before.since[name], moment))
    oldest = (now - _GIVEN_UP_AFTER).isoformat()
    waiting = [one for one in before.waiting if one.at >= oldest]
    return AlertState(since, (*waiting, *(made if tells else ()))[-_MOST_WAITING:])


def take_due(state: AlertState, now: datetime) -> tuple[AlertState, list[AlertMessage]]:
    """The state in which the messages that are due are taken, and these messages.

    Whoever makes that state the one that stands delivers them.
    """
    moment, later = now.isoformat(), (now + TAKEN_FOR).isoformat()
    waiting: list[AlertMessage] = []
    taken: list[AlertMessage] = []
    held_up: set[str] = set()
    for one in state.waiting:
        if one.due_at > moment or one.alert in held_up:
            # nobody is told of an end before the beginning
            held_up.add(one.alert)
            waiting.append(one)
        else:
            taken.append(one)
            waiting.append(replace(one, due_at=later, attempts=one.attempts + 1))
    return replace(state, waiting=tuple(waiting)), taken


def after_delivery(
    state: AlertState,
    delivered: Sequence[AlertMessage],
    tried: Sequence[AlertMessage],
    now: datetime,
) -> AlertState:
    """The state without the delivered messages; others that were ``tried`` wait, twice as long
    after each attempt, for at most an hour."""
    done, others = ({_identity(one) for one in each} for each in (delivered, tried))
    waiting = tuple(
        replace(one, due_at=(now + _pause(one.attempts)).isoformat())
        if _identity(one) in others
        else one
        for one in state.waiting
        if _identity(one) not in done
    )
    return replace(state, waiting=waiting)


def _pause(attempts: int) -> timedelta:
    doubled: int = 2 ** min(max(attempts - 1, 0), 10)
    return min(TAKEN_FOR * doubled, _LONGEST_WAIT)


def _identity(one: AlertMessage) -> tuple[str, str, str]:
    return one.event, one.alert, one.at


def _message(event: str, one: AlertFinding, since: str, now: str) -> AlertMessage:
    return AlertMessage(
        event,
        one.name,
        one.severity,
        one.words,
        one.runbook,
        since,
        now,
        one.value,
        one.threshold,
        one.batch,
    )
