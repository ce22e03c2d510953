"""Reads the token counts that services state; implausible counts are ignored."""

from collections.abc import Mapping
from typing import Any, Final

from orchestration_assets.text.token_estimates import token_estimate

_MAX_TOKENS: Final = 10**9
"""Larger counts are implausible."""


def tokens_read(body: Mapping[str, Any], *, only_reads: bool = False) -> int | None:
    """The input tokens that the service states; None without a plausible count.

    ``only_reads``: it writes no tokens, so that the total counts as well.
    """
    usage = _usage(body)
    for name in ("prompt_tokens", "input_tokens", *(["total_tokens"] if only_reads else [])):
        # no request is empty: 0 means not counted
        if count := _count(usage.get(name)):
            return count
    return None


def tokens_written(body: Mapping[str, Any], written: str) -> int:
    """The output tokens that the service states, else an estimate from ``written``."""
    usage = _usage(body)
    if count := _written(usage):
        return count
    total, read = _count(usage.get("total_tokens")), _count(usage.get("prompt_tokens"))
    if total and read and total > read:
        return total - read
    # even an empty answer ends with a token
    return max(1, token_estimate(written))


def _written(usage: Mapping[str, Any]) -> int | None:
    for name in ("completion_tokens", "output_tokens"):
        if count := _count(usage.get(name)):
            return count
    return None


def _usage(body: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = body.get("x_groq")
    for holder in (body, inside if isinstance(inside, dict) else {}):
        usage = holder.get("usage")
        if isinstance(usage, dict) and usage:
            return usage
    return {}


def _count(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 12 and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= _MAX_TOKENS or value != int(value):
        return None
    return int(value)
