"""A reader that knows nothing but what it is shown: lines, most of which name their message.

It reads a line perfectly and draws no conclusion from several: a value counts where one line holds
it beside what it is a value of, and of several values the one of the latest message is in force.
What a line says was before is not in force.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from benchmarks._dialogues import Need, Said

_NUMBER: Final = re.compile(r"^\[(\d+)\] ")
_MESSAGES: Final = re.compile(r"\n(?=\[\d+\] )")
"""A message may go on over several lines; each begins with its number."""
_BEFORE: Final = re.compile(r"\(before(?:, perhaps)?: [^\n]*\)")


class Read(NamedTuple):
    """What was read of a fact: whether its value in force was, whether another was taken for it,
    and whether what contradicts it was read too, with who said it."""

    known: bool
    outdated: bool
    both: bool


def read(shown: str, need: Need) -> Read:
    """What a reader makes of the lines about a fact."""
    lines = [line for line in _MESSAGES.split(shown) if need.subject.casefold() in line.casefold()]
    taken = [(number, said) for line in lines for number, said in _values(line, need)]
    latest = max(taken, key=lambda one: one[0], default=None)
    known = latest is not None and latest[1] == need.said[-1]
    other = need.other
    both = other is None or any(
        _holds(line, other.value) and other.speaker.casefold() in line.casefold() for line in lines
    )
    return Read(known, latest is not None and not known, both)


def _values(line: str, need: Need) -> Iterator[tuple[int, Said]]:
    """The values that a line gives, with the number of its message; a message gives the one that
    it was written to give, though it may name the one before."""
    match = _NUMBER.match(line)
    number = int(match[1]) if match else 0
    by_number = {one.number: one for one in need.said}
    text = _BEFORE.sub("", line)
    given = [by_number[number]] if number in by_number else need.said
    yield from ((number, one) for one in given if _holds(text, one.value))


def _holds(text: str, value: str) -> bool:
    pattern = rf"(?<![\w-]){re.escape(value)}(?!\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None
