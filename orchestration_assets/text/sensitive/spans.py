"""Spans of a text, and fast searches that decide whether a slower one is needed."""

from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]
"""Begin and end, in characters."""

_TOKEN_CHARS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~"
_TOKEN_MASK: Final = bytes(ord("a") if byte in _TOKEN_CHARS else ord(" ") for byte in range(256))
_NUMBER_MASK: Final = bytes(
    ord("d")
    if byte in b"0123456789"
    else ord("U")
    if byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    else ord("s")
    if byte in b" ().:/-"
    else ord("x")
    for byte in range(256)
)


def find_all(text: str, literal: str) -> Iterator[int]:
    """The positions of ``literal``, from left to right and without overlaps."""
    place = text.find(literal)
    while place >= 0:
        yield place
        place = text.find(literal, place + len(literal))


def lowercase(text: str) -> str:
    """The text in lower case, with every character at the same position.

    The long s becomes s, the dotted capital I becomes i, whose usual lower case is two characters.
    """
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "I").replace("\u017f", "s").lower()


def token_runs(text: str, least: int) -> Iterator[Span]:
    """Runs of at least ``least`` ASCII letters, digits and the signs _ - . ~"""
    mask = text.encode("ascii", "replace").translate(_TOKEN_MASK)
    long = b"a" * least
    start = mask.find(long)
    while start >= 0:
        end = mask.find(b" ", start + least)
        if end < 0:
            end = len(mask)
        yield start, end
        start = mask.find(long, end)


def character_classes(text: str) -> bytes:
    """One byte a character: ``d`` a digit, ``U`` a capital, ``s`` a separator within numbers, ``x``
    any other. Only ASCII characters are classified."""
    return text.encode("ascii", "replace").translate(_NUMBER_MASK)
