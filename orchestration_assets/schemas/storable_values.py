"""What an Arrow table can hold: whole characters, and integers of 64 bits."""

import re
from typing import Final

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def whole_text(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair, which UTF-8 cannot hold."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def fits_int64(value: int) -> bool:
    """Whether a column of 64-bit integers can hold the value."""
    return INT64_MIN <= value <= INT64_MAX
