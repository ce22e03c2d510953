"""What spreadsheets do to the cells of a CSV file, and how a cell survives it.

A cell that reads like a number becomes one: an id such as 0012345678901234 loses its zeros and its
last digits, and 1234e56789012345 becomes a power of ten. A date comes back as the language of the
computer writes dates.
"""

import re
from datetime import datetime
from typing import Final

# written before a cell that must stay text, and passed over when it is read back
APOSTROPHE: Final = "'"
# a hexadecimal id that also reads as a number, or as a day in December or February
_NUMBER_LIKE: Final = re.compile(r"\d+(?:[ed]\d+)?|\d*(?:dec|feb)\d*", re.IGNORECASE)
_POWER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?e[+-]?\d+|[+-]?\d+[.,]0*", re.IGNORECASE)
_DIGITS_ALONE: Final = re.compile(r"\d+")
_DATE: Final = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})"
    r"(?:[ T,]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?:\s*([ap])\.?m\.?)?)?",
    re.IGNORECASE,
)
_DAY_NUMBER: Final = re.compile(r"\d{4,5}(?:[.,]\d+)?")


class LocalDateError(ValueError):
    """A date that may be read in two ways, or in none; the message says which, and the remedy."""


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


def local_date(text: str) -> datetime:
    """A date as spreadsheets write it, with or without a time; without a zone.

    24.11.2026 has the day first, and 24/11/2026 and 11/24/2026 can be read in one way only. Raises
    LocalDateError for a date such as 3/4/2026, and ValueError for what is no date at all.
    """
    if _DAY_NUMBER.fullmatch(text):
        raise LocalDateError(
            "is the number that a spreadsheet counts days by: give the column the format yyyy-mm-dd"
        )
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("no date")
    one, separator, two, three, hour, minute, second, half = match.groups()
    year, month, day = _year_month_day(one, two, three, separator)
    return datetime(year, month, day, _hour(hour, half), int(minute or 0), int(second or 0))


def _year_month_day(one: str, two: str, three: str, separator: str) -> tuple[int, int, int]:
    if len(one) == 4 and len(three) <= 2:
        return int(one), int(two), int(three)
    if len(three) != 4 or len(one) > 2:
        raise LocalDateError("has a year of two digits: write it as 2026-11-24")
    first, second, year = int(one), int(two), int(three)
    if separator == "." or first > 12 or first == second:
        return year, second, first
    if second > 12:
        return year, first, second
    raise LocalDateError(
        f"may be {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}: write the one "
        "that is meant"
    )


def _hour(hour: str | None, half: str | None) -> int:
    if half is None:
        return int(hour or 0)
    if not 1 <= int(hour or 0) <= 12:
        raise ValueError("no hour of half a day")
    return int(hour or 0) % 12 + (12 if half.lower() == "p" else 0)
