"""The licence that a source file opens with: the same words in thousands of files."""

import re
from typing import Final

_MAX_LINES: Final = 200
_MAX_CHARS: Final = 20_000
_FEWEST_LINES: Final = 2
"""A single line costs a reader nothing, and may be the heading of a text about licences."""
_SAYS: Final = re.compile(
    r"copyright|\u00a9|\(c\)\s*\d{4}|licen[cs]|spdx|rights reserved|warrant|redistribut"
    r"|hereby granted|free software",
    re.IGNORECASE,
)
_MARK: Final = re.compile(r"\s*(?:#|//|--|;|%|\*|!|'|\.\.\s|REM\b|dnl\b)")
_BLOCKS: Final = (
    *(("/*", "*/"), ("<!--", "-->"), ("(*", "*)"), ("{-", "-}"), ("--[[", "]]")),
    *(('"""', '"""'), ("'''", "'''")),
)
_PREAMBLE: Final = re.compile(r"\s*(?:#!|<\?|['\"]use strict)")
_LETTER: Final = re.compile(r"[^\W\d_]")


def licence_end(text: str) -> int:
    """Where the paragraphs of a licence end that the leading comments of a text begin with.

    0 where they begin with anything else, such as what the file is. What stands before a licence
    without a word, or for an interpreter, counts with it.
    """
    end = at = size = 0
    paragraph: list[str] = []
    closing = ""
    for line in text[:_MAX_CHARS].splitlines(keepends=True)[:_MAX_LINES]:
        inside, opens, closing = _comment(line, closing)
        speaks = inside is not None and _LETTER.search(inside) is not None
        if paragraph and (opens or not speaks):
            if not _SAYS.search("".join(paragraph)):
                break
            end, size = at, size + len(paragraph)
            paragraph = []
        if inside is not None and speaks:
            paragraph.append(inside)
        if inside is None and line.strip() and not _PREAMBLE.match(line):
            break
        at += len(line)
    return end if size >= _FEWEST_LINES else 0


def _comment(line: str, closing: str) -> tuple[str | None, bool, str]:
    """What the line says within a comment, None outside; whether it opens a block; and what
    closes the block that it leaves open."""
    if closing:
        inside, closed, _ = line.partition(closing)
        return inside, False, "" if closed else closing
    if _PREAMBLE.match(line):
        return None, False, ""
    bare = line.lstrip()
    for opening, closes in _BLOCKS:
        if bare.startswith(opening):
            inside, closed, _ = bare[len(opening) :].partition(closes)
            return inside, True, "" if closed else closes
    return (line if _MARK.match(line) else None), False, ""
