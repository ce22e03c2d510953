"""Type conflict: answers of different types, so their services understood different questions."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

_LONGEST: Final = 300


class AnswerType(StrEnum):
    """What an answer looks like."""

    YES_NO = "yes or no"
    NUMBER = "number"
    TIME = "time"
    AMOUNT = "amount"
    PLACE = "place"
    REASON = "reason"
    MANNER = "manner"
    NAME = "name"
    ADDRESS = "web or mail address"
    PHONE = "telephone number"
    FILE = "file"
    VERSION = "version"
    CODE = "code"
    PROSE = "sentence"
    LIST = "list"


_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_NUMBER_WORDS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred|thousand|million|billion|dozen|half|third|quarter"
)
_UNITS = (
    r"kg|kilograms?|kilogrammes?|g|grams?|mg|t|tons?|tonnes?|lbs?|pounds?|ounces?|km"
    r"|kilomet(?:er|re)s?"
    r"|m|met(?:er|re)s?|cm|mm|miles?|feet|foot|inch(?:es)?|l|lit(?:er|re)s?|ml|bar"
    r"|°\s?[cf]|degrees?"
    r"|celsius|percent|per cent|%|euros?|dollars?|eur|usd|gbp|cents?|mph|kilowatt hours?"
    r"|kwh|watts?"
    r"|volts?|mg|bytes?|[kmg]i?b"
)
_SPANS = r"seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)"
_COUNT = rf"(?:[-+]?\d[\d,.]*|a|an|about|minus|(?:{_NUMBER_WORDS}))"

# The first that matches a whole answer decides; order: what is plainest first. No pattern may match
# a text in two ways: answers are untrusted, and each doubling doubles the time.
_PATTERNS: Final[tuple[tuple[AnswerType, re.Pattern[str]], ...]] = (
    (
        AnswerType.YES_NO,
        re.compile(r"(?:yes|no|true|false|certainly|of course|not at all)\b(?:,.*)?", re.I),
    ),
    (AnswerType.ADDRESS, re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+", re.I)),
    (
        AnswerType.PHONE,
        re.compile(r"(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)|\d{2,4})(?:[ -]\d{3,8}){1,3}"),
    ),
    (
        AnswerType.FILE,
        re.compile(
            r"(?:/[\w.-]+){2,}|[A-Za-z]:\\\S+|[\w-]+\.(?:docx?|pdf|txt|csv|py|md|xlsx?|log)"
        ),
    ),
    (AnswerType.VERSION, re.compile(r"v?\d+\.\d+\.\d+(?:[-+.]\w+)*", re.I)),
    (
        AnswerType.TIME,
        re.compile(
            rf"(?:(?:in|on|at|by|around|about|since|before|after|during|until|last|next"
            rf"|every(?: other)?|half past|two days before|early|late|the|this)\s+)*"
            rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}:\d{{2}}|\d{{1,2}} o'clock"
            rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})(?:,? \d{{4}})?"
            rf"|(?:{_MONTHS})\.?(?: \d{{1,2}}(?:st|nd|rd|th)?)?(?:,? \d{{4}})?"
            rf"|(?:{_DAYS})s?(?:,? \d{{1,2}} (?:{_MONTHS}))?(?: evening| morning| night)?"
            rf"|tomorrow|yesterday|today|tonight|overnight|noon|midnight|dawn|dusk|christmas eve"
            rf"|(?:(?:late|early) )?\w+ties|(?:nineteenth|twentieth|eighteenth) century)"
            rf"(?: (?:morning|evening|night|afternoon))?",
            re.I,
        ),
    ),
    (
        AnswerType.TIME,
        re.compile(
            r"(?:during|after|before|until|since|at the end of|in the (?:spring|summer"
            r"|autumn|winter)"
            r"|(?:last|next|every)|\w+ (?:days?|weeks?|years?|hours?) (?:before|after)"
            r"|the night|in the morning"
            r"|in the late|at half past)\b.*",
            re.I,
        ),
    ),
    (
        AnswerType.REASON,
        re.compile(
            r"(?:because|due to|owing to|thanks to|since .* (?:had|was|were|has))\b.*", re.I
        ),
    ),
    (AnswerType.MANNER, re.compile(r"(?:by \w+ing\b|with an? \w+).*", re.I)),
    (
        AnswerType.AMOUNT,
        re.compile(
            rf"(?:[$€£]|USD|EUR|GBP)\s?\d[\d,.]*(?: \w+llion)?|(?:about "
            rf"|for )?{_COUNT}(?: {_COUNT})* ?(?:{_UNITS})(?: .*)?",
            re.I,
        ),
    ),
    (AnswerType.AMOUNT, re.compile(rf"(?:for |about )?{_COUNT}(?: {_COUNT})* (?:{_SPANS})", re.I)),
    (
        AnswerType.PLACE,
        re.compile(
            r"(?:in|at|on|behind|under|near|above|below|beside|outside|inside)\s+(?:the\s"
            r"|an?\s|[A-Z]).*"
            r"|.*\b(?:Street|Lane|Road|Avenue|Lake|Pier|Gate|Terminal|floor|Square)\b.*",
        ),
    ),
    (
        AnswerType.NUMBER,
        re.compile(
            rf"(?:about |some |around |nearly "
            rf"|over )?(?:[-+]?\d[\d,.]*(?:e\d+)?(?: \w+llion)?|\d+/\d+"
            rf"|(?:a |one )?(?:{_NUMBER_WORDS})(?:[ -](?:and |{_NUMBER_WORDS}))*)",
            re.I,
        ),
    ),
)
_YEAR: Final = re.compile(r"1\d{3}|20\d{2}")
_CODE: Final = re.compile(
    r"[{};]\s*$|^\s*(?:def|class|import|return|const|let|var|SELECT|git|for|if|lambda"
    r"|public)\b.*[(:;={*]"
    r"|=>|<\w+>.*</\w+>|^\s*\{.*:.*\}\s*$|\w+\(.*\)\s*[:;]?$|^(?:git|npm|pip|docker|curl) \S+",
    re.I | re.S,
)
_SENTENCE: Final = re.compile(r"[A-Z][^.!?\s]*+\s[^.!?\s]*+\s[^.!?]*+[.!?]")
_LIST: Final = re.compile(r"[^,;.]+(?:[,;][^,;.]+){2,}")
# each word as a whole: one in capitals could else be divided in as many ways as it has letters
_NAME: Final = re.compile(r"(?:(?:the|of|de|von|van|and|a)\s|[A-Z][\w'\u2019.-]*+(?:\s|\Z))+")
# answers of these pairs do not contradict each other by their form alone
_COMPATIBLE: Final[frozenset[frozenset[AnswerType]]] = frozenset(
    frozenset(pair)
    for pair in (
        (AnswerType.NUMBER, AnswerType.AMOUNT),
        (AnswerType.NAME, AnswerType.PLACE),
        (AnswerType.NAME, AnswerType.LIST),
        (AnswerType.NAME, AnswerType.PROSE),
        (AnswerType.PLACE, AnswerType.PROSE),
        (AnswerType.REASON, AnswerType.PROSE),
        (AnswerType.MANNER, AnswerType.PROSE),
        (AnswerType.LIST, AnswerType.PROSE),
        (AnswerType.VERSION, AnswerType.NUMBER),
        (AnswerType.TIME, AnswerType.PROSE),
        (AnswerType.MANNER, AnswerType.REASON),
    )
)


def answer_types(answer: str) -> frozenset[AnswerType]:
    """The types that the answer can have; empty when its form does not tell."""
    text = answer.strip()
    if not text or len(text) > _LONGEST:
        return frozenset()
    if _CODE.search(text):
        return frozenset({AnswerType.CODE})
    if text[0] in "\"'“«":
        return frozenset()
    if _YEAR.fullmatch(text):
        return frozenset({AnswerType.NUMBER, AnswerType.TIME})
    for answer_type, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return frozenset({answer_type})
    if _SENTENCE.fullmatch(text):
        return frozenset({AnswerType.PROSE})
    if _LIST.fullmatch(text):
        return frozenset({AnswerType.LIST})
    if _NAME.fullmatch(text) and text[0].isupper():
        return frozenset({AnswerType.NAME})
    return frozenset()


# how clearly its form shows each type
_CLARITY: Final[Mapping[AnswerType, float]] = {
    AnswerType.ADDRESS: 1.0,
    AnswerType.CODE: 1.0,
    AnswerType.YES_NO: 1.0,
    AnswerType.FILE: 1.0,
    AnswerType.PHONE: 0.9,
    AnswerType.NUMBER: 0.9,
    AnswerType.TIME: 0.9,
    AnswerType.AMOUNT: 0.9,
    AnswerType.REASON: 0.9,
    AnswerType.VERSION: 0.8,
    AnswerType.PROSE: 0.7,
    AnswerType.MANNER: 0.7,
    AnswerType.PLACE: 0.7,
    AnswerType.LIST: 0.6,
    AnswerType.NAME: 0.6,
}


def type_conflict(first: str, second: str) -> Finding | None:
    """Two answers whose forms exclude each other; None where either form does not tell."""
    one, other = answer_types(first), answer_types(second)
    if not one or not other or one & other:
        return None
    if any(frozenset((a, b)) in _COMPATIBLE for a in one for b in other):
        return None
    score = max(map(_CLARITY.__getitem__, one)) * max(map(_CLARITY.__getitem__, other))
    named = (" or ".join(sorted(types)) for types in (one, other))
    articled = (f"{'an' if name[0] in 'aeio' else 'a'} {name}" for name in named)
    return Finding(score, "one answer is {}, the other {}".format(*articled))
