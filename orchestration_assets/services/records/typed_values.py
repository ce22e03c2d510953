"""Words of the content as the value of a field: by the field's type, None where they are none."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from orchestration_assets.schemas.record_answers import FieldValue
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.text.local_dates import DateOrder
from orchestration_assets.text.plain_numbers import plain_number
from orchestration_assets.text.replies.record_values import FieldValueError, read_record
from orchestration_assets.text.written_amounts import currency_of, money, written_amounts
from orchestration_assets.text.written_dates import iso_date

_SHORT: Final = 200
# "12 pieces, boxed", "19 % (reduced)": a number, its unit, and no date, range or version behind it
_LEADING: Final = re.compile(
    r"[^\w-]{0,4}(?:[A-Za-z.]{1,10}[ \u00a0])?"
    r"(?P<number>[-+\u2212(]?\d[\d.,'\u00a0\u202f\u2019]{0,24}(?: \d{3}){0,4}(?:[.,]\d{1,6})?)"
    r"(?![\w/:-]*\d)"
)
_TRUE: Final = frozenset(
    "yes y true on x checked oui ja si s\u00ed sim vrai wahr \u2713 \u2714 \u2611 \u2612 1".split()
)
_FALSE: Final = frozenset(
    "no n false off unchecked non nein nee n\u00e3o faux falsch \u2717 \u2718 \u2610 0".split()
)
_BOX: Final = re.compile(r"\[(?P<mark>[ xX])\]")
_WORD: Final = re.compile(r"[\w\u2610-\u2612\u2713-\u2718]+")
_COLUMN_GAP: Final = re.compile(r"\t| {2,}")
_EMPHASIS: Final = re.compile(r"\*\*|__|(?<!\w)[*_`](?=\S)|(?<=\S)[*_`](?!\w)")
_LINK: Final = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{0,2000}\)")


def typed(words: str, field: RecordField, order: DateOrder | None = None) -> FieldValue | None:
    """The value that words give a field; None where they give none, or say that there is none.

    Numbers may stand among a few words, but in no other currency than the field's unit; a date is
    the first of the words, in the ``order`` of the document where it may mean several days; a label
    is one of the field's, or the only one of them that the words have in them; a text is all words,
    without marks of emphasis and targets of links.
    """
    words = plain_words(words)
    match field.type:
        case FieldType.NUMBER:
            return _number(words[:_SHORT], field.unit)
        case FieldType.DATE:
            return iso_date(words[:_SHORT], order)
        case FieldType.BOOLEAN:
            return _boolean(words[:_SHORT])
        case FieldType.LABEL if field.labels:
            return _label(words, field)
        case _:
            return coerced(words, field)


def plain_words(words: str) -> str:
    """The words without marks of emphasis, targets of links, and quotation marks around them."""
    words = words.strip().rstrip("|").strip()
    if "](" in words:
        words = _LINK.sub(r"\1", words)
    if "*" in words or "_" in words or "`" in words:
        words = _EMPHASIS.sub("", words)
    words = words.rstrip(",;") if words[:1] in "\"'" else words
    if len(words) > 2 and words[0] == words[-1] and words[0] in "\"'":
        words = words[1:-1]
    return words


def coerced(value: Any, field: RecordField) -> FieldValue | None:
    """A plain value as that of a field, as replies of services are read; None where it is none."""
    try:
        record = read_record({field.name: value}, (_optional(field),))
    except FieldValueError:
        return None
    return record.get(field.name)


@lru_cache(maxsize=256)
def _optional(field: RecordField) -> RecordField:
    return replace(field, required=False)


def _number(words: str, unit: str) -> float | None:
    currency = currency_of(unit) if unit else None
    if currency is not None:
        amounts = list(written_amounts(words))
        if amounts:
            return next((one.value for one in amounts if one.currency == currency), None)
    number = money(words) if currency else plain_number(words)
    if number is not None:
        return number
    for part in (words, _COLUMN_GAP.split(words, maxsplit=1)[0]):
        if (leading := _LEADING.match(part)) is not None:
            told = leading["number"].rstrip(".,'\u00a0\u202f\u2019")
            return money(told) if currency else plain_number(told)
    return None


def _boolean(words: str) -> bool | None:
    if box := _BOX.match(words):
        return box["mark"] != " "
    first = _WORD.search(words)
    word = first.group().casefold() if first else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _label(words: str, field: RecordField) -> FieldValue | None:
    exact = coerced(words, field)
    if exact is not None:
        return exact
    folded = f" {' '.join(_WORD.findall(words[:_SHORT].casefold()))} "
    held = [
        label
        for label in field.labels
        if f" {' '.join(_WORD.findall(label.replace('_', ' ').casefold()))} " in folded
    ]
    return held[0] if len(held) == 1 else None
