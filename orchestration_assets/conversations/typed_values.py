"""What sort of thing a value is: a date, an amount, an address, a name, ..."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.addresses import mail_addresses
from orchestration_assets.text.written_amounts import written_amounts
from orchestration_assets.text.written_dates import written_dates
from orchestration_assets.text.written_identifiers import written_identifiers
from orchestration_assets.text.written_urls import written_urls

_WEEKDAY: Final = re.compile(
    r"\b(?:next |this |coming )?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", re.IGNORECASE
)
_MONTHS: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_OF_MONTH: Final = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?{_MONTHS}|{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?)\b",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(?<![\w:.])(?:\d{1,2}[:.]\d{2}(?:\s?[ap]\.?m\b\.?)?|\d{1,2}\s?[ap]\.?m\b\.?|\d{1,2} o'clock)"
    r"(?![\w:])",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"(?<![\w+])\+?\d[\d ()/-]{6,18}\d(?!\w)")
_QUANTITY: Final = re.compile(
    r"(?<![\w.,])-?\d{1,15}(?:[.,]\d+)*(?: ?%|\s(?!(?:instead|and|or|of|for|now|not|but|at|in|on"
    r"|as|by|the|please|to|is|are|was|with|from|so|because|again|today|yesterday)\b)[^\W\d_]{1,12}\b)"
)
_ADDRESS: Final = re.compile(
    r"(?<![\w.,])\d{1,5}[a-z]? [^\W\d_a-z][\w'\u2019.-]+(?: [^\W\d_a-z][\w'\u2019-]+){1,3}"
)
_NUMBER: Final = re.compile(r"(?<![\w.,])-?\d{1,15}(?:[.,]\d+)*(?![\w])")
_NAME: Final = re.compile(r"[^\W\d_a-z][\w'\u2019-]*(?: [^\W\d_a-z][\w'\u2019-]*){0,3}")
_PREPOSITIONS: Final = frozenset("on at in by about from until till around".split())
_LEAST_PHONE: Final = 7


class ValueKind(StrEnum):
    """The sort of a value: a fact gives way only to one with a value of the same sort."""

    MAIL = "mail"
    URL = "url"
    DATE = "date"
    TIME = "time"
    AMOUNT = "amount"
    PHONE = "phone"
    IDENTIFIER = "identifier"
    ADDRESS = "address"
    NUMBER = "number"
    NAME = "name"
    WORDS = "words"


class TypedValue(NamedTuple):
    """A value with its place in the text."""

    start: int
    end: int
    kind: ValueKind


def typed_values(text: str) -> list[TypedValue]:
    """The values of a text that show by their form what they are; of overlapping ones the first of
    the more certain kind. Names and other words are none of them."""
    kept: list[TypedValue] = []
    for found in _all(text):
        if all(found.end <= one.start or found.start >= one.end for one in kept):
            kept.append(found)
    return sorted(kept)


def kind_of(value: str) -> ValueKind:
    """The kind of a value that stands by itself, maybe with a preposition before it."""
    for typed in typed_values(value):
        before = value[: typed.start].strip().casefold()
        if typed.end == len(value) and (not before or before in _PREPOSITIONS):
            return typed.kind
    return ValueKind.NAME if _NAME.fullmatch(value) else ValueKind.WORDS


def _all(text: str) -> Iterator[TypedValue]:
    if "@" in text:
        yield from (TypedValue(*span, ValueKind.MAIL) for span in mail_addresses(text))
    if "://" in text or "www." in text:
        yield from (TypedValue(one.start, one.end, ValueKind.URL) for one in written_urls(text))
    if "day" in text.lower():
        yield from (TypedValue(*one.span(), ValueKind.DATE) for one in _WEEKDAY.finditer(text))
    if not any(map(str.isdigit, text)):
        return
    yield from (TypedValue(one.start, one.end, ValueKind.DATE) for one in written_dates(text))
    yield from (TypedValue(*one.span(), ValueKind.DATE) for one in _DAY_OF_MONTH.finditer(text))
    yield from (TypedValue(one.start, one.end, ValueKind.AMOUNT) for one in written_amounts(text))
    for one in written_identifiers(text):
        yield TypedValue(one.start, one.end, ValueKind.IDENTIFIER)
    yield from (TypedValue(*one.span(), ValueKind.TIME) for one in _TIME.finditer(text))
    for found in _PHONE.finditer(text):
        if sum(map(str.isdigit, found[0])) >= _LEAST_PHONE:
            yield TypedValue(*found.span(), ValueKind.PHONE)
    yield from (TypedValue(*one.span(), ValueKind.ADDRESS) for one in _ADDRESS.finditer(text))
    yield from (TypedValue(*one.span(), ValueKind.NUMBER) for one in _QUANTITY.finditer(text))
    yield from (TypedValue(*one.span(), ValueKind.NUMBER) for one in _NUMBER.finditer(text))
