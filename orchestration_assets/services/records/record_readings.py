"""Builds the reading of a record from what was found for each field."""

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean
from typing import Final, NamedTuple

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer, whole_record
from orchestration_assets.services.readings import abstention, quoted

MAX_ENTRIES: Final = 500
_LONGEST_QUOTE: Final = 300
_MOST_QUOTES: Final = 1000
_MAX_CONFIDENCE: Final = 0.99


class Found(NamedTuple):
    """The value of one field.

    ``confidence`` in (0, 1] that it is right; ``quotes`` maps places below the field's own path
    (empty for itself, ``[2].amount`` in a list) to the words that the value rests on; ``sign`` is
    the label or mark that it was found by.
    """

    value: FieldValue
    confidence: float
    quotes: tuple[tuple[str, str], ...] = ()
    sign: str = ""


def record_reading(question: Question, found: Mapping[str, Found], nothing: str) -> Reading:
    """The record of the fields that something was found for; its confidence is their mean.

    Quotes are kept where the task asks for them. Abstains, with ``nothing`` as the reason, where
    nothing was found.
    """
    fields = [field.name for field in question.task.fields if field.name in found]
    if not fields:
        return abstention(nothing)
    quotes = [*_quotes(fields, found)][:_MOST_QUOTES] if question.task.quotes else []
    record = RecordAnswer(tuple((name, found[name].value) for name in fields), tuple(quotes))
    sure = fmean(found[name].confidence for name in fields)
    signs = quoted(found[name].sign for name in fields)
    count = f"{len(fields)} of {len(question.task.fields)} fields"
    return Reading(
        Status.OK,
        answer=whole_record(record),
        confidence=round(min(max(sure, 0.01), _MAX_CONFIDENCE), 4),
        evidence=f"{count}, found by {signs}" if signs else count,
    )


def _quotes(fields: Iterable[str], found: Mapping[str, Found]) -> Iterator[tuple[str, str]]:
    for name in fields:
        for place, words in found[name].quotes:
            if plain := short_quote(words):
                yield f"{name}{place}", plain


def short_quote(words: str) -> str:
    """Words of the content as a quote: by single spaces, 300 characters at most."""
    return " ".join(words.split())[:_LONGEST_QUOTE].strip()
