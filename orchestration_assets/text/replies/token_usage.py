"""Reads the token counts that services state; implausible counts are ignored."""

from collections.abc import Mapping
from typing import Any, Final

from orchestration_assets.text.token_estimates import token_estimate

_MAX_TOKENS: Final = 10**9
"""Larger counts are implausible."""
_MAX_TEXT_CHARS: Final = 24
_READ: Final = ("prompt_tokens", "input_tokens")
_WRITTEN: Final = ("completion_tokens", "output_tokens")


def tokens_read(body: Mapping[str, Any], *, only_reads: bool = False) -> int | None:
    """The input tokens that the service states; None without a plausible count.

    ``only_reads``: it writes no tokens, so that the total counts as well.
    """
    usage = _usage(body)
    for name in (*_READ, "total_tokens") if only_reads else _READ:
        # no request is empty: 0 means not counted
        if count := _count(usage.get(name)):
            return count
    return _rest(usage, _WRITTEN)


def tokens_written(body: Mapping[str, Any]) -> int | None:
    """The output tokens that the service states; None without a plausible count."""
    usage = _usage(body)
    for name in _WRITTEN:
        if count := _count(usage.get(name)):
            return count
    return _rest(usage, _READ)


def tokens_estimated(written: str) -> int:
    """The output tokens of a text, where the service states none."""
    # even an empty answer ends with a token
    return max(1, token_estimate(written))


def _rest(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """What is left of the stated total without the first of these counts."""
    total = _count(usage.get("total_tokens"))
    part = next((count for name in names if (count := _count(usage.get(name)))), None)
    return total - part if total and part and total > part else None


def _usage(body: Mapping[str, Any]) -> Mapping[str, Any]:
    usage = body.get("usage")
    if isinstance(usage, dict) and usage:
        return usage
    inside = body.get("x_groq")
    usage = inside.get("usage") if isinstance(inside, dict) else None
    return usage if isinstance(usage, dict) else {}


def _count(value: Any) -> int | None:
    """A count as a whole number or as its text; None for whatever else stands there."""
    if type(value) is int:
        return value if 0 <= value <= _MAX_TOKENS else None
    if isinstance(value, str):
        if len(value) > _MAX_TEXT_CHARS:
            return None
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_TOKENS and value == int(value) else None
