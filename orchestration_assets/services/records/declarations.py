"""What a content declares of itself: in blocks of its own, headers, tags, fields or comments."""

import re
from collections.abc import Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.enums import Family
from orchestration_assets.services.title.leading_comment import telling_paragraphs
from orchestration_assets.text.front_matter import front_matter, read_json, read_toml, read_yaml
from orchestration_assets.text.prose import html_tree, is_html

MAX_CHARS: Final = 65_536
_HEAD_CHARS: Final = 16_384
_MOST: Final = 500
_MOST_NODES: Final = 200
_LONGEST: Final = 4000


class Declaration(NamedTuple):
    """``key`` as the content calls it, and what it says of it; ``origin`` is where, a key of
    :data:`CONFIDENCE`; ``words`` are those of the content."""

    key: str
    value: Any
    origin: str
    words: str


# How often what is declared there is so, set by judgement.
CONFIDENCE: Final = {
    "front matter": 0.95,
    "data": 0.95,
    "header": 0.93,
    "licence identifier": 0.97,
    "html head": 0.9,
    "document field": 0.92,
    "assignment": 0.92,
    "documentation tag": 0.85,
    "docstring": 0.8,
    "leading comment": 0.65,
    "copyright notice": 0.7,
}


def declarations(text: str, family: str) -> list[Declaration]:
    """Everything that the content declares, the plainest first; 500 at most.

    Looked for are front matter, a JSON, TOML or YAML document of the family data, RFC 822 headers,
    the head of an HTML page, field lists of reStructuredText, a licence by its SPDX identifier,
    assignments such as ``__author__``, tags such as ``@author``, the documentation string or the
    comment that a program opens with, and notices of copyright.
    """
    head = text[:MAX_CHARS].removeprefix("\ufeff").replace("\r\n", "\n")
    return [one for _, one in zip(range(_MOST), _declared(head, family), strict=False)]


def _declared(text: str, family: str) -> Iterator[Declaration]:
    yield from _licence_identifiers(text)
    if (block := front_matter(text)) is not None:
        yield from _of_block(block, "front matter", text)
    elif family == Family.DATA:
        yield from _of_data(text)
    elif is_html(text):
        yield from _of_html(text)
    elif family != Family.CODE:
        yield from _headers(text)
        yield from _document_fields(text)
    if family != Family.DATA:
        yield from _of_code(text, family)


# what a package says of itself stands in one of these tables
_TABLES: Final = (("project",), ("package",), ("tool", "poetry"), ("workspace", "package"))


def _of_data(text: str) -> Iterator[Declaration]:
    block = read_json(text) or read_toml(text) or read_yaml(text[:_HEAD_CHARS])
    if block is None:
        # headers with nothing below them look like data
        yield from _headers(text)
        return
    for path in _TABLES:
        table: Any = block
        for step in path:
            table = table.get(step) if isinstance(table, Mapping) else None
        if isinstance(table, Mapping):
            yield from _of_block(table, "data", text)
    yield from _of_block(block, "data", text)


def _of_block(block: Mapping[str, Any], origin: str, text: str) -> Iterator[Declaration]:
    for key, value in block.items():
        if value is not None:
            words = value if isinstance(value, str) and value in text else ""
            yield Declaration(str(key), value, origin, words)


_HEADER: Final = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]{0,40}):(?:[ \t]+(?P<value>\S.*))?\s*")
_LEAST_HEADERS: Final = 2
_MOST_HEADERS: Final = 300


def _headers(text: str) -> Iterator[Declaration]:
    """The RFC 822 headers that a text opens with: of mail, of packages; none where a line among
    them is no header."""
    found: list[list[str]] = []
    for line in text[:MAX_CHARS].split("\n", _MOST_HEADERS)[:_MOST_HEADERS]:
        if not line.strip():
            break
        if line[0] in " \t" and found:
            found[-1][1] += "\n" + line
            continue
        header = _HEADER.fullmatch(line)
        if header is None:
            if not found and line.startswith("From "):
                continue
            return
        found.append([header["key"], header["value"] or "", line])
    if len(found) < _LEAST_HEADERS:
        return
    for key, value, line in found:
        plain = " ".join(value.split())[:_LONGEST]
        if plain:
            yield Declaration(key, _decoded(plain), "header", line)


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value


_DOCUMENT_FIELD: Final = re.compile(r":(?P<key>[A-Za-z][\w -]{0,40}):[ \t]+(?P<value>\S.*)")
_FIELD_LINES: Final = 60


def _document_fields(text: str) -> Iterator[Declaration]:
    """The field list that a reStructuredText document begins with, below its title."""
    lines = text[:_HEAD_CHARS].split("\n", _FIELD_LINES)[:_FIELD_LINES]
    at = 0
    while at < len(lines):
        field = _DOCUMENT_FIELD.fullmatch(lines[at])
        at += 1
        if field is None:
            continue
        value, words = [field["value"]], lines[at - 1]
        while at < len(lines) and lines[at][:1] in (" ", "\t") and lines[at].strip():
            value.append(lines[at].strip())
            at += 1
        yield Declaration(field["key"], " ".join(value), "document field", words)


_LINKS: Final = {"canonical": "canonical", "author": "author link", "license": "license link"}


