"""Values of a record's columns as text, whatever the file keeps them as."""

import json
from decimal import Decimal
from typing import Any

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.storable_values import whole_text


class CellError(Exception):
    """A value that cannot be read or kept; ``reason`` is the reject reason of its record."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HugeInteger(Decimal):
    """An integer of thousands of digits, which Python keeps but neither reads nor writes."""


def in_words(value: Any) -> str:
    """A value as text: what is no text as JSON, bytes that are no UTF-8 as hexadecimal digits.

    Raises CellError when that cannot be.
    """
    if isinstance(value, str | HugeInteger | bytes):
        return whole_text(_plain(value))
    try:
        return json.dumps(value, sort_keys=True, default=_plain)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise CellError(RejectReason.MALFORMED, f"cannot be written as text ({error})") from error


def _plain(value: Any) -> str:
    """What JSON has no value for, as text."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
