"""Renders Jupyter notebooks as markdown, with code cells in fences.

Outputs and metadata are left out. A notebook is read as the JSON document that it is, whatever the
order of its keys; of a large or broken one, the cells that are whole are read one by one. Formats 3
(worksheets, ``input``, headings as cells) and 4 are known.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

MAX_MARKDOWN_CHARS: Final = 262_144
"""How long the document may become, in characters."""

_SCANNED_CHARS: Final = 2_000_000
_START_CHARS: Final = 4096
_CELL_CHARS: Final = 65_536
_MAX_CELLS: Final = 1000
_MAX_BROKEN: Final = 8
_MAX_HEADING: Final = 6
_KEYS: Final = "cells|worksheets|metadata|nbformat|nbformat_minor|orig_nbformat"
_START: Final = re.compile(rf'\s*\{{\s*"(?:{_KEYS})"')
_OBJECT: Final = re.compile(r"\s*\{")
_FORMAT: Final = re.compile(r'"nbformat"\s{0,8}:\s{0,8}\d')
_TYPE: Final = re.compile(r'"cell_type"\s{0,8}:\s{0,8}"')
# inside a JSON string a quotation mark is escaped, so that a key cannot stand in one
_CELLS: Final = re.compile(r'"cells"\s{0,8}:\s{0,8}\[')
_NO_CELLS: Final = re.compile(r'"cells"\s{0,8}:\s{0,8}\[\s{0,200}\]')
_BETWEEN: Final = re.compile(r"[\s,]*")
_NEXT_CELL: Final = re.compile(
    r'[\[,]\s{0,200}(?=\{\s{0,200}"(?:attachments|cell_type|collapsed|execution_count|id|input'
    r'|language|level|metadata|outputs|prompt_number|source)"\s{0,8}:)'
)
_LANGUAGE: Final = re.compile(
    r'"language(?:_info)?"\s{0,8}:\s{0,8}(?:\{[^{}]{0,400}"name"\s*:\s*)?"(\w{1,20})"'
)
_WORD: Final = re.compile(r"\w{1,20}")
_MAGIC: Final = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)
_DECODER: Final = json.JSONDecoder()


def is_notebook(text: str) -> bool:
    """Whether a text is a notebook: a JSON object of its format, with cells or explicitly none."""
    if _OBJECT.match(text, 0, _START_CHARS) is None:
        return False
    head = text[:_SCANNED_CHARS]
    named = _START.match(head, 0, _START_CHARS) is not None
    if '"cell_type"' in head:
        return named or (
            _FORMAT.search(head) is not None
            and _TYPE.search(head) is not None
            and _CELLS.search(head) is not None
        )
    return named and _FORMAT.search(head) is not None and _NO_CELLS.search(head) is not None


def notebook_as_markdown(text: str) -> str:
    """The cells of a notebook in their order, code in fences marked with its language.

    Of a notebook of more than 2,000,000 characters, the cells that end before; cells that are no
    valid JSON are left out. Never raises.
    """
    document = _decoded(text) if len(text) <= _SCANNED_CHARS else None
    if isinstance(document, Mapping):
        language = _declared_language(document) or _likely_language(text)
        cells = _cells_of(document)
    else:
        head = text[:_SCANNED_CHARS]
        language = _likely_language(head)
        cells = _whole_cells(head)
    parts: list[str] = []
    length = 0
    for number, cell in enumerate(cells):
        if number >= _MAX_CELLS or length >= MAX_MARKDOWN_CHARS:
            break
        cell_text = _cell_as_markdown(cell, language)
        if cell_text:
            parts.append(cell_text)
            length += len(cell_text)
    return "\n\n".join(parts)[:MAX_MARKDOWN_CHARS]


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _as_list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _cells_of(document: Mapping[str, Any]) -> Iterator[Any]:
    """The cells of a whole document: its own, and those of its worksheets."""
    yield from _as_list(document.get("cells"))
    for sheet in _as_list(document.get("worksheets")):
        if isinstance(sheet, Mapping):
            yield from _as_list(sheet.get("cells"))


def _whole_cells(head: str) -> Iterator[Any]:
    """The cells in a part of a document, one by one; those that are broken are passed over."""
    broken = 0
    start = _CELLS.search(head)
    place = start.end() if start else -1
    while place >= 0 and broken < _MAX_BROKEN:
        between = _BETWEEN.match(head, place)
        place = between.end() if between else place
        if head.startswith("{", place):
            try:
                cell, place = _DECODER.raw_decode(head, place)
            except (ValueError, RecursionError):
                broken += 1
                following = _NEXT_CELL.search(head, place + 1)
                place = following.end() if following else -1
            else:
                yield cell
        else:
            # the end of a list: there may be another worksheet
            start = _CELLS.search(head, place)
            place = start.end() if start else -1


def _cell_as_markdown(cell: Any, language: str) -> str:
    """A cell as markdown; empty when it has nothing to read."""
    if not isinstance(cell, Mapping):
        return ""
    kind = cell.get("cell_type")
    source = cell.get("source", cell.get("input"))
    lines = source if isinstance(source, list) else [source]
    if not isinstance(kind, str) or not all(isinstance(line, str) for line in lines):
        return ""
    content = "".join(lines)[:_CELL_CHARS]
    if not content.strip():
        return ""
    if kind == "code":
        return _fenced(content, _name(cell.get("language")) or language)
    if kind == "heading":
        level = cell.get("level")
        deep = level if isinstance(level, int) and 1 <= level <= _MAX_HEADING else 1
        return f"{'#' * deep} {content.strip()}"
    return content


def _declared_language(document: Mapping[str, Any]) -> str | None:
    """The language that the metadata name for the kernel."""
    metadata = document.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        about = metadata.get(part)
        if isinstance(about, Mapping) and (name := _name(about.get(key))):
            return name
    return None


def _name(found: Any) -> str | None:
    return found.lower() if isinstance(found, str) and _WORD.fullmatch(found) else None


def _likely_language(head: str) -> str:
    # Metadata stands after the cells or before them; either way near an end.
    for part in (head[-4096:], head[:4096]):
        if match := _LANGUAGE.search(part):
            return match[1].lower()
    return "python"


def _fenced(code: str, language: str) -> str:
    # A line for the shell or for the notebook itself is none of the language.
    return f"```{language}\n{_MAGIC.sub('', code).rstrip()}\n```"
