"""The errors of one request to a service; each class says whether a retry can help."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.json_bytes import json_value
from orchestration_assets.text.replies.error_bodies import ErrorReport, described_in, reported_in
from orchestration_assets.text.replies.token_usage import tokens_read, tokens_written

CIRCUIT_OPEN: Final = "circuit open: "
"""The reason of a question that was not sent since its service failed too often begins so."""
GIVEN_UP: Final = "; not tried again: "
"""What stands between the failure of an attempt and why none came after it."""


class CallError(Exception):
    """One attempt failed; it may be retried unless its class is in ``PERMANENT``."""

    retry_after: float | None = None
    """Seconds that the service asked to wait (Retry-After)."""
    billable = False
    """Whether the service did the work, so that it will be billed."""
    maybe_billed = False
    """Whether the service may have done the work although no answer arrived."""
    rate_limited = False
    """Whether the service works and only asks for fewer requests: 429, or 503 with Retry-After."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """Tokens that the service states although it failed; None where it states none."""

    def bill(self, body: Mapping[str, Any]) -> None:
        """Marks a failure whose work may have been done, with the usage that its body states."""
        self.maybe_billed = True
        self.tokens_in, self.tokens_out = tokens_read(body), tokens_written(body)

    def __str__(self) -> str:
        return whole_text(super().__str__())


class TimedOut(CallError):
    """The answer, or its first token, did not come in time."""

    maybe_billed = True


class Unreachable(CallError):
    """No connection could be made."""


class ConnectionBroken(CallError):
    """The connection broke before an answer came."""

    maybe_billed = True


class Unavailable(CallError):
    """HTTP 408, 409, 425, 429 or 5xx: the service cannot answer now."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MalformedResponse(CallError):
    """HTTP 200 with a body that is not what the protocol says, such as JSON that breaks off."""

    billable = True


class RequestRefused(CallError):
    """The request is at fault (400, 413, 422, 451, or its content is moderated): the service will
    always refuse it."""


class Forbidden(RequestRefused):
    """403 without a reason: the service forbids this item, or every item."""


class EndpointNotFound(CallError):
    """The address leads to no such service (404, redirects and other permanent statuses)."""


class FatalCallError(CallError):
    """No request can succeed until a person acts: the service is stopped for the run."""


class Unauthorised(FatalCallError):
    """401, or a key that is missing or unusable."""


class PaymentRequired(FatalCallError):
    """402, or a quota that is used up."""


class BadEnvironmentVariable(FatalCallError):
    """The policy names an environment variable that is not set or not usable."""


PERMANENT = (RequestRefused, EndpointNotFound, FatalCallError)
"""Never retried."""

_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
_GATEWAY_STATUSES = frozenset({502, 504, 520, 524})
"""From a gateway that got no usable answer, or none in time: the service behind it may have done
the work all the same."""
_REFUSED_STATUSES = frozenset({400, 413, 422, 451})
_MESSAGE_CHARS = 200
_EMPTY_REPORT: Final = ErrorReport(None, frozenset(), "")


def error_from_status(status: int, retry_after: str | None, body: bytes, now: float) -> CallError:
    """The error of an HTTP status other than 200. ``now`` is the time of day, s since 1970."""
    detail = " ".join(body[: 4 * _MESSAGE_CHARS].decode("utf-8", "replace").split())[
        :_MESSAGE_CHARS
    ]
    report = _report_in(body)
    return _error(status, detail, report, retry_after or report.retry_after, now)


def error_in_body(
    body: Mapping[str, Any], retry_after: str | None, now: float, *, streamed: bool = False
) -> CallError | None:
    """The error that a body reports though its status was 200; None when it reports none.

    ``streamed``: the body is one event of a stream. ``now`` is the time of day, s since 1970.
    """
    report = reported_in(body, streamed=streamed)
    return None if report is None else _error_inside_success(body, report, retry_after, now)


def error_from_event(body: Mapping[str, Any], retry_after: str | None, now: float) -> CallError:
    """The error that a stream event of the name ``error`` reports."""
    return _error_inside_success(body, described_in(body) or _EMPTY_REPORT, retry_after, now)


def _error_inside_success(
    body: Mapping[str, Any], report: ErrorReport, retry_after: str | None, now: float
) -> CallError:
    detail = f"(inside HTTP 200) {report.message}"[: 2 * _MESSAGE_CHARS]
    # an error without a status may be transient
    error = _error(report.status or 500, detail, report, retry_after or report.retry_after, now)
    if not error.rate_limited and not isinstance(error, FatalCallError):
        # the work had begun, as the status says
        error.bill(body)
    return error


def _error(
    status: int, detail: str, report: ErrorReport, retry_after: str | None, now: float
) -> CallError:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    message = f"HTTP {status} {phrase}" + (f": {detail}" if detail else "")
    if status == 402 or report.payment_required:
        return PaymentRequired(message)
    if status == 401 or (status < 500 and report.invalid_key):
        return Unauthorised(message)
    if status == 403:
        return RequestRefused(message) if report.moderated else Forbidden(message)
    if status in _REFUSED_STATUSES:
        return RequestRefused(message)
    if status in _TRANSIENT_STATUSES or status >= 500:
        error = Unavailable(message, retry_after_seconds(retry_after, now))
        error.rate_limited = status == 429 or (status == 503 and error.retry_after is not None)
        error.maybe_billed = status in _GATEWAY_STATUSES
        return error
    return EndpointNotFound(message)


def _report_in(body: bytes) -> ErrorReport:
    try:
        return described_in(json_object(body)) or _EMPTY_REPORT
    except MalformedResponse:
        return _EMPTY_REPORT


def json_object(body: bytes | str) -> Mapping[str, Any]:
    """A body as a JSON object. Raises MalformedResponse."""
    try:
        value = json_value(body)
    except (ValueError, RecursionError) as error:
        raise MalformedResponse(f"the answer is not JSON: {error}") from error
    if isinstance(value, list) and len(value) == 1:
        # some gateways wrap the one object in a list
        value = value[0]
    if not isinstance(value, dict):
        raise MalformedResponse("the answer is not a JSON object")
    return value


def retry_after_seconds(retry_after: str | None, now: float) -> float | None:
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
