"""Finds dates in a text, as people write them in several languages, and reads them as ISO 8601.

Every pattern begins with a digit or the name of a month and is bounded, so the time is linear.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from orchestration_assets.text.local_dates import DateOrder, date_readings, settled_order

_NAMES: Final = (
    "january jan januar j\u00e4nner janvier enero gennaio januari janeiro",
    "february feb februar f\u00e9vrier fevrier febrero febbraio februari fevereiro",
    "march mar m\u00e4rz maerz mrz mars marzo maart mar\u00e7o marco",
    "april apr avril abril aprile",
    "may mai mayo maggio mei maio",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug ao\u00fbt aout agosto augustus",
    "september sep sept septembre septiembre setiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez d\u00e9cembre decembre diciembre dicembre dezembro",
)
_MONTHS: Final = {name: n for n, names in enumerate(_NAMES, 1) for name in names.split()}
_MONTH: Final = "|".join(sorted(_MONTHS, key=lambda name: (-len(name), name)))
_ORDINAL: Final = r"(?:st|nd|rd|th|er|\u00ba)?\.?"
_OF: Final = r"(?:of |de |di |del )?"
_TIME: Final = (
    r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|GMT)|[+-]\d{2}:?\d{2})?)?"
)
_BEFORE: Final = r"(?<![\w./+-])(?<!\d[,:])"
_AFTER: Final = r"(?![\w/-]|[.,:]\d)"
_FIGURES: Final = re.compile(
    rf"{_BEFORE}(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}}){_TIME}"
    r"|(?P<numbers>\d{4}(?P<s>[./])\d{1,2}(?P=s)\d{1,2}"
    r"|\d{1,2}(?P<t>[./-])\d{1,2}(?P=t)\d{4}"
    # 1.10.10 is a version more often than a day
    r"|\d{1,2}(?P<u>[/-])\d{1,2}(?P=u)\d{2}|\d{2}\.\d{2}\.\d{2})"
    rf"|(?P<day>\d{{1,2}}){_ORDINAL}[ \u00a0-]{{1,2}}{_OF}(?P<month>{_MONTH})\b"
    rf"(?:\.?,?[ \u00a0-]{{1,2}}{_OF}(?P<year>\d{{4}})|-(?P<short>\d{{2}}))"
    r"|(?P<y>\d{4})\s?\u5e74\s?(?P<m>\d{1,2})\s?\u6708\s?(?P<d>\d{1,2})\s?\u65e5)"
    rf"{_AFTER}",
    re.IGNORECASE,
)
_RUN: Final = re.compile(r"\d+")
# found by their years: few words are followed by one
_YEAR: Final = re.compile(r"(?<=[ \u00a0-])(?:1\d|20)\d\d(?![\w/-]|[.,:]\d)")
_NAMED: Final = re.compile(
    rf"(?<![\w./+-])(?P<month>{_MONTH})\b\.?,?[ \u00a0-]{{1,2}}{_OF}"
    rf"(?:(?P<day>\d{{1,2}}){_ORDINAL},?[ \u00a0]{{1,2}}{_OF})?(?P<year>\d{{4}})\Z",
    re.IGNORECASE,
)
_NAME_STARTS: Final = re.compile(r"(?<!\w)(?=[jfmasondeg])", re.IGNORECASE)
_LONGEST_NAMED: Final = 32
_WHOLE_YEAR: Final = re.compile(r"[12]\d{3}(?:-(?:0[1-9]|1[0-2]))?\Z")
_CENTURY: Final = 2000


class WrittenDate(NamedTuple):
    """A date with its place in the text; ``iso`` is None where it may mean several days."""

    start: int
    end: int
    iso: str | None


def written_dates(text: str, order: DateOrder | None = None) -> Iterator[WrittenDate]:
    """The dates of a text in their order, a month with its year among them; what is no day of the
    calendar is none. ``order`` decides of dates in numbers that may mean several days."""
    found = []
    for match in _in_figures(text):
        is_date, iso = _read(match, order)
        if is_date:
            found.append(WrittenDate(*match.span(), iso))
    taken = {one.end for one in found}
    for year in _YEAR.finditer(text):
        if year.end() in taken:
            continue
        before = max(0, year.start() - _LONGEST_NAMED)
        named = _ending_at(text, before, year.end())
        if named is not None:
            found.append(named)
    yield from sorted(found)


def settled_in(text: str) -> DateOrder | None:
    """The order that the dates in numbers of a text leave no choice but to take, if they agree."""
    return settled_order(
        found["numbers"] for found in _in_figures(text) if found["numbers"] is not None
    )


def iso_date(text: str, order: DateOrder | None = None) -> str | None:
    """The one date of a short text, or its first: ``2026-03-05``; ``2026-03`` and ``2026`` where
    no more is said; None where there is none, or where it may mean several days."""
    text = text.strip()
    if _WHOLE_YEAR.match(text):
        return text
    if date_readings(text):
        return _in_numbers(text, order)[1]
    first = next(written_dates(text, order), None)
    return None if first is None else first.iso


def _in_figures(text: str) -> Iterator[re.Match[str]]:
    # runs of figures are found at the speed of memory; a pattern that looks behind is not
    done = 0
    for run in _RUN.finditer(text):
        if run.start() >= done and (match := _FIGURES.match(text, run.start())):
            done = match.end()
            yield match


def _read(match: re.Match[str], order: DateOrder | None) -> tuple[bool, str | None]:
    """Whether it is a date at all, and which."""
    if match["numbers"] is not None:
        return _in_numbers(match["numbers"], order)
    if match["iso"] is not None:
        parts = match["iso"].split("-")
    elif match["y"] is not None:
        parts = [match["y"], match["m"], match["d"]]
    else:
        year = match["year"] or str(_CENTURY + int(match["short"]))
        parts = [year, str(_month(match["month"])), match["day"]]
    iso = _day(*map(int, parts))
    return iso is not None, iso


def _in_numbers(text: str, order: DateOrder | None) -> tuple[bool, str | None]:
    readings = date_readings(text)
    if order in readings:
        return True, readings[order].date().isoformat()
    days = {moment.date().isoformat() for moment in readings.values()}
    return bool(days), days.pop() if len(days) == 1 else None


def _month(name: str) -> int:
    """0 where a letter has another lower case than the one that it matched."""
    return _MONTHS.get(name.lower(), 0)


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _ending_at(text: str, start: int, end: int) -> WrittenDate | None:
    for found in _NAME_STARTS.finditer(text, start, end):
        named = _NAMED.match(text, found.start(), end)
        if named is None:
            continue
        month = _month(named["month"])
        if named["day"] is None and month:
            return WrittenDate(*named.span(), f"{named['year']}-{month:02}")
        iso = _day(int(named["year"]), month, int(named["day"] or 0))
        return None if iso is None else WrittenDate(*named.span(), iso)
    return None
