"""Where a text may be cut: between graphemes, what a reader takes for one character."""

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_EXTENDING: Final = frozenset("\u200c\u200d\uff9e\uff9f")
_VIRAMA: Final = 9
"""Canonical combining class of the signs that join two consonants of Indic scripts."""


def is_boundary(text: str, at: int) -> bool:
    """Whether no grapheme stands on both sides of a position.

    The rules of Unicode Standard Annex 29, GB3 to GB13, by general categories. Any sequence around
    a zero-width joiner counts as one grapheme. Costs more than constant time in flags only.
    """
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return before != _JOINER and (before, after) != ("\r", "\n")
    if before == _JOINER or _extends(after):
        return False
    if unicodedata.combining(before) == _VIRAMA and after.isalpha():
        return False
    if _is_regional(after) and _is_regional(before):
        return _flags_before(text, at) % 2 == 0
    return True


def boundary_before(text: str, at: int, lowest: int = 0) -> int:
    """The last boundary in [``lowest``, ``at``]; ``lowest`` where there is none between."""
    while at > lowest and not is_boundary(text, at):
        at -= 1
    return max(at, lowest)


def boundary_after(text: str, at: int, highest: int) -> int:
    """The first boundary in [``at``, ``highest``]; ``highest`` where there is none between."""
    while at < highest and not is_boundary(text, at):
        at += 1
    return min(at, highest)


def _extends(character: str) -> bool:
    """Whether a character continues the grapheme before it."""
    return (
        character in _EXTENDING
        or unicodedata.category(character) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags of subdivision flags
        or "\u1160" <= character <= "\u11ff"  # vowels and final consonants of Hangul
        or "\ud7b0" <= character <= "\ud7fb"
    )


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    """How many regional indicators stand in a row before a position; two make a flag."""
    start = at
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return at - start
