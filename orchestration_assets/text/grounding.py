"""Whether the words that a service quotes for a value stand in the content."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.record_answers import RecordAnswer

_SIGNS: Final = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
        "\u00ab": '"', "\u00bb": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-",
        "\u2014": "-", "\u2212": "-", "\u00ad": None, "\u200b": None,
    }
)  # fmt: skip
# what stands for something that was taken out before the content left the machine, and what a
# model leaves out of a quotation
_GAP: Final = re.compile(r"\[[a-z_]{2,20}(?:-[0-9a-f]{4})?\]|\.\.\.|\u2026")
_LONGEST_GAP: Final = 400
_MOST_PARTS: Final = 8
_MOST_PLACES: Final = 4_000


def grounded(reading: Reading, text: str) -> Reading:
    """The reading; a record with the paths whose quotes do not stand in the text."""
    record = reading.answer
    if not isinstance(record, RecordAnswer) or not record.quotes:
        return reading
    plain = _plain(text)
    loose = tuple(path for path, quote in record.quotes if not stands_in(quote, plain))
    return reading if not loose else replace(reading, answer=replace(record, ungrounded=loose))


def stands_in(quote: str, plain: str) -> bool:
    """Whether a quote stands in a text that went through :func:`_plain`: without case, by any white
    space and signs of quotation; across what was taken out or left out, 400 characters at most."""
    parts = [part.strip() for part in _GAP.split(_plain(quote).strip("\"'")) if part.strip()]
    if len(parts) == 1:
        return parts[0] in plain
    # a quote of very many pieces quotes nothing
    if not 0 < len(parts) <= _MOST_PARTS:
        return False
    # where what was found so far may end: one pass over the text for each part
    ends: list[int] | None = None
    for part in parts:
        ends = _ends(part, plain, ends)
        if not ends:
            return False
    return True


def _ends(part: str, plain: str, after: list[int] | None) -> list[int]:
    """Ends of the part in the text, ascending: anywhere, or where it begins no farther behind one
    of the ends ``after`` than what is left out may be long; the first 4000 of them."""
    if after is None:
        after, room = [0], len(plain)
    else:
        room = _LONGEST_GAP
    found: list[int] = []
    last = 0
    start = plain.find(part, after[0])
    while start >= 0 and len(found) < _MOST_PLACES:
        while last + 1 < len(after) and after[last + 1] <= start:
            last += 1
        if start - after[last] <= room:
            found.append(start + len(part))
            start = plain.find(part, start + 1)
        elif last + 1 < len(after):
            start = plain.find(part, after[last + 1])
        else:
            break
    return found


@lru_cache(maxsize=16)
def _plain(text: str) -> str:
    return " ".join(text.translate(_SIGNS).casefold().split())
