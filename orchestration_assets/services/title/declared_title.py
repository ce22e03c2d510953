"""The title that a content gives itself."""

import json
import re
from collections.abc import Iterator
from typing import ClassVar, Final

from selectolax.lexbor import LexborHTMLParser

from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstained
from orchestration_assets.services.title.title_form import as_title, form_score, is_boilerplate
from orchestration_assets.text.prose import (
    PROSE_CHARS,
    is_html,
    prose_of,
    without_fences,
    without_front_matter,
)
from orchestration_assets.text.sentences import sentences_of

_FRONT_TITLE = re.compile(r"\A(?:---|\+\+\+)[ \t]*\n(?:[^\n]*\n){0,40}?title[ \t]*[:=][ \t]*(.+)")
_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<atx>\S.*)$|^=[ \t]+(?P<asciidoc>\S.*)$", re.M)
# A heading of reStructuredText or markdown: a line, and below it a rule of one repeated sign.
_UNDERLINED = re.compile(r"^(?P<line>[^\s#>|].*)\n(?P<rule>([=\-~^*+#])\3{2,})[ \t]*$", re.M)
_LATEX = re.compile(r"\\title(?:\[[^\]\n]{0,200}\])?\{([^{}]{1,400})\}")
_MANUAL = re.compile(
    r"^\.S[Hh] \"?NAME\"?\n(?:\.[A-Z][a-z]? .*\n)*(.+)$|^NAME\n[ \t]+(\S.+)$", re.M
)
_HEADER = re.compile(r"^(?:title|subject)[ \t]*:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
# How far from the start a heading is still the title of the whole, in characters.
_HEADING_WITHIN: Final = 4_096

_DOCSTRING = re.compile(
    r"\A\s*(?:#[^\n]*\n\s*)*(?:[rRuUbB]{0,2})(?P<quote>\"\"\"|''')(?P<text>.*?)(?:(?P=quote)|\Z)",
    re.S,
)
_FIELD = re.compile(
    r"^[ \t]{0,4}[\"']?(?P<field>title|name|description|summary)[\"']?[ \t]*[:=][ \t]*"
    r"(?P<quote>[\"']?)(?P<value>[^\"'\n{}\[\]|>][^\n]*)$",
    re.M | re.I,
)
_XML_TITLE = re.compile(r"<(?:title|name)\b[^<>]*>([^<>]+)<", re.IGNORECASE)

# Set by judgement, not measured: what is declared as a title outranks what only comes first.
_TRUST: Final = {
    "front matter": 0.9,
    "title element": 0.85,
    "first heading": 0.85,
    "title command": 0.9,
    "manual page": 0.9,
    "header": 0.8,
    "module docstring": 0.85,
    "leading comment": 0.6,
    "field title": 0.85,
    "field name": 0.7,
    "field summary": 0.65,
    "field description": 0.65,
}


class DeclaredTitle(EmbeddedService):
    """Reads headings, title elements, docstrings, leading comments and title fields."""

    name: ClassVar[str] = "declared_title"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.TEXT})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.2

    def answer(self, question: Question) -> Reading:
        item = question.item
        text = item.text[:PROSE_CHARS].removeprefix("\ufeff").replace("\r\n", "\n")
        family = str(item.profile.get("family", "prose"))
        for origin, declared in _declared(text, family):
            title = as_title(declared)
            if not title or is_boilerplate(title) or not any(map(str.isalpha, title)):
                continue
            return Reading(
                Status.OK,
                answer=title,
                confidence=round(max(_TRUST[origin] * form_score(title), 0.01), 4),
                evidence=f"declared by the {origin}",
            )
        return abstained("the content declares no title")


def _declared(text: str, family: str) -> Iterator[tuple[str, str]]:
    """Origin and wording of every title that the content may declare, the best ones first."""
    if family == Family.CODE:
        yield from _of_code(text)
    elif family == Family.DATA:
        yield from _of_data(text)
    elif is_html(text):
        yield from _of_html(text)
    else:
        yield from _of_document(text)


def _of_document(text: str) -> Iterator[tuple[str, str]]:
    if front := _FRONT_TITLE.match(text):
        yield "front matter", front[1]
    # Fences are only taken away from where a heading may stand.
    body = without_fences(without_front_matter(text)[:_HEADING_WITHIN])
    headings = [*_HEADING.finditer(body), *_UNDERLINED.finditer(body)]
    for found in sorted(headings, key=re.Match.start):
        yield "first heading", found["line"] if found.re is _UNDERLINED else _atx(found)
    if command := _LATEX.search(text):
        yield "title command", command[1]
    if manual := _MANUAL.search(text):
        yield "manual page", (manual[1] or manual[2]).replace("\\", "")
    if header := _HEADER.search(text[:_HEADING_WITHIN]):
        yield "header", header[1]


def _atx(found: re.Match[str]) -> str:
    heading = found["atx"] or found["asciidoc"]
    # "## Use ##" is closed by its last signs, "# Learn C#" is not.
    open_end = heading.rstrip().rstrip("#")
    return open_end if open_end.endswith((" ", "\t")) else heading


def _of_html(text: str) -> Iterator[tuple[str, str]]:
    tree = LexborHTMLParser(text.encode("utf-8", "replace"))
    for selector, origin in (("title", "title element"), ("h1", "first heading")):
        if node := tree.css_first(selector):
            yield origin, node.text()


def _of_code(text: str) -> Iterator[tuple[str, str]]:
    if found := _DOCSTRING.match(text):
        yield from (("module docstring", line) for line in _opening(found["text"]))
    # Comments only: a program that opens with code declares nothing further down.
    if text.lstrip().startswith(("#", "/", "-", "%", ";", "*", "(", "{", "<")):
        comments = prose_of(text[:_HEADING_WITHIN], Family.CODE)
        yield from (("leading comment", line) for line in _opening(comments))


def _opening(prose: str) -> Iterator[str]:
    """The first sentences; a paragraph that is boilerplate goes as a whole."""
    for paragraph in re.split(r"\n\s*\n", prose.strip())[:4]:
        if not is_boilerplate(paragraph[:1000]):
            yield from sentences_of(paragraph, limit=400)[:1]


def _of_data(text: str) -> Iterator[tuple[str, str]]:
    values: dict[str, str] = {}
    if text.lstrip().startswith("{"):
        values = _json_fields(text)
    for found in _FIELD.finditer(text):
        value = found["value"].rstrip(" \t,").removesuffix(found["quote"])
        values.setdefault(found["field"].lower(), value)
    for field in ("title", "name", "description", "summary"):
        if field in values:
            yield f"field {field}", values[field]
    if element := _XML_TITLE.search(text):
        yield "field title", element[1]


def _json_fields(text: str) -> dict[str, str]:
    """The texts at the top of a JSON object; none when it is not one, or cut short."""
    try:
        top = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(key).lower(): value for key, value in top.items() if isinstance(value, str)}
