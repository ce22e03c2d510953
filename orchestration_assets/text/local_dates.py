"""Dates as people and spreadsheets write them, read only where they can mean one day.

A date in numbers is read in the orders that its separator and its year allow. What more than one
order allows is settled by other dates of the same column, if these allow one order only.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

_TIME: Final = (
    r"(?:[ T,]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?)?"
)
_NUMBERS: Final = re.compile(
    r"(?P<first>\d{1,4})(?P<separator>[./-])(?P<second_part>\d{1,2})(?P=separator)"
    r"(?P<third>\d{1,4})" + _TIME,
    re.IGNORECASE,
)
_DAY_AND_MONTH: Final = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[ -]*(?P<month>[a-z]{3,9})\.?,?[ -]*(?P<year>\d{4}|\d{2})"
    + _TIME,
    re.IGNORECASE,
)
_MONTH_AND_DAY: Final = re.compile(
    r"(?P<month>[a-z]{3,9})\.?[ -]*(?P<day>\d{1,2})(?:st|nd|rd|th)?(?:,[ -]*|[ -]+)(?P<year>\d{4})"
    + _TIME,
    re.IGNORECASE,
)
_DAY_NUMBER: Final = re.compile(r"\d{4,5}(?:[.,]\d+)?")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_CENTURY: Final = 2000


class LocalDateError(ValueError):
    """A date that may be read in two ways, or in none; the message says which, and the remedy."""


class DateOrder(StrEnum):
    """Which part of a date in numbers comes first."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    YEAR_FIRST = "year first"


def local_date(
    text: str, order: DateOrder | None = None, latest: datetime | None = None
) -> datetime:
    """The date, with or without a time, without a zone; years of two digits are of this century.

    24.11.2026 has the day first; 24/11/2026, 11/24/2026, 24 Nov 2026 and 24-Nov-26 can be read in
    one way only. ``order`` decides between several, where it is one of them
    (:func:`settled_order`); else what lies after ``latest``, without a zone too, is not meant where
    another reading does not. Raises LocalDateError for a date such as 3/4/2026 that is still open,
    and ValueError for what is no date at all.
    """
    if _DAY_NUMBER.fullmatch(text):
        raise LocalDateError(
            "is the number that a spreadsheet counts days by: give the column the format yyyy-mm-dd"
        )
    readings = date_readings(text)
    if not readings:
        raise ValueError("no date")
    if order in readings:
        return readings[order]
    if latest is not None:
        readings = {o: moment for o, moment in readings.items() if moment <= latest} or readings
    days = sorted({moment.date().isoformat() for moment in readings.values()})
    if len(days) > 1:
        raise LocalDateError(
            f"may be {' or '.join(days)}: write the one that is meant; a date of the same column "
            "that can be read in one way only, such as 28/11/2026, settles it too"
        )
    return next(iter(readings.values()))


def settled_order(texts: Iterable[str]) -> DateOrder | None:
    """The order that some dates of a column leave no choice but to take; None when none does, or
    when two of them take different ones. Dates with dots or names of months settle nothing."""
    orders: set[DateOrder] = set()
    for text in texts:
        match = _NUMBERS.fullmatch(text.strip())
        if match is None or match["separator"] == "." or len(match["first"]) == 4:
            continue
        readings = date_readings(text.strip())
        if len(readings) == 1:
            orders.update(readings)
    return orders.pop() if len(orders) == 1 else None


def date_readings(text: str) -> dict[DateOrder, datetime]:
    """Every order in which the text is a day of the calendar; empty when it is none."""
    named = _DAY_AND_MONTH.fullmatch(text) or _MONTH_AND_DAY.fullmatch(text)
    if named is not None:
        month = _month(named["month"])
        parts = [(DateOrder.DAY_FIRST, named["year"], month, named["day"])] if month else []
        return _moments(named, parts)
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return {}
    first, second, third = match["first"], match["second_part"], match["third"]
    day_first = (DateOrder.DAY_FIRST, third, second, first)
    month_first = (DateOrder.MONTH_FIRST, third, first, second)
    year_first = (DateOrder.YEAR_FIRST, first, second, third)
    if len(first) == 4:
        return _moments(match, [year_first])
    if match["separator"] == ".":
        return _moments(match, [day_first])
    short = [] if len(third) == 4 else [year_first]
    return _moments(match, [day_first, month_first, *short])


def _moments(
    match: re.Match[str], parts: Iterable[tuple[DateOrder, str, int | str, str]]
) -> dict[DateOrder, datetime]:
    time = _time(match)
    found = {}
    for order, year, month, day in parts:
        if time is None or len(year) not in (2, 4) or len(day) > 2:
            continue
        full = int(year) + (_CENTURY if len(year) == 2 else 0)
        try:
            found[order] = datetime(full, int(month), int(day), *time)
        except ValueError:  # no such day, month or hour: not read in this order
            continue
    return found


def _month(name: str) -> int | None:
    """The number of a month by its English name, or its first three letters or more."""
    numbers = [n for n, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return numbers[0] if len(numbers) == 1 else None


def _time(match: re.Match[str]) -> tuple[int, int, int] | None:
    """Hour, minute and second; None when the hour is no hour of half a day."""
    hour, half = int(match["hour"] or 0), match["half"]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return hour, int(match["minute"] or 0), int(match["second"] or 0)
