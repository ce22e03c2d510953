"""Finds addresses of web pages in a text, without the signs of the sentence around them."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.spans import Span, find_all

_SCHEME: Final = re.compile(r"(?<![\w@])(?:https?|ftp)\Z", re.IGNORECASE)
_LONGEST_SCHEME: Final = 6
_SIGN: Final = r"[^\s<>\"`{}|\\^\u201c\u201d\u00bb]"
_ADDRESS: Final = re.compile(rf"://{_SIGN}{{3,2000}}")
_HOST: Final = re.compile(rf"www\.(?<![\w@/.-]www\.)[\w-]{{1,63}}\.{_SIGN}{{2,2000}}")
_END_SIGNS: Final = ".,;:!?'*_~"
_BRACKETS: Final = {")": "(", "]": "["}


class WrittenUrl(NamedTuple):
    """An address with its place in the text."""

    start: int
    end: int
    url: str


def written_urls(text: str) -> Iterator[WrittenUrl]:
    """The addresses of a text in their order, of schemes http, https and ftp, or from ``www.``
    on."""
    done = 0
    hosts = (one.span() for one in _HOST.finditer(text))
    for start, end in sorted([*_with_scheme(text), *hosts]):
        if start >= done:
            url = without_end_signs(text[start:end])
            done = start + len(url)
            yield WrittenUrl(start, done, url)


def _with_scheme(text: str) -> Iterator[Span]:
    done = 0
    for place in find_all(text, "://"):
        if place < done:
            continue
        scheme = _SCHEME.search(text, max(0, place - _LONGEST_SCHEME), place)
        found = _ADDRESS.match(text, place) if scheme else None
        if scheme and found:
            # "[![label](address)](address)" has two
            cut = found.group().find("](")
            done = found.end() if cut < 0 else place + cut
            yield scheme.start(), done


def without_end_signs(words: str) -> str:
    """Words without what ends the sentence or closes the bracket that they stand in."""
    # "[label](address)" in markdown: the address ends where its bracket closes
    words = words.partition("](")[0]
    opened = {close: words.count(close) - words.count(opens) for close, opens in _BRACKETS.items()}
    end = len(words)
    while end and (words[end - 1] in _END_SIGNS or opened.get(words[end - 1], 0) > 0):
        end -= 1
        if words[end] in opened:
            opened[words[end]] -= 1
    return words[:end]
