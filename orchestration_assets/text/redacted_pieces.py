"""Redacted pieces of a long text, cut where no secret spans the cut.

Redacting tens of megabytes takes longer than a request, which holds a few thousand tokens of them.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from orchestration_assets.text.graphemes import is_boundary
from orchestration_assets.text.redaction import RedactedText

Redact = Callable[[str], RedactedText]

_MIN_CHARS: Final = 131_072
"""A shorter text is redacted as a whole."""
_CHARS_PER_TOKEN: Final = 8
"""Characters to choose from for each token that may be sent: more than a token ever has."""
_PIECES: Final = 16
_CONTEXT_CHARS: Final = 2_048
"""Characters on both sides of a cut that are searched for a secret across it."""
_MAX_BLOCK_CHARS: Final = 65_536
"""Characters before a cut in which a key block may begin."""
_MAX_TRIES: Final = 4
"""Cuts that are tried for each pattern, the best pattern first."""
_CUT_PATTERNS: Final = (re.compile(r"\n"), re.compile(r"\s"), re.compile(r"[;,(){}<>\[\]|]"))
"""Line ends, white space, and signs that no key or token contains."""
_ARMOUR: Final = (("-----BEGIN ", "-----END "), ("---- BEGIN ", "---- END "))


class RedactedPieces(NamedTuple):
    """Pieces of a text in order, with a gap after each but the last.

    ``share`` of the text's characters that the pieces cover, in (0, 1].
    """

    texts: tuple[str, ...]
    share: float = 1.0


def redacted_pieces(
    text: str, tokens: int, redact: Redact
) -> tuple[RedactedPieces, dict[str, int]]:
    """Redacted pieces to choose ``tokens`` tokens from, and the replacements in them by kind.

    A short text is one piece; of a longer one, pieces from its beginning to its end, evenly
    spread. The cost depends on ``tokens``, not on the length of the text. Deterministic.
    """
    limit = max(_MIN_CHARS, tokens * _CHARS_PER_TOKEN)
    if len(text) <= limit:
        redacted = redact(text)
        return RedactedPieces((redacted.text,)), dict(redacted.counts)
    texts: list[str] = []
    counts: dict[str, int] = {}
    chars = 0
    for begin, end in _bounds(text, limit // _PIECES, redact):
        redacted = redact(text[begin:end])
        texts.append(redacted.text)
        chars += end - begin
        for kind, count in redacted.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    return RedactedPieces(tuple(texts), max(chars, 1) / len(text)), counts


def redacted_head(text: str, chars: int, redact: Redact) -> tuple[str, int]:
    """The beginning of a text, redacted, and where in the text it ends.

    The whole of a short text; of a longer one ``chars`` characters at most, fewer where a secret
    spans the cut, none where it is so all along.
    """
    if len(text) <= _MIN_CHARS:
        return redact(text).text, len(text)
    end = _cut_before(text, chars, chars // 2, redact) or 0
    return redact(text[:end]).text, end


def _bounds(text: str, size: int, redact: Redact) -> Iterator[tuple[int, int]]:
    """Begin and end of the pieces; one that cannot be cut safely is left out."""
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
    opened = _open_key_block(text, at)
    if opened is not None:
        mark = len(opened[1])
        closed = text.find(opened[1], max(opened[0], at - mark), at + _MAX_BLOCK_CHARS)
        if closed < 0:
            return None
        at, latest = closed + mark, max(latest, closed + mark + _CONTEXT_CHARS)
    return _first_safe(text, _cut_places(text, at, latest, backwards=False), redact)


def _cut_before(text: str, at: int, earliest: int, redact: Redact) -> int | None:
    """A safe cut up to ``at``, before the key block that it lies in if it does."""
    opened = _open_key_block(text, at)
    if opened is not None:
        at = opened[0]
        earliest = min(earliest, at - _CONTEXT_CHARS)
    return _first_safe(text, _cut_places(text, at, max(0, earliest), backwards=True), redact)


def _open_key_block(text: str, at: int) -> tuple[int, str] | None:
    """The begin of the key block around a position, and the mark that ends it."""
    low = max(0, at - _MAX_BLOCK_CHARS)
    for begin, end in _ARMOUR:
        # what is cut in the middle of the mark itself counts as well
        place = text.rfind(begin, low, at + len(begin))
        if place >= 0 and text.find(end, place, at) < 0 and place < at:
            return place, end
    return None


def _cut_places(text: str, at: int, furthest: int, *, backwards: bool) -> Iterator[int]:
    """Positions for a cut between both: the best pattern first, then the nearest to ``at``."""
    low, high = min(at, furthest), max(at, furthest)
    part = text[low:high]
    for sort in _CUT_PATTERNS:
        places = [low + match.end() for match in sort.finditer(part)]
        yield from islice(reversed(places) if backwards else places, _MAX_TRIES)
    stride = max(1, (high - low) // _MAX_TRIES)
    yield from range(at, furthest, -stride if backwards else stride)


def _first_safe(text: str, places: Iterator[int], redact: Redact) -> int | None:
    return next((place for place in places if _is_safe(text, place, redact)), None)


def _is_safe(text: str, place: int, redact: Redact) -> bool:
    """Whether both sides redact separately as they do together: then no secret spans the cut."""
    if not is_boundary(text, place) or _open_key_block(text, place) is not None:
        return False
    before, after = (
        text[max(0, place - _CONTEXT_CHARS) : place],
        text[place : place + _CONTEXT_CHARS],
    )
    return redact(before).text + redact(after).text == redact(before + after).text