def _of_html(text: str) -> Iterator[Declaration]:
    tree = html_tree(text)
    title = tree.css_first("head > title, title")
    if title is not None and (words := " ".join(title.text().split())):
        yield Declaration("title", words, "html head", words)
    for node in tree.css("meta")[:_MOST_NODES]:
        given = node.attributes
        key = given.get("name") or given.get("property") or given.get("itemprop")
        value = given.get("content")
        if key and value and value.strip():
            yield Declaration(key, " ".join(value.split())[:_LONGEST], "html head", value)
    for node in tree.css("link[rel], a[rel]")[:_MOST_NODES]:
        link = node.attributes.get("href")
        for rel in (node.attributes.get("rel") or "").lower().split():
            if rel in _LINKS and link:
                words = " ".join(node.text().split()) if node.tag == "a" else ""
                if rel != "canonical" and words:
                    yield Declaration(rel, words, "html head", words)
                yield Declaration(_LINKS[rel], link, "html head", link)
    root = tree.css_first("html")
    language = root.attributes.get("lang") if root is not None else None
    if language:
        yield Declaration("language", language, "html head", language)


_SPDX: Final = "SPDX-License-Identifier:"
_SPDX_NAME: Final = re.compile(r"[ \t]{0,8}(?P<name>[\w.+() -]{2,200})")


def _licence_identifiers(text: str) -> Iterator[Declaration]:
    place = text.find(_SPDX, 0, _HEAD_CHARS)
    if place >= 0 and (found := _SPDX_NAME.match(text, place + len(_SPDX))):
        name = found["name"].removesuffix("--").strip()
        if name:
            yield Declaration("license", name, "licence identifier", text[place : found.end()])


_ASSIGNED: Final = re.compile(
    r"^__(?P<key>author|version|license|licence|date|copyright|maintainer|email|title|description"
    r"|summary|url|credits|status|keywords)__[ \t]{0,8}=[ \t]{0,8}[\"'](?P<value>[^\"'\n]{1,300})"
    r"[\"']",
    re.MULTILINE,
)
_TAGGED: Final = re.compile(
    r"^[ \t/*#;-]{0,12}@(?P<key>author|version|license|licence|copyright|date|since|fileoverview"
    r"|overview|description|name|homepage|maintainer)[ \t:]{1,8}(?P<value>\S.{0,300})$",
    re.MULTILINE,
)
_COPYRIGHT: Final = re.compile(
    r"(?:copyright|\u00a9|\(c\))[ \t]{0,4}(?:\(c\)|\u00a9)?[ \t:,]{0,4}"
    r"(?P<years>\d{4}[\d, \t\u2013-]{0,60})?[ \t]{0,4}(?:by[ \t]{1,4})?(?P<holder>[^\n]{2,160})",
    re.IGNORECASE,
)
_HOLDER_END: Final = re.compile(
    r"all rights reserved.*|[<(][^<>()]{0,80}@[^<>()]{0,80}[>)]|\*/.*|-->.*|https?://\S*",
    re.IGNORECASE,
)
_MOST_NOTICES: Final = 20
_NOTICE_CHARS: Final = 8192


def _of_code(text: str, family: str) -> Iterator[Declaration]:
    if family == Family.CODE:
        for found in _ASSIGNED.finditer(text):
            yield Declaration(found["key"], found["value"], "assignment", found.group())
        for found in _TAGGED.finditer(text[:_HEAD_CHARS]):
            value = found["value"].removesuffix("*/").strip()
            yield Declaration(found["key"], value, "documentation tag", found.group().strip())
        yield from _opening(text)
    yield from _notices(text[:_NOTICE_CHARS])


def _opening(text: str) -> Iterator[Declaration]:
    """What a program's first words say of it: its documentation string, else its comment."""
    origin, said = "docstring", _docstring(text)
    if not said:
        paragraphs = telling_paragraphs(text[:_HEAD_CHARS])
        origin, said = "leading comment", paragraphs[0] if paragraphs else ""
    paragraph = " ".join(re.split(r"\n[ \t]*\n", said.strip(), maxsplit=1)[0].split())
    if paragraph:
        first = re.split(r"(?<=[.!?]) ", paragraph, maxsplit=1)[0]
        yield Declaration("opening description", paragraph[:_LONGEST], origin, first)


def _docstring(text: str) -> str:
    """The documentation string of a Python module; empty without one."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].strip()
        if line and not line.startswith("#"):
            bare = line.lstrip("rRuU")
            for quote in ('"""', "'''", '"', "'"):
                if bare.startswith(quote) and len(line) - len(bare) < 2:
                    opens = text.index(quote, start) + len(quote)
                    closes = text.find(quote, opens, opens + _HEAD_CHARS)
                    return text[opens:closes] if closes > 0 else ""
            return ""
        start = end + 1
    return ""


def _notices(text: str) -> Iterator[Declaration]:
    for found, _ in zip(_COPYRIGHT.finditer(text), range(_MOST_NOTICES), strict=False):
        if found["years"] is None and not found.group().lower().startswith("copyright ("):
            continue
        holder = _HOLDER_END.sub("", found["holder"]).strip(" \t.,;:*#/-'\"")
        if holder[:1].isupper():
            yield Declaration("copyright holder", holder, "copyright notice", found.group().strip())
