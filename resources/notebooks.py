"""Jupyter notebooks as what a person reads: a markdown document with its code in fences.

Outputs and metadata are left out. Notebooks are read by their keys rather than as one JSON
document, so that a large or broken one still gives its cells and pictures cost next to nothing:
inside a JSON string a quotation mark is escaped, so a key cannot stand in one.
"""

import json
import re
from typing import Final

READING_CHARS: Final = 262_144
"""How long the document may become, in characters."""

_SCANNED_CHARS: Final = 2_000_000
_START_CHARS: Final = 4096
_CELL_CHARS: Final = 65_536
_MOST_CELLS: Final = 1000
_MOST_BROKEN: Final = 8
_START: Final = re.compile(r'\s*\{\s*"(?:cells|metadata|nbformat|nbformat_minor)"')
_TYPE: Final = re.compile(r'"cell_type"\s{0,8}:\s{0,8}"(code|markdown|raw)"')
_SOURCE: Final = re.compile(r'"source"\s{0,8}:\s{0,8}(?=[\["])')
_LANGUAGE: Final = re.compile(
    r'"language(?:_info")?"\s{0,8}:\s{0,8}(?:\{[^{}]{0,400}"name"\s*:\s*)?"(\w{1,20})"'
)
_MAGIC: Final = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)
_DECODER: Final = json.JSONDecoder()


def is_notebook(text: str) -> bool:
    """Whether a text is a notebook: a JSON object that has cells, by its first key and theirs."""
    return (
        _START.match(text, 0, _START_CHARS) is not None and '"cell_type"' in text[:_SCANNED_CHARS]
    )


def as_markdown(text: str) -> str:
    """The cells of a notebook in their order, code in fences marked with its language.

    Reads the first 2,000,000 characters; cells that are no valid JSON are left out. Never raises.
    """
    head = text[:_SCANNED_CHARS]
    language = _language(head)
    parts: list[str] = []
    length = broken = 0
    place = head.find('"cell_type"')
    for _ in range(_MOST_CELLS):
        if place < 0 or broken >= _MOST_BROKEN or length >= READING_CHARS:
            break
        following = head.find('"cell_type"', place + 1)
        kind = _TYPE.match(head, place)
        at = head.find('"source"', place, following if following >= 0 else len(head))
        source = _SOURCE.match(head, at) if at >= 0 else None
        if kind and source:
            cell = _decoded(head[source.end() : source.end() + _CELL_CHARS])
            if cell is None:
                broken += 1
            elif cell.strip():
                shown = cell if kind[1] != "code" else _fenced(cell, language)
                parts.append(shown)
                length += len(shown)
        place = following
    return "\n\n".join(parts)[:READING_CHARS]


def _language(head: str) -> str:
    # Metadata stands after the cells or before them; either way near an end.
    for part in (head[-4096:], head[:4096]):
        if match := _LANGUAGE.search(part):
            return match[1].lower()
    return "python"


def _decoded(source: str) -> str | None:
    try:
        value, _ = _DECODER.raw_decode(source)
    except (ValueError, RecursionError):
        return None
    lines = value if isinstance(value, list) else [value]
    return "".join(lines) if all(isinstance(line, str) for line in lines) else None


def _fenced(code: str, language: str) -> str:
    # A line for the shell or for the notebook itself is none of the language.
    return f"```{language}\n{_MAGIC.sub('', code).rstrip()}\n```"
