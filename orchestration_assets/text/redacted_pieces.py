"""Parts of a long text, redacted: cut where no secret stands, before anything is searched.

To look through tens of megabytes for secrets takes longer than to ask about them, and a service
is shown a few thousand tokens of them at most.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from orchestration_assets.text.redaction import RedactedText

Redact = Callable[[str], RedactedText]

_LEAST_CHARS: Final = 131_072
"""A text of no more characters is looked through whole."""
_CHARS_A_TOKEN: Final = 8
"""So much is chosen from for each token that may be sent: more than a token has in any script."""
_PIECES: Final = 16
_AROUND: Final = 2_048
"""Characters on either side in which a secret that spans a cut is looked for."""
_LONGEST_BLOCK: Final = 65_536
"""A key block may begin so far before a cut."""
_TRIES: Final = 4
"""Places of each sort that are tried for a cut, the best sort first."""
_SORTS: Final = (re.compile(r"\n"), re.compile(r"\s"), re.compile(r"[;,(){}<>\[\]|]"))
"""Ends of lines, gaps between words, signs that no key or token holds."""
_ARMOUR: Final = (("-----BEGIN ", "-----END "), ("---- BEGIN ", "---- END "))


class RedactedPieces(NamedTuple):
    """Parts of a text in their order, with something left out after each but the text's end.

    ``share``: of the characters of the text that the parts were cut from, in (0, 1].
    """

    texts: tuple[str, ...]
    share: float = 1.0


def redacted_pieces(
    text: str, tokens: int, redact: Redact
) -> tuple[RedactedPieces, dict[str, int]]:
    """What may be shown of the text in ``tokens`` tokens is chosen from these, without secrets.

    The whole text where it is no longer than what is chosen from; else its beginning, its end and
    what lies evenly between them. The cost depends on ``tokens``, not on the length of the text;
    the same text and number give the same pieces. Counts are of what was taken out of them.
    """
    room = max(_LEAST_CHARS, tokens * _CHARS_A_TOKEN)
    if len(text) <= room:
        found = redact(text)
        return RedactedPieces((found.text,)), dict(found.counts)
    texts: list[str] = []
    counts: dict[str, int] = {}
    taken = 0
    for begin, end in _bounds(text, room // _PIECES, redact):
        found = redact(text[begin:end])
        texts.append(found.text)
        taken += end - begin
        for kind, count in found.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    return RedactedPieces(tuple(texts), max(taken, 1) / len(text)), counts


def _bounds(text: str, size: int, redact: Redact) -> Iterator[tuple[int, int]]:
    """Where the pieces begin and end; one that cannot be cut safely is left out."""
    step = (len(text) - size) / (_PIECES - 1)
    reach = size // 4
    before = 0
    for number in range(_PIECES):
        nominal = round(number * step)
        first, last = max(before, nominal), nominal + size
        begin = _cut_after(text, first, first + reach, redact) if nominal else 0
        end = len(text) if number == _PIECES - 1 else _cut_before(text, last, last - reach, redact)
        if begin is not None and end is not None and begin < end:
            yield begin, end
            before = end


def _cut_after(text: str, at: int, latest: int, redact: Redact) -> int | None:
    """A safe cut from ``at`` on, after the key block that it lies in if it does."""
    opened = _opened_block(text, at)
    if opened is not None:
        mark = len(opened[1])
        closed = text.find(opened[1], max(opened[0], at - mark), at + _LONGEST_BLOCK)
        if closed < 0:
            return None
        at, latest = closed + mark, max(latest, closed + mark + _AROUND)
    return _first_safe(text, _places(text, at, latest, backwards=False), redact)


def _cut_before(text: str, at: int, earliest: int, redact: Redact) -> int | None:
    """A safe cut up to ``at``, before the key block that it lies in if it does."""
    opened = _opened_block(text, at)
    if opened is not None:
        at = opened[0]
        earliest = min(earliest, at - _AROUND)
    return _first_safe(text, _places(text, at, max(0, earliest), backwards=True), redact)


def _opened_block(text: str, at: int) -> tuple[int, str] | None:
    """Where the armoured block that holds this place begins, and what ends it."""
    low = max(0, at - _LONGEST_BLOCK)
    for begin, end in _ARMOUR:
        # what is cut in the middle of the mark itself counts as well
        place = text.rfind(begin, low, at + len(begin))
        if place >= 0 and text.find(end, place, at) < 0 and place < at:
            return place, end
    return None


def _places(text: str, at: int, furthest: int, *, backwards: bool) -> Iterator[int]:
    """Places for a cut between both, those nearest to ``at`` first, the best sort first."""
    low, high = min(at, furthest), max(at, furthest)
    part = text[low:high]
    for sort in _SORTS:
        found = [low + match.end() for match in sort.finditer(part)]
        yield from islice(reversed(found) if backwards else found, _TRIES)
    stride = max(1, (high - low) // _TRIES)
    yield from range(at, furthest, -stride if backwards else stride)


def _first_safe(text: str, places: Iterator[int], redact: Redact) -> int | None:
    return next((place for place in places if _is_safe(text, place, redact)), None)


def _is_safe(text: str, place: int, redact: Redact) -> bool:
    """Whether both sides of the cut come out as they do together: then nothing spans it."""
    if _opened_block(text, place) is not None:
        return False
    before, after = text[max(0, place - _AROUND) : place], text[place : place + _AROUND]
    return redact(before).text + redact(after).text == redact(before + after).text
