"""The lines of a text with their places."""

from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """A line that begins at the character ``start``: its words without white space around them,
    and the characters before them."""

    start: int
    words: str
    indent: int


def lines_of(text: str) -> Iterator[Line]:
    """The lines between newlines, in their order."""
    start = 0
    for line in text.split("\n"):
        bare = line.lstrip()
        yield Line(start, bare.rstrip(), len(line) - len(bare))
        start += len(line) + 1
