"""Text as it may be shown: without characters that hide, reorder or erase what is near them."""

import unicodedata
from functools import cache
from typing import Final

_KEPT: Final = frozenset("\n\t\u200c\u200d")
"""Line ends, tabs, and the joiners that emoji and some scripts are written with."""
_LINE_ENDS: Final = frozenset("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_REMOVED: Final = frozenset("\xad\ufeff")
"""Soft hyphens and byte order marks: a reader sees nothing there, rightly."""


def visible_text(text: str) -> str:
    """The text with every control or format character made visible as U+FFFD.

    Among them are escape sequences of terminals and marks that reverse the direction of text.
    Line ends of any kind become newlines; spaces of any width become plain ones.
    """
    if text.isprintable():
        return text
    return "".join(map(_visible, text.replace("\r\n", "\n").replace("\r", "\n")))


@cache
def _visible(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    if character in _LINE_ENDS:
        return "\n"
    if character in _REMOVED:
        return ""
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    # what is unassigned to this version of Unicode, or private, draws a box at worst
    return "\ufffd" if category in ("Cc", "Cf", "Cs") else character
