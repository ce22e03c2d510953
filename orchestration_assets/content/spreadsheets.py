"""What spreadsheets do to the cells of a CSV file, and how a cell survives it.

A cell that reads like a number becomes one: an id such as 0012345678901234 loses its zeros and its
last digits, and 1234e56789012345 becomes a power of ten; dec1 becomes a day.
"""

import re
from typing import Final

# written before a cell that must stay text, and passed over when it is read back
APOSTROPHE: Final = "'"
# an id or a name that also reads as a number, as a day of a month, or as a truth value
_NUMBER_LIKE: Final = re.compile(
    r"\d+(?:[ed]\d+)?|true|false"
    r"|\d*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d*",
    re.IGNORECASE,
)
_POWER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?e[+-]?\d+|[+-]?\d+[.,]0*", re.IGNORECASE)
_DIGITS_ALONE: Final = re.compile(r"\d+")


def as_text(identity: str) -> str:
    """An id as a cell that no spreadsheet takes for a number or a date."""
    return APOSTROPHE + identity if _NUMBER_LIKE.fullmatch(identity) else identity


def as_given(cell: str) -> str:
    """What :func:`as_text` was given."""
    bare = cell.removeprefix(APOSTROPHE)
    return bare if _NUMBER_LIKE.fullmatch(bare) else cell


def mangled(cell: str, length: int) -> str | None:
    """What happened to an id of ``length`` digits that reads like a number now, and the remedy.

    None for a cell that does not look like that.
    """
    if _POWER.fullmatch(cell):
        return "a spreadsheet took the id for a number, and digits are lost"
    if not _DIGITS_ALONE.fullmatch(cell):
        return None
    if len(cell) < length:
        return (
            f"a spreadsheet took the id for a number, and zeros before it are lost (it may be "
            f"{cell.zfill(length)})"
        )
    if len(cell) == length and cell.endswith("0"):
        return "a spreadsheet may have taken the id for a number, and its last digits are lost"
    return None
