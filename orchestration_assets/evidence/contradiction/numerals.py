"""Values of figures with any separators, of Roman numerals, and of number words in a row."""

import re
from typing import Final

_MOST_DIGITS: Final = 15
_ROMAN: Final = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def figure(plain: str) -> tuple[float | None, float]:
    """The value of figures with any separators, and the step of the last digit.

    None where they are no number: a version of three parts, more than 15 digits.
    """
    text = re.sub(r"['\u2019\s]", "", plain)
    marks = [mark for mark in text if mark in ".,"]
    if sum(map(str.isdecimal, text)) > _MOST_DIGITS:
        return None, 0.0
    if marks:
        last = marks[-1]
        groups = re.split(r"[.,]", text)
        thousands = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3
        if len(set(marks)) == 2:
            head, _, tail = text.rpartition(last)
            text = re.sub(r"[.,]", "", head) + "." + tail
        elif thousands and groups[0] != "0" and (last == "," or len(marks) > 1):
            text = "".join(groups)
        elif len(marks) > 1:
            return None, 0.0
        else:
            text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return None, 0.0
    return value, 10.0 ** -len(text.partition(".")[2])


def roman(written: str) -> float | None:
    """The value of a Roman numeral in capitals; None for anything else and for a single letter."""
    if len(written) < 2 or not _ROMAN.fullmatch(written):
        return None
    total = 0
    for letter, following in zip(written, [*written[1:], ""], strict=True):
        value = _ROMAN_VALUES[letter]
        total += -value if value < _ROMAN_VALUES.get(following, 0) else value
    return float(total)


def adds(total: float, following: float) -> bool:
    """Whether a number word goes on with another: twenty five, two hundred twelve."""
    if total >= 100:
        return following < 100 and total % 100 == 0
    tens = 20 <= total <= 90 and total % 10 == 0
    units = 1 <= following <= 9 or (total in (60.0, 80.0) and following < 20)
    return tens and units
