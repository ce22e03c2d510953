"""Places in a text, and the quick looks that decide whether a slow one is worth it."""

from collections.abc import Iterable, Iterator
from typing import Final

Span = tuple[int, int]
"""Where something begins and where it ends, in characters."""

_TOKEN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~"
_RUNS: Final = bytes(ord("a") if one in _TOKEN else ord(" ") for one in range(256))
_FIGURES: Final = bytes(
    ord("d")
    if one in b"0123456789"
    else ord("U")
    if one in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    else ord("s")
    if one in b" ().:/-"
    else ord("x")
    for one in range(256)
)


def places(text: str, literal: str) -> Iterator[int]:
    """Where ``literal`` stands, from left to right and without overlaps."""
    place = text.find(literal)
    while place >= 0:
        yield place
        place = text.find(literal, place + len(literal))


def small(text: str) -> str:
    """The text in small letters, each at its old place.

    The long s becomes s and the dotted capital I becomes i: they are small letters of names that
    are searched for, and the latter's own small form is two characters.
    """
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "I").replace("\u017f", "s").lower()


def long_runs(text: str, least: int) -> Iterator[Span]:
    """Unbroken runs of at least ``least`` ASCII letters, figures and the signs _ - . ~"""
    mask = text.encode("ascii", "replace").translate(_RUNS)
    long = b"a" * least
    start = mask.find(long)
    while start >= 0:
        end = mask.find(b" ", start + least)
        if end < 0:
            end = len(mask)
        yield start, end
        start = mask.find(long, end)


def classes(text: str) -> bytes:
    """Each character's class: ``d`` a figure, ``U`` a capital, ``s`` what may stand between the
    groups of a number, ``x`` any other. Only ASCII counts."""
    return text.encode("ascii", "replace").translate(_FIGURES)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in their order, those that overlap made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
