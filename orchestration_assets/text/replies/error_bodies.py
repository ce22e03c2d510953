"""The error that a service reports in a body, whatever status the body came under."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.storable_values import whole_text

_STATUSES: Final = range(400, 600)
_MOST_CODES: Final = 32
_LONGEST_CODE: Final = 80
_LONGEST_WORDS: Final = 1000

OUT_OF_MONEY: Final = frozenset(
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
BAD_KEY: Final = frozenset(
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
MODERATED: Final = frozenset(
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
# some services say these in words only
_MONEY_WORDS: Final = (
    "insufficient balance",
    "insufficient credit",
    "insufficient funds",
    "credit balance is too low",
)
_KEY_WORDS: Final = ("invalid api key", "incorrect api key", "api key not valid")
_MODERATION_WORDS: Final = ("moderation", "content policy", "content management policy", "flagged")

_STATUS_OF_CODE: Final[tuple[tuple[int, frozenset[str]], ...]] = (
    (402, OUT_OF_MONEY),
    (401, BAD_KEY),
    (400, MODERATED),
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
"""What a code in words stands for; of several, the first in this order."""


class ErrorReport(NamedTuple):
    """What a body says went wrong.

    ``status`` is the HTTP status that it names or stands for, None when it tells none;
    ``retry_after`` is what it says under that name, as text.
    """

    status: int | None
    codes: frozenset[str]
    words: str
    retry_after: str | None = None

    @property
    def out_of_money(self) -> bool:
        return bool(self.codes & OUT_OF_MONEY) or _says(self.words, _MONEY_WORDS)

    @property
    def bad_key(self) -> bool:
        return bool(self.codes & BAD_KEY) or _says(self.words, _KEY_WORDS)

    @property
    def moderated(self) -> bool:
        """Whether it is this item that the service will not read."""
        return bool(self.codes & MODERATED) or _says(self.words, _MODERATION_WORDS)


def reported_in(body: Mapping[str, Any], *, piece: bool = False) -> ErrorReport | None:
    """The error that a body reports beside whatever else is there; None when it reports none.

    Signs that are less plain than a member ``error`` count only where the body holds no answer
    (``choices`` or ``data``) and is not a mere ``piece`` of one.
    """
    if (given := body.get("error")) and (report := _report(given, body)) is not None:
        return report
    for choice in _dicts(body.get("choices")):
        if (given := choice.get("error")) and (report := _report(given, choice)) is not None:
            return report
    if body.get("object") == "error":
        return _report({}, body)
    if piece or any(isinstance(body.get(name), list) for name in ("choices", "data")):
        return None
    return described_in(body)


def described_in(body: Mapping[str, Any]) -> ErrorReport | None:
    """What a body that is known to be an error says; None when it says nothing."""
    for name in ("error", "errors", "detail", "message", "msg", "base_resp"):
        if (given := body.get(name)) and (report := _report(given, body)) is not None:
            return report
    return None


def _report(given: Any, around: Mapping[str, Any]) -> ErrorReport | None:
    """None when nothing is said after all, such as a code of 0 without words."""
    parts = list(_parts(given, around))
    own = parts[:-1] if isinstance(given, dict | list) and given else parts
    says = _words(own) or any(_codes(own)) or any(_statuses(own))
    if isinstance(given, dict | list) and not says:
        return None
    codes = frozenset(_codes(parts))
    words = given if isinstance(given, str) else _words(parts)
    status = next(_statuses(parts), None)
    if status is None:
        named = (number for number, known in _STATUS_OF_CODE if codes & known)
        status = next(named, None)
    said = " ".join(whole_text(words[:_LONGEST_WORDS]).split())
    return ErrorReport(status, codes, said or ", ".join(sorted(codes)), _retry_after(parts))


def _parts(given: Any, around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects that describe the error, the closest first."""
    inner = list(_dicts(given if isinstance(given, list) else [given]))
    for one in inner:
        yield one
        for name in ("error", "innererror", "inner_error", "metadata"):
            yield from _dicts([one.get(name)])
        yield from _dicts(one.get("details"))
    yield around


def _dicts(given: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(given, list):
        yield from (one for one in given[:_MOST_CODES] if isinstance(one, dict))


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
            if isinstance(value, str) and 0 < len(value) <= _LONGEST_CODE and " " not in value:
                yield whole_text(value.lower())


def _words(parts: list[Mapping[str, Any]]) -> str:
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
            for name, value in list(holder.items())[:_MOST_CODES]:
                if str(name).lower().replace("-", "_") in ("retry_after", "retrydelay"):
                    said = str(value) if isinstance(value, str | float) else _whole_number(value)
                    return said.strip()[:64].removesuffix("s")
    return None


def _whole_number(value: Any) -> str:
    return str(value) if type(value) is int and 0 <= value < 10**9 else ""


def _says(words: str, signs: tuple[str, ...]) -> bool:
    lower = words.lower()
    return any(sign in lower for sign in signs)
