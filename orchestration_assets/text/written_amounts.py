"""Finds amounts of money in a text: a number with a currency beside it, in linear time."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestration_assets.text.plain_numbers import plain_number

_CODES: Final = (
    "AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY "
    "KES KRW MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD "
    "VND ZAR"
).split()
_SYMBOLS: Final = {
    **{"US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "HK$": "HKD"},
    **{"NZ$": "NZD", "S$": "SGD", "R$": "BRL", "$": "USD", "\u20ac": "EUR", "\u00a3": "GBP"},
    **{"\u00a5": "JPY", "\uffe5": "JPY", "\u20b9": "INR", "\u20a9": "KRW", "\u20bd": "RUB"},
    **{"\u20ba": "TRY", "\u20b4": "UAH", "\u20aa": "ILS", "\u20ab": "VND", "z\u0142": "PLN"},
}
_WORDS: Final = {
    **{"euro": "EUR", "euros": "EUR", "Euro": "EUR", "Euros": "EUR", "dollar": "USD"},
    **{"dollars": "USD", "Dollar": "USD", "Dollars": "USD", "yen": "JPY", "rupees": "INR"},
}
_CURRENCIES: Final = {**{code: code for code in _CODES}, **_SYMBOLS, **_WORDS}


def _either(marks: Iterator[str]) -> str:
    return "|".join(map(re.escape, sorted(marks, key=lambda mark: (-len(mark), mark))))


_MARK: Final = _either(iter([*_CODES, *_SYMBOLS]))
_MARK_AFTER: Final = _either(iter(_CURRENCIES))


def _number(mark: str) -> str:
    return (
        rf"(?:\d{{1,3}}(?P<{mark}>[.,' \u00a0\u202f\u2019])\d{{3}}(?:(?P={mark})\d{{3}}){{0,4}}"
        r"(?:[.,]\d{1,2})?(?!\d)|\d{1,15}(?:[.,]\d{1,4})?)"
    )


_SCALES: Final = {
    **dict.fromkeys(("k", "K", "thousand"), 1e3),
    **dict.fromkeys(("m", "M", "mn", "mio", "Mio", "million", "Million", "millions"), 1e6),
    **dict.fromkeys(("bn", "billion", "Billion", "billions"), 1e9),
}


def _scale(word: str, letter: str) -> str:
    return (
        rf"(?: ?(?P<{word}>millions?|Million|mio|Mio|mn|billions?|Billion|bn|thousand)"
        rf"|(?P<{letter}>[kKmM]))?"
    )


_END: Final = r"(?!\w|[.,']\d)"
_SIGN: Final = r"[-\u2212]?"
_SIGNS: Final = ("-", "\u2212")
_RUN: Final = re.compile(r"\d+")
_MARK_BEFORE: Final = re.compile(rf"(?<![\w$])(?P<mark>{_MARK})[ \u00a0]?{_SIGN}\Z")
_AFTER_MARK: Final = re.compile(rf"(?P<number>{_number('a')}){_scale('scale', 'letter')}{_END}")
_BEFORE_MARK: Final = re.compile(
    rf"(?<![\w.,'])(?<![\w-]-)(?P<number>{_number('a')}){_scale('scale', 'letter')}[ \u00a0]?"
    rf"(?P<mark>{_MARK_AFTER})(?!\w)"
)
_LONGEST_MARK: Final = 6
_THOUSANDS: Final = re.compile(r"[-\u2212]?\d{1,3}\.\d{3}")
_DIGITS: Final = 15


class WrittenAmount(NamedTuple):
    """An amount with its place in the text; ``currency`` is an ISO 4217 code."""

    start: int
    end: int
    value: float
    currency: str

    def __str__(self) -> str:
        return f"{self.value:.{_DIGITS}g} {self.currency}"


def written_amounts(text: str) -> Iterator[WrittenAmount]:
    """The amounts of a text in their order: ``1.234,50 EUR``, ``$1,234.50``, ``3.2 million euros``.

    A dollar sign alone counts as that of the United States. Money has no three decimals: ``1.234``
    beside a currency is 1234.
    """
    done = 0
    # runs of figures are found at the speed of memory; a pattern that looks behind is not
    for run in _RUN.finditer(text):
        place = run.start()
        if place < done:
            continue
        before = _MARK_BEFORE.search(text, max(done, place - _LONGEST_MARK), place)
        found = _AFTER_MARK.match(text, place) if before else None
        if before is None or found is None:
            before, found = None, _BEFORE_MARK.match(text, place)
        if found is None or (value := money(found["number"])) is None:
            continue
        done = found.end()
        start = before.start() if before else place
        signed = text[place - 1 : place] in _SIGNS
        if signed and before is None:
            start -= 1
        scaled = round(value * _SCALES.get(found["scale"] or found["letter"] or "", 1.0), 4)
        mark = before["mark"] if before else found["mark"]
        yield WrittenAmount(start, done, -scaled if signed else scaled, _CURRENCIES[mark])


def money(words: str) -> float | None:
    """The number of an amount, where one point before three digits separates thousands."""
    if _THOUSANDS.fullmatch(words):
        words = words.replace(".", "")
    return plain_number(words)


def currency_of(unit: str) -> str | None:
    """The ISO 4217 code of a unit that is a currency: ``EUR``, ``\u20ac``, ``euros``."""
    return _CURRENCIES.get(unit) or _CURRENCIES.get(unit.upper())
