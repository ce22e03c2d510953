"""Where a text writes a date or a number, in whichever form people write it there."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from orchestration_assets.text.local_dates import date_readings
from orchestration_assets.text.plain_numbers import plain_number
from orchestration_assets.text.written_amounts import money
from orchestration_assets.text.written_dates import settled_in, written_dates

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_WRITTEN: Final = re.compile(
    r"(?<![\w.,])(?<!\d[-/:])"
    r"(?:\d{1,3}(?:[., '\u00a0\u202f\u2019]\d{3})+(?:[.,]\d{1,4})?|\d{1,15}(?:[.,]\d{1,4})?)"
    r"(?!\d|[.,/:-]\d)"
)
_LEAST_CHARS: Final = 2
"""One digit stands everywhere."""


def spans_of_value(value: str) -> Callable[[str], Iterator[tuple[int, int]]] | None:
    """What finds the spans of a text that write the value: a date in ISO 8601 or a plain number.

    None for any other value. ``12 May 2026`` and ``12.05.2026`` write 2026-05-12, ``1.234,50`` and
    ``1,234.50`` write 1234.5; a date in numbers that may mean several days writes each of them. The
    sign of a number is left to the reader: brackets and red ink say it too.
    """
    if _DATE.fullmatch(value):
        return lambda text: _dates(text, value)
    if _NUMBER.fullmatch(value):
        return lambda text: _numbers(text, abs(float(value)))
    return None


def _dates(text: str, iso: str) -> Iterator[tuple[int, int]]:
    for found in written_dates(text, settled_in(text)):
        if found.iso == iso or (
            found.iso is None and iso in _readings(text[found.start : found.end])
        ):
            yield found.start, found.end


def _readings(words: str) -> set[str]:
    return {moment.date().isoformat() for moment in date_readings(words).values()}


def _numbers(text: str, value: float) -> Iterator[tuple[int, int]]:
    for match in _WRITTEN.finditer(text):
        words = match[0]
        if len(words) >= _LEAST_CHARS and value in (plain_number(words), money(words)):
            yield match.span()
