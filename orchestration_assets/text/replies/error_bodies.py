"""Reads the error that a service reports in a body, whatever the HTTP status."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.storable_values import whole_text

_STATUSES: Final = range(400, 600)
_MAX_CODES: Final = 32
_MAX_CODE_CHARS: Final = 80
_MAX_MESSAGE_CHARS: Final = 1000

PAYMENT_CODES: Final = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_funds",
        "insufficient_credits",
        "billing_hard_limit_reached",
        "billing_not_active",
        "payment_required",
    }
)
KEY_CODES: Final = frozenset(
    {
        "invalid_api_key",
        "api_key_invalid",
        "authentication_error",
        "authenticationerror",
        "unauthenticated",
        "unauthorized",
        "account_deactivated",
    }
)
MODERATION_CODES: Final = frozenset(
    {
        "content_filter",
        "content_policy",
        "content_policy_violation",
        "contentpolicyviolationerror",
        "responsibleaipolicyviolation",
        "data_inspection_failed",
        "moderation",
        "moderation_blocked",
        "flagged",
        "safety",
    }
)
# some services give these in the message only
_PAYMENT_PHRASES: Final = (
    "insufficient balance",
    "insufficient credit",
    "insufficient funds",
    "credit balance is too low",
)
_KEY_PHRASES: Final = ("invalid api key", "incorrect api key", "api key not valid")
_MODERATION_PHRASES: Final = (
    "moderation",
    "content policy",
    "content management policy",
    "flagged",
)

_STATUS_OF_CODE: Final[tuple[tuple[int, frozenset[str]], ...]] = (
    (402, PAYMENT_CODES),
    (401, KEY_CODES),
    (400, MODERATION_CODES),
    (
        429,
        frozenset(
            "rate_limit rate_limited rate_limit_error rate_limit_exceeded ratelimiterror "
            "too_many_requests resource_exhausted throttling throttling_error".split()
        ),
    ),
    (403, frozenset("permission_error permission_denied permissiondeniederror forbidden".split())),
    (413, frozenset({"request_too_large"})),
    (404, frozenset("not_found not_found_error model_not_found notfounderror".split())),
    (
        503,
        frozenset(
            "overloaded overloaded_error server_overloaded engine_overloaded unavailable "
            "service_unavailable".split()
        ),
    ),
    (504, frozenset("timeout timeout_error deadline_exceeded gateway_timeout".split())),
    (
        400,
        frozenset(
            "invalid_request_error invalid_argument badrequesterror bad_request "
            "context_length_exceeded".split()
        ),
    ),
    (
        500,
        frozenset("api_error server_error internal internal_error internal_server_error".split()),
    ),
)
"""HTTP status -> the codes that stand for it; the first match counts."""


class ErrorReport(NamedTuple):
    """An error as a body reports it.

    ``status`` is the HTTP status that the body states or that its codes stand for, None without
    either; ``retry_after`` is the text of its member of that name.
    """

    status: int | None
    codes: frozenset[str]
    message: str
    retry_after: str | None = None

    @property
    def payment_required(self) -> bool:
        return bool(self.codes & PAYMENT_CODES) or _contains_any(self.message, _PAYMENT_PHRASES)

    @property
    def invalid_key(self) -> bool:
        return bool(self.codes & KEY_CODES) or _contains_any(self.message, _KEY_PHRASES)

    @property
    def moderated(self) -> bool:
        """Whether the service refuses the content of this item."""
        return bool(self.codes & MODERATION_CODES) or _contains_any(
            self.message, _MODERATION_PHRASES
        )


def reported_in(body: Mapping[str, Any], *, streamed: bool = False) -> ErrorReport | None:
    """The error that a body reports; None when it reports none.

    A member ``error`` always counts. Weaker signs, such as ``message``, count only where the body
    holds no answer (``choices`` or ``data``) and is not one event of a stream (``streamed``).
    """
    if (given := body.get("error")) and (report := _report(given, body)) is not None:
        return report
    choices = body.get("choices")
    for choice in choices[:_MAX_CODES] if isinstance(choices, list) else ():
        given = choice.get("error") if isinstance(choice, dict) else None
        if given and (report := _report(given, choice)) is not None:
            return report
    if body.get("object") == "error":
        return _report({}, body)
    if streamed or isinstance(choices, list) or isinstance(body.get("data"), list):
        return None
    return described_in(body)


def described_in(body: Mapping[str, Any]) -> ErrorReport | None:
    """The report in a body that is known to be an error; None when it gives no details."""
    for name in ("error", "errors", "detail", "message", "msg", "base_resp"):
        if (given := body.get(name)) and (report := _report(given, body)) is not None:
            return report
    return None


def _report(given: Any, around: Mapping[str, Any]) -> ErrorReport | None:
    """The report of an error object; None without details, such as for a code of 0 alone."""
    parts = list(_parts(given, around))
    own = parts[:-1] if isinstance(given, dict | list) and given else parts
    has_details = _message(own) or any(_codes(own)) or any(_statuses(own))
    if isinstance(given, dict | list) and not has_details:
        return None
    codes = frozenset(_codes(parts))
    message = given if isinstance(given, str) else _message(parts)
    status = next(_statuses(parts), None)
    if status is None:
        named = (number for number, known in _STATUS_OF_CODE if codes & known)
        status = next(named, None)
    message = " ".join(whole_text(message[:_MAX_MESSAGE_CHARS]).split())
    return ErrorReport(status, codes, message or ", ".join(sorted(codes)), _retry_after(parts))


def _parts(given: Any, around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects that describe the error, the closest first."""
    inner = list(_dicts(given if isinstance(given, list) else [given]))
    for part in inner:
        yield part
        for name in ("error", "innererror", "inner_error", "metadata"):
            yield from _dicts([part.get(name)])
        yield from _dicts(part.get("details"))
    yield around


def _dicts(given: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(given, list):
        yield from (value for value in given[:_MAX_CODES] if isinstance(value, dict))


def _statuses(parts: list[Mapping[str, Any]]) -> Iterator[int]:
    for part in parts:
        for name in ("code", "status", "status_code", "http_status", "http_code"):
            value = part.get(name)
            if isinstance(value, str) and len(value) == 3 and value.isdecimal():
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if value in _STATUSES:
                yield int(value)


def _codes(parts: list[Mapping[str, Any]]) -> Iterator[str]:
    for part in parts:
        if part.get("flagged_input"):
            yield "flagged"
        for name in ("code", "type", "status", "reason", "error"):
            value = part.get(name)
            if isinstance(value, str) and 0 < len(value) <= _MAX_CODE_CHARS and " " not in value:
                yield whole_text(value.lower())


def _message(parts: list[Mapping[str, Any]]) -> str:
    for part in parts:
        for name in ("message", "msg", "detail", "status_msg", "error"):
            value = part.get(name)
            if isinstance(value, str) and value.strip():
                return value
    return ""


def _retry_after(parts: list[Mapping[str, Any]]) -> str | None:
    for part in parts:
        headers = part.get("headers")
        for holder in (part, headers if isinstance(headers, dict) else {}):
            for name, value in list(holder.items())[:_MAX_CODES]:
                if str(name).lower().replace("-", "_") in ("retry_after", "retrydelay"):
                    text = str(value) if isinstance(value, str | float) else _seconds_text(value)
                    return text.strip()[:64].removesuffix("s")
    return None


def _seconds_text(value: Any) -> str:
    return str(value) if type(value) is int and 0 <= value < 10**9 else ""


def _contains_any(words: str, signs: tuple[str, ...]) -> bool:
    lower = words.lower()
    return any(sign in lower for sign in signs)
