"""A title that the content declares: heading, title element, docstring, field."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention
from orchestration_assets.services.title.headings import BOLD_LEVEL, WITHIN, Heading, headings_of
from orchestration_assets.services.title.leading_comment import (
    opens_with_comment,
    telling_paragraphs,
)
from orchestration_assets.services.title.log_event import is_log
from orchestration_assets.services.title.title_form import as_title, form_score, word_count
from orchestration_assets.services.title.unfit_lines import (
    is_aside,
    is_boilerplate,
    is_code,
    is_notice,
    is_record,
    is_release,
    is_section_name,
    names_nothing,
)
from orchestration_assets.text.notebooks import is_notebook, notebook_as_markdown
from orchestration_assets.text.prose import PROSE_CHARS, html_tree, is_html, without_front_matter
from orchestration_assets.text.sentences import MAX_SENTENCE, one_line, sentences_of

_FRONT_TITLE = re.compile(r"\A(?:---|\+\+\+)[ \t]*\n(?:[^\n]*\n){0,40}?title[ \t]*[:=][ \t]*(.+)")
_LATEX = re.compile(
    r"^(?:[^%\n]|\\%)*\\title(?:\[[^\]\n]{0,200}\])?\{([^{}]{1,400})\}", re.MULTILINE
)
_ROFF = re.compile(r"^\.(?:TH|Dd|SH|Sh|\\\")\s", re.MULTILINE)
# NAME is followed by macros that set type, and ends with the next section or an empty line.
_ROFF_NAME = re.compile(
    r"^\.S[Hh][ \t]+\"?NAME\"?[ \t]*\n((?:(?!\.S[Hh]\b)[^\n]*\n){1,8})", re.MULTILINE
)
_PLAIN_NAME = re.compile(r"^NAME\n[ \t]+(\S.*(?:\n[ \t]+\S.*){0,3})$", re.MULTILINE)
_POD_NAME = re.compile(r"^=head1 NAME[ \t]*\n\s*\n(\S.*)$", re.MULTILINE)
_PAGE_HEADER = re.compile(r"\A\s*([\w.:+-]+\(\d\w*\))[ \t]{2,}\S.*[ \t]{2,}\1[ \t]*$", re.MULTILINE)
_ROFF_MACRO = re.compile(r"^\.(?:B|I|BR|BI|IR|RB|Nm|Xr)[ \t]+", re.MULTILINE)
_ROFF_DESCRIPTION = re.compile(r"^\.Nd[ \t]+", re.MULTILINE)
_ROFF_CONTROL = re.compile(r"^[.'].*$", re.MULTILINE)
_ROFF_ESCAPE = re.compile(r"\\f(?:\[[^\]]*\]|\(..|.)|\\[&|^]|\\s[+-]?\d|\\[,/]")
_ROFF_SIGNS: Final = (
    ("\\[em]", "-"),
    ("\\(em", "-"),
    ("\\(en", "-"),
    ("\\(aq", "'"),
    ("\\*(--", "--"),
)
_HEADER = re.compile(r"^(?:title|subject|betreff|objet|asunto)[ \t]*:[ \t]*(\S.*)$", re.I | re.M)
_REPLY = re.compile(r"\A(?:(?:re|fwd?|aw|wg)[ \t]*:[ \t]*)+", re.IGNORECASE)

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
_TEMPLATE_BLOCK = re.compile(r"\{%-?\s*block\s+\w*title\w*\s*-?%\}([^{}<>]{1,200})\{%")

# A line that opens a text and stands alone is its title when it is short and no sentence.
_MAX_OPENING_WORDS: Final = 14
_OPENING_LINES: Final = 12
_SENTENCE_END: Final = (".", "!", ",", ";", ":", "\u3002", "\uff1a")
_RIGHTS = re.compile(
    r"\s*(?:,\s*)?(?:\(c\)|\u00a9|copyright(?:\s+\(c\))?)\s*\d{4}.*\Z", re.IGNORECASE
)
_AGENDA_ITEM = re.compile(r"^[ \t]*\d{1,2}[.)][ \t]+([^.:\n]{3,48})[.:][ \t]+\S", re.MULTILINE)
_FILE_NAME = re.compile(r"[\w./+-]+\.[A-Za-z]\w{0,4}")
_ITEM_NUMBER = re.compile(r"\A\d{1,2}\.\s+(?=\S+\s)")
_RUN_IN_BOLD = re.compile(r"^(\*\*|__)(\S[^\n]{2,118}?\S)\1[ \t.:]+\S", re.MULTILINE)

# Set by judgement, not measured: what names the whole outranks what opens it.
_CONFIDENCE_BY_ORIGIN: Final = {
    "front matter": 0.9,
    "title element": 0.85,
    "first heading": 0.85,
    "title command": 0.9,
    "manual page": 0.9,
    "header": 0.8,
    "module docstring": 0.85,
    "leading comment": 0.7,
    "field title": 0.85,
    "field name": 0.7,
    "field summary": 0.65,
    "field description": 0.65,
    "opening line": 0.65,
    "bold opening": 0.6,
    "agenda": 0.55,
    "page header": 0.55,
}
# One word may be the name of anything.
_ONE_WORD: Final = 0.9


class DeclaredTitle(EmbeddedService):
    """Reads headings, title elements, docstrings, leading comments and title fields.

    What names nothing is passed over: licences, placeholders, containers such as *Home*, greetings,
    metadata, and the names of sections where there are other headings beside them.
    """

    name: ClassVar[str] = "declared_title"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.TEXT})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 0.2

    def answer(self, question: Question) -> Reading:
        item = question.item
        family = item.family
        text = item.text
        if family == Family.MARKUP and is_notebook(text):
            text = notebook_as_markdown(text)
        text = text[:PROSE_CHARS].removeprefix("\ufeff").replace("\r\n", "\n")
        for origin, declared in _declared(text, family):
            title = as_title(_RIGHTS.sub("", declared))
            if _is_unfit(declared):
                continue
            sure = _CONFIDENCE_BY_ORIGIN[origin] * (_ONE_WORD if word_count(title) < 2 else 1.0)
            return Reading(
                Status.OK,
                answer=title,
                confidence=round(max(sure * (0.5 + 0.5 * form_score(title)), 0.01), 4),
                evidence=f"declared by the {origin}",
            )
        return abstention("the content declares no title")


def _declared(text: str, family: str) -> Iterator[tuple[str, str]]:
    """Origin and wording of every title that the content may declare, the best ones first."""
    if family == Family.CODE:
        yield from _of_code(text)
    elif family == Family.DATA:
        yield from _of_data(text)
    elif is_html(text):
        yield from _of_html(text)
    elif is_log(text[:WITHIN]):
        return
    elif _ROFF.search(text[:WITHIN]):
        yield from _of_manual(text)
    else:
        yield from _of_document(text)


def _of_document(text: str) -> Iterator[tuple[str, str]]:
    if front := _FRONT_TITLE.match(text):
        yield "front matter", front[1]
    if "\\title" in text and (command := _LATEX.search(text)):
        yield "title command", command[1]
    yield from _of_manual(text)
    if opens_with_comment(text) and "\\documentclass" not in text[:WITHIN]:
        yield from _of_comments(text)
    headings = headings_of(text)
    for heading in _title_headings(headings):
        yield "first heading", _ITEM_NUMBER.sub("", heading.wording)
    if header := _HEADER.search(text[:WITHIN]):
        yield "header", _REPLY.sub("", header[1])
    if "{%" in text and (block := _TEMPLATE_BLOCK.search(text[:WITHIN])):
        yield "title element", block[1]
    body = without_front_matter(text)[:WITHIN]
    if (line := _opening_line(body)) and not any(line == one.wording for one in headings):
        yield "opening line", line
    if bold := _RUN_IN_BOLD.search(body):
        yield "bold opening", bold[2]
    if len(points := _agenda(body)) > 1:
        yield "agenda", " and ".join(points)


def _title_headings(headings: Sequence[Heading]) -> Iterator[Heading]:
    """The headings that may name the whole, the best one first.

    A heading that is alone on the highest level names the whole, whatever it says. Beside others
    it does only when it is not the name of a section.
    """
    for number, one in enumerate(headings):
        if is_release(as_title(one.wording)):
            # What follows are the changes of one release.
            headings = headings[:number]
            break
    named = [one for one in headings if not _is_unfit(one.wording)]
    if not named:
        return
    for level in sorted({one.level for one in named}):
        same = [one for one in named if one.level == level]
        if level == BOLD_LEVEL and same[0].place > headings[0].place:
            return
        alone = sum(one.level == level for one in headings) == 1 and level < BOLD_LEVEL
        first = same[0].place == headings[0].place
        yield from (one for one in same if (alone and first) or not is_section_name(one.wording))


def _is_unfit(wording: str) -> bool:
    title = as_title(_RIGHTS.sub("", wording))
    return not title or names_nothing(title) or is_boilerplate(title) or is_notice(title)


def _agenda(body: str) -> list[str]:
    """The first two points of a numbered agenda whose items begin with what they are about."""
    points = [found[1] for found in _AGENDA_ITEM.finditer(body)]
    return [one for one in points if not _is_unfit(one) and not is_section_name(one)][:2]


def _opening_line(body: str) -> str | None:
    """The first line that is no greeting, notice, metadata or licence, where it stands alone."""
    lines = body.split("\n")
    seen = 0
    for number, line in enumerate(lines):
        wording = line.strip()
        if not wording:
            continue
        seen += 1
        if seen > _OPENING_LINES:
            return None
        if _names_no_whole(line):
            continue
        alone = number + 1 >= len(lines) or not lines[number + 1].strip()
        short = word_count(wording) <= _MAX_OPENING_WORDS
        title = (
            alone and short and not wording.endswith(_SENTENCE_END) and wording[0] not in "-*+|>#"
        )
        return wording if title else None
    return None


def _names_no_whole(line: str) -> bool:
    line = line[:MAX_SENTENCE]
    return (
        _is_unfit(line.strip())
        or is_aside(line)
        or is_section_name(line)
        or is_code(line.strip())
        or is_record(line)
    )


def _of_manual(text: str) -> Iterator[tuple[str, str]]:
    if "NAME" not in text:
        pass
    elif roff := _ROFF_NAME.search(text):
        yield "manual page", _without_roff(roff[1])
    elif plain := _PLAIN_NAME.search(text):
        yield "manual page", plain[1]
    if header := _PAGE_HEADER.search(text[:WITHIN]):
        yield "page header", header[1]


def _without_roff(entry: str) -> str:
    text = _ROFF_DESCRIPTION.sub("- ", _ROFF_MACRO.sub("", entry))
    text = _ROFF_ESCAPE.sub("", _ROFF_CONTROL.sub("", text))
    for escape, sign in _ROFF_SIGNS:
        text = text.replace(escape, sign)
    return one_line(text.replace("\\-", "-").replace("\\", ""))


_HTML_TITLES: Final = (
    ("title", "title element"),
    ("h1", "first heading"),
    ("h2", "first heading"),
    ("h3", "first heading"),
    ("p > b:only-child, p > strong:only-child", "bold opening"),
)
_MAX_ELEMENTS: Final = 4


def _of_html(text: str) -> Iterator[tuple[str, str]]:
    tree = html_tree(text)
    for selector, origin in _HTML_TITLES:
        for node in tree.css(selector)[:_MAX_ELEMENTS]:
            wording = one_line(node.text())
            if not is_section_name(wording) or origin == "title element":
                yield origin, wording


def _of_code(text: str) -> Iterator[tuple[str, str]]:
    if "=head1 NAME" in text and (pod := _POD_NAME.search(text)):
        yield "manual page", pod[1]
    if found := _DOCSTRING.match(text):
        yield from (("module docstring", line) for line in _opening(found["text"], Family.PROSE))
    if "\\documentclass" in text[:WITHIN]:
        yield from _of_document(text)
    yield from _of_comments(text)


def _of_comments(text: str) -> Iterator[tuple[str, str]]:
    name = ""
    for paragraph in telling_paragraphs(text):
        for line in _opening(paragraph, Family.CODE):
            # "init.tcl --", and what it is in the next paragraph
            if not name and _FILE_NAME.fullmatch(as_title(line)):
                name = as_title(line)
                continue
            yield "leading comment", f"{name}: {line}" if name else line
            name = ""
    if name:
        yield "leading comment", name


def _opening(prose: str, family: str) -> Iterator[str]:
    """The first telling sentence of each of the first paragraphs."""
    for paragraph in re.split(r"\n\s*\n", prose.strip())[:4]:
        for sentence in sentences_of(paragraph, 400, family)[:3]:
            if not is_aside(sentence) and not is_section_name(sentence) and not is_code(sentence):
                yield sentence
                break


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
