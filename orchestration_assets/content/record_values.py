"""Values of a record's columns as text, whatever the file keeps them as."""

import json
from decimal import Decimal
from typing import Any

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.storable import whole_text


class CellError(Exception):
    """A value that cannot be read or kept; ``reason`` is the reject reason of its record."""

    def __init__(self, reason: RejectReason, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class HugeInteger(Decimal):
    """An integer of thousands of digits, which Python keeps but neither reads nor writes."""


def in_words(value: Any) -> str:
    """A value as text: what is no text as JSON. Raises CellError when that cannot be."""
    if isinstance(value, str | HugeInteger):
        return whole_text(str(value))
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise CellError(RejectReason.MALFORMED, f"cannot be written as text ({error})") from error
