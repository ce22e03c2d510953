"""Token counts as services state them: whole numbers that a request can have, or nothing."""

from collections.abc import Mapping
from typing import Any, Final

from orchestration_assets.text.token_estimates import token_estimate

_MOST: Final = 10**9
"""No request takes more tokens: what says so is no count."""


def tokens_read(body: Mapping[str, Any], *, only_reads: bool = False) -> int | None:
    """How many tokens the service read, if it says so in a way that can be.

    ``only_reads``: it writes none, so that the total says the same.
    """
    usage = _usage(body)
    for name in ("prompt_tokens", "input_tokens", *(["total_tokens"] if only_reads else [])):
        # a request is never empty: 0 says that nobody counted
        if found := _count(usage.get(name)):
            return found
    return None


def tokens_written(body: Mapping[str, Any], written: str) -> int:
    """How many tokens the service wrote: as it says, else estimated from what it wrote."""
    usage = _usage(body)
    if found := _written(usage):
        return found
    total, read = _count(usage.get("total_tokens")), _count(usage.get("prompt_tokens"))
    if total and read and total > read:
        return total - read
    # even an empty answer ends with a token
    return max(1, token_estimate(written))


def _written(usage: Mapping[str, Any]) -> int | None:
    for name in ("completion_tokens", "output_tokens"):
        if found := _count(usage.get(name)):
            return found
    return None


def _usage(body: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = body.get("x_groq")
    for holder in (body, inside if isinstance(inside, dict) else {}):
        found = holder.get("usage")
        if isinstance(found, dict) and found:
            return found
    return {}


def _count(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 12 and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= _MOST or value != int(value):
        return None
    return int(value)
