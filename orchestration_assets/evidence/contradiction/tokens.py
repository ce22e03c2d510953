"""The words, numbers and signs of a text, each with its place."""

import re
from typing import Final, NamedTuple

from orchestration_assets.evidence.contradiction.lexicon import folded

_TOKEN: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}[:h]\d{2}(?![\d\w])|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})(?!\d)"
    r"|(?:(?<![\w.)\]])[-\u2212])?\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?(?! ?\d)"
    r"|(?:(?<![\w.)\]])[-\u2212])?\d+(?:[.,'\u2019\u00a0\u202f]\d+)*"
    r"|[^\W\d_]+\d[^\W_]*(?:\.\d+)*"
    r"|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[%\u2030$\u20ac\u00a3\u00a5\u00b0]"
)


class Token(NamedTuple):
    """A piece of the text: as written, folded, and its place in characters."""

    written: str
    plain: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The words, numbers and signs of a text."""
    return [
        Token(match[0], folded(match[0]), match.start(), match.end())
        for match in _TOKEN.finditer(text)
    ]
