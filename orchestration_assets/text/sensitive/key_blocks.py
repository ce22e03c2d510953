"""Finds private keys in text form (RFC 7468, RFC 4880, OpenSSH, PuTTY), whole or truncated."""

import re
from collections.abc import Iterator
from typing import Final

from orchestration_assets.text.sensitive.randomness import is_random
from orchestration_assets.text.sensitive.spans import Span, find_all

_BEGIN: Final = "-----BEGIN "
_END: Final = "-----END "
PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE: Final = "PRIVATE KEY"
_MAX_BLOCK_CHARS: Final = 64 * 1024
"""Characters of the longest block."""
# what a line of a block is once quotes, comment signs and escapes around it are gone
_BODY_LINE: Final = re.compile(
    r"(?:[\s>#*|/\"'`+,;()-]|\\[rn]){0,40}"
    r"(?:[A-Za-z-]{2,30}: [^\n]{0,200}|(?P<body>=?[A-Za-z0-9+/=\\]{0,1000}))"
    r"[ \t\r\"'`+,;\\)-]{0,40}\n?"
)
_BODY_PART: Final = re.compile(
    r"[\s>#*|/\"'`+,;()-]{0,40}(?:[A-Za-z0-9+/=]{0,200}\\[rn]){0,1000}[A-Za-z0-9+/=]{16,1000}"
)
_LINE_END: Final = re.compile(r"[A-Za-z0-9+/=]{16,1000}[\s\"'`+,;\\)-]{0,20}\Z")
_MIN_BODY_CHARS: Final = 24
_PUTTY: Final = "PuTTY-User-Key-File-"
NEEDED_BY_KEY_BLOCKS: Final = (_PRIVATE, _PUTTY)
"""Every block holds one of these."""
_PUTTY_BODY: Final = re.compile(
    r"PuTTY-User-Key-File-\d: [\w.@-]{1,80}"
    r"(?:(?:\r?\n|\\r|\\n)[\s>#*|/\"'`+,;()-]{0,40}"
    r"(?:[A-Za-z-]{2,30}: [^\n\\\"]{0,300}|[A-Za-z0-9+/=]{1,200}(?:\\?[\"'])?)){1,400}"
)


def key_blocks(text: str) -> Iterator[Span]:
    """From each BEGIN to its END. Where one of them is missing, as far as lines look like a
    key's."""
    if _PRIVATE in text:
        yield from _armoured(text)
    for place in find_all(text, _PUTTY):
        if found := _PUTTY_BODY.match(text, place):
            yield found.span()


def _armoured(text: str) -> Iterator[Span]:
    begins = [match.start() for match in _armour_lines(text, _BEGIN, PRIVATE_KEY)]
    ends = [match.span() for match in _armour_lines(text, _END, _PRIVATE_END)]
    done = next_end = 0
    for number, begin in enumerate(begins):
        if begin < done:
            continue
        while next_end < len(ends) and ends[next_end][0] < begin:
            yield _block_before(text, done, *ends[next_end])
            next_end += 1
        limit = begins[number + 1] if number + 1 < len(begins) else len(text)
        if next_end < len(ends) and ends[next_end][0] < min(limit, begin + _MAX_BLOCK_CHARS):
            done = ends[next_end][1]
            next_end += 1
        else:
            done = _cut_off(text, begin, min(limit, begin + _MAX_BLOCK_CHARS))
        yield begin, done
    for start, end in ends[next_end:]:
        yield _block_before(text, done, start, end)
        done = end


def _armour_lines(text: str, literal: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    for place in find_all(text, literal):
        if found := pattern.match(text, place):
            yield found


def _cut_off(text: str, begin: int, limit: int) -> int:
    """Where the lines after ``begin`` stop looking like a key's."""
    header = PRIVATE_KEY.match(text, begin)
    assert header is not None
    place = header.end()
    while place < limit:
        line = _BODY_LINE.match(text, place, limit)
        if line is None or line.end() == place or not _ends_line(text, line.end(), limit):
            break
        if _is_word(line["body"]):
            return place
        place = line.end()
    # a line that goes on with something else, as where the block stands in a string
    rest = _BODY_PART.match(text, place, limit)
    return rest.end() if rest else place


def _ends_line(text: str, place: int, limit: int) -> bool:
    return place == limit or text[place - 1] == "\n"


def _block_before(text: str, floor: int, start: int, end: int) -> Span:
    """From where the lines before an END begin to look like a key's."""
    floor = max(floor, start - _MAX_BLOCK_CHARS)
    begin = start
    while begin > floor:
        line_start = text.rfind("\n", floor, begin - 1) + 1 or floor
        line = _BODY_LINE.fullmatch(text, line_start, begin)
        if line is None or not line.group().strip() or (begin < start and _is_word(line["body"])):
            # the first line may have something before it
            part = _LINE_END.search(text, max(line_start, begin - 1000), begin)
            return part.start() if part else begin, end
        begin = line_start
    return begin, end


def _is_word(body: str | None) -> bool:
    """Whether a line is a short word of a text rather than a line of a key."""
    return (
        body is not None
        and 0 < len(body) < _MIN_BODY_CHARS
        and not is_random(body)
        and "=" not in body
    )
