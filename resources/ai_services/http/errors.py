"""What can go wrong with one request, as a small tree: each error says what may be done next."""

from email.utils import parsedate_to_datetime
from http import HTTPStatus


class CallError(Exception):
    """One attempt failed in a way that may pass: it may be made again."""

    retry_after: float | None = None
    """Seconds that the service asked to wait."""
    answered = False
    """Whether the service worked for it, so that it will be billed."""
    in_doubt = False
    """Whether the service may have worked for it without our seeing an answer."""


class TimedOut(CallError):
    """The attempt, or its first token, took too long."""

    in_doubt = True


class Unreachable(CallError):
    """No connection could be made."""


class Broken(CallError):
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
    """The request itself is at fault (400, 413, 422): the same request will always be refused."""


class Misdirected(CallError):
    """There is nothing at this address (404 and other permanent answers)."""


class Unauthorised(CallError):
    """401, 403, or no key: nothing will work until a person mends it."""


PERMANENT = (Refused, Misdirected, Unauthorised)
"""Never made again."""

_PASSING = frozenset({408, 409, 425, 429})
_FAULTY = frozenset({400, 413, 422})
_SHOWN_CHARS = 200


def error_of(status: int, retry_after: str | None, body: bytes, now: float) -> CallError:
    """The error of an HTTP status other than 200. ``now`` is the time of day, s since 1970."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    said = " ".join(body[: 4 * _SHOWN_CHARS].decode("utf-8", "replace").split())[:_SHOWN_CHARS]
    message = f"HTTP {status} {phrase}" + (f": {said}" if said else "")
    if status in (401, 403):
        return Unauthorised(message)
    if status in _FAULTY:
        return Refused(message)
    if status in _PASSING or status >= 500:
        return Unavailable(message, seconds_to_wait(retry_after, now))
    return Misdirected(message)


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
    except ValueError:
        return None
