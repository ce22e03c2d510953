"""A number as people write it, with its unit or currency beside it, read where it can mean one."""

import re
from math import isfinite
from typing import Final

_NUMBER: Final = re.compile(
    r"(?P<sign>[-+\u2212(]?)\s*"
    r"(?P<digits>\d{1,3}(?:(?P<mark>[., '\u00a0\u202f\u2019])\d{3})(?:(?P=mark)\d{3})*|\d+)"
    r"(?P<rest>[.,]\d+)?(?P<power>[eE][+-]?\d{1,3})?"
)
_AROUND: Final = r"[^\d.,]{0,24}"
_WHOLE: Final = re.compile(rf"{_AROUND}?{_NUMBER.pattern}(?:[.,]?[-\u2013]{{1,2}})?\s*{_AROUND}")
_SCALES: Final = {
    "thousand": 1e3, "million": 1e6, "millions": 1e6, "mio": 1e6, "mn": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "mrd": 1e9, "trillion": 1e12,
}  # fmt: skip
_SCALE: Final = re.compile(rf"(?<![^\W\d_])({'|'.join(_SCALES)})(?![^\W\d_])", re.IGNORECASE)
_MOST_CHARS: Final = 64
_IDENTIFIER: Final = re.compile(r"([^\W\d_]+)[-\u2212_/]$")
_CURRENCIES: Final = frozenset(
    {"EUR", "USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK"}
)


def plain_number(text: str) -> float | None:
    """The number of a text that holds one and little else: ``1.234,56 EUR``, ``$1,234.56``,
    ``(12)`` in brackets of bookkeepers, ``12 kg``; None for any other text.

    A comma or point before exactly three digits at the end separates thousands where it is a
    comma, decimals where it is a point; of two different marks the last one is the decimal one.
    ``1.2 million`` is 1200000. A sign between a word and the digits belongs to an identifier:
    ``INV-12`` is no number, ``EUR -12`` is one.
    """
    if len(text) > _MOST_CHARS:
        return None
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        return None
    digits, mark, rest = match["digits"], match["mark"], match["rest"] or ""
    before = text[: text.find(digits)]
    word = _IDENTIFIER.search(before)
    if word is not None and word[1].upper() not in _CURRENCIES:
        return None
    if mark is not None and not rest and mark == "." and digits.count(mark) == 1:
        # 1.234 is written with a point more often than with thousands
        rest, digits = "." + digits.split(".", 1)[1], digits.split(".", 1)[0]
    elif mark == "," and not rest and digits.startswith("0") and digits.count(mark) == 1:
        # no thousands begin with a zero
        digits = digits.replace(mark, ".")
    elif mark is not None:
        if rest[:1] == mark:
            return None
        digits = digits.replace(mark, "")
    scale = _SCALE.search(text, text.find(match["digits"]) + len(match["digits"]))
    value = float(f"{digits}{rest.replace(',', '.')}{match['power'] or ''}")
    if scale is not None:
        # as the decimal digits say: 1.1 times a million is a little more in binary
        value = round(value * _SCALES[scale[1].lower()], 6)
    if not isfinite(value):
        return None
    negative = match["sign"] in ("-", "\u2212", "(") or before.strip().endswith(("-", "\u2212"))
    return -value if negative else value
