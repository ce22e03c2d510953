"""What can go wrong with one request, as a small tree: each error says what may be done next."""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.error_bodies import ErrorReport, described_in, reported_in


class CallError(Exception):
    """One attempt failed in a way that may pass: it may be made again."""

    retry_after: float | None = None
    """Seconds that the service asked to wait."""
    answered = False
    """Whether the service worked for it, so that it will be billed."""
    in_doubt = False
    """Whether the service may have worked for it without our seeing an answer."""
    paced = False
    """Whether the service works and only asks for a slower pace (429 with Retry-After)."""

    def __str__(self) -> str:
        return whole_text(super().__str__())


class TimedOut(CallError):
    """The attempt, or its first token, took too long."""

    in_doubt = True


class Unreachable(CallError):
    """No connection could be made."""


class ConnectionBroken(CallError):
    """The connection broke before an answer came."""

    in_doubt = True


class Unavailable(CallError):
    """HTTP 408, 409, 425, 429 or 5xx: the service cannot now."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Garbled(CallError):
    """HTTP 200 with a body that is not what the protocol says, such as JSON that breaks off."""

    answered = True


class Refused(CallError):
    """The request itself is at fault (400, 413, 422, 451, or its content is moderated): the same
    request will always be refused."""


class Forbidden(Refused):
    """403 that does not say why: this item, or everything; only others like it can tell."""


class Misdirected(CallError):
    """There is nothing at this address (404 and other permanent answers)."""


class Halting(CallError):
    """Nothing will work until a person mends it: the service is stopped for the run."""


class Unauthorised(Halting):
    """401, or no key."""


class Unpaid(Halting):
    """402, or a quota that is used up: no request will be answered before it is paid for."""


class Unset(Halting):
    """A setting that names an environment variable, and the variable does not serve."""


PERMANENT = (Refused, Misdirected, Halting)
"""Never made again."""

_PASSING = frozenset({408, 409, 425, 429})
_FAULTY = frozenset({400, 413, 422, 451})
_SHOWN_CHARS = 200
_NOTHING: Final = ErrorReport(None, frozenset(), "")


def error_of(status: int, retry_after: str | None, body: bytes, now: float) -> CallError:
    """The error of an HTTP status other than 200. ``now`` is the time of day, s since 1970."""
    said = " ".join(body[: 4 * _SHOWN_CHARS].decode("utf-8", "replace").split())[:_SHOWN_CHARS]
    report = _report_in(body)
    return _error(status, said, report, retry_after or report.retry_after, now)


def error_in(
    body: Mapping[str, Any], retry_after: str | None, now: float, *, piece: bool = False
) -> CallError | None:
    """The error that a body reports though its status was 200; None when it reports none.

    ``piece``: the body is one event of a stream. ``now`` is the time of day, s since 1970.
    """
    report = reported_in(body, piece=piece)
    return None if report is None else _inside(report, retry_after, now)


def error_event(body: Mapping[str, Any], retry_after: str | None, now: float) -> CallError:
    """The error of an event that is named one."""
    return _inside(described_in(body) or _NOTHING, retry_after, now)


def _inside(report: ErrorReport, retry_after: str | None, now: float) -> CallError:
    said = f"(inside HTTP 200) {report.words}"[: 2 * _SHOWN_CHARS]
    # an error that does not say what it is may pass
    return _error(report.status or 500, said, report, retry_after or report.retry_after, now)


def _error(
    status: int, said: str, report: ErrorReport, retry_after: str | None, now: float
) -> CallError:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    message = f"HTTP {status} {phrase}" + (f": {said}" if said else "")
    if status == 402 or report.out_of_money:
        return Unpaid(message)
    if status == 401 or (status < 500 and report.bad_key):
        return Unauthorised(message)
    if status == 403:
        return Refused(message) if report.moderated else Forbidden(message)
    if status in _FAULTY:
        return Refused(message)
    if status in _PASSING or status >= 500:
        error = Unavailable(message, seconds_to_wait(retry_after, now))
        error.paced = status == 429 and bool(error.retry_after)
        return error
    return Misdirected(message)


def _report_in(body: bytes) -> ErrorReport:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return _NOTHING
    if isinstance(found, list) and len(found) == 1:
        # some gateways wrap the one error in a list
        found = found[0]
    return (described_in(found) if isinstance(found, dict) else None) or _NOTHING


def seconds_to_wait(retry_after: str | None, now: float) -> float | None:
    """Retry-After in seconds: a number or an HTTP date (RFC 9110, 10.2.3); None when unreadable."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after)) if float(retry_after) < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
