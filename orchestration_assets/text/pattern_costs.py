"""Whether a regular expression may take very long on a text that does not match it.

Every repeat, option and alternative is a choice, and a search that fails has tried all combinations
of them: their product bounds its steps, unless what repeats has choices of its own.
"""

import re
from typing import Final

_MOST_STEPS: Final = 10_000_000
# one sign each, as far as choices are concerned
_ATOM: Final = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_REPEAT: Final = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")


def unending(pattern: str, longest: int) -> str | None:
    """What may keep a pattern that compiles from ending on texts of at most ``longest``
    characters, in words; None where nothing does."""
    signs = _ATOM.sub("x", pattern).replace("(?", "(")
    # how many ways there are through each group that is open
    ways = [1]
    place = 0
    while place < len(signs):
        sign = signs[place]
        place += 1
        if sign == "(":
            ways.append(1)
            continue
        if sign == "|":
            ways[-1] *= 2
            continue
        inside = ways.pop() if sign == ")" and len(ways) > 1 else 1
        repeat = _REPEAT.match(signs, place)
        if repeat is not None:
            place = repeat.end()
            choices, most = _choices(repeat, longest)
            if most > 1 and inside > 1:
                return "the pattern repeats what repeats or may be one of several: it may never end"
            inside *= choices
        ways[-1] *= inside
        if ways[-1] > _MOST_STEPS:
            return "the pattern has too many repeats and alternatives: it may take very long"
    return None


def _choices(repeat: re.Match[str], longest: int) -> tuple[int, int]:
    """How many numbers of repetitions there are, and the largest."""
    if repeat[1] is not None:
        most = 1 if repeat[1] == "?" else longest
        return (2 if most == 1 else longest), most
    least = min(int(repeat[2] or 0), longest)
    most = min(int(repeat[4] or longest), longest) if repeat[3] else least
    return max(most - least + 1, 1), most
