"""Splits a text into a bounded number of sentences."""

import re
from typing import Final

from orchestration_assets.schemas.enums import Family

MAX_SENTENCE: Final = 400
"""A longer sentence is cut here, in characters."""

# A full stop counts when white space and no small letter follow; a blank line, a line that ends
# in a colon, and a new item of a list always end a sentence.
_END = re.compile(
    r"(?<=[.!?])[\"')\]]?\s+(?=[^\sa-z])|(?<=[\u3002\uff01\uff1f])"
    r"|(?<=[:\uff1a])[ \t]*\n|\n[ \t]*\n"
    r"|\n(?=[ \t]*(?:[-*+]|\d{1,2}[.)])[ \t])"
)


# Comments of code stand on lines of their own; one that goes on starts with a small letter.
_NEW_COMMENT = re.compile(r"\n(?=[^\sa-z])")


def sentences_of(prose: str, limit: int, family: str = Family.PROSE) -> list[str]:
    """At most ``limit`` sentences of ``prose``, evenly spread, each on one line."""
    if family == Family.CODE:
        prose = _NEW_COMMENT.sub("\n\n", prose)
    parts = (one_line(part) for part in _END.split(prose))
    sentences = [part for part in parts if part]
    step = -(-len(sentences) // limit) or 1
    return sentences[::step]


def one_line(text: str) -> str:
    """The text on one line, at most 400 characters, without what cannot be printed or encoded."""
    head = text[: 2 * MAX_SENTENCE]
    if not head.isprintable():
        head = "".join(letter if letter.isprintable() else " " for letter in head)
    return " ".join(head.split())[:MAX_SENTENCE].rstrip()
