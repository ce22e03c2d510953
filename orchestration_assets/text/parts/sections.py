"""Sections: what stands under each heading of a document.

Headings are those of Markdown (``#`` and underlined), HTML, reStructuredText, AsciiDoc, and, in a
text without any of these, numbered lines, chapter lines and lines in capitals that stand alone.
Sections are not nested: each ends where the next heading of any level begins. Lines are taken one
by one, so that no text makes a pattern go back far.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from orchestration_assets.text.parts.lines import Line, lines_of
from orchestration_assets.text.parts.spans import Mark, Span, heading_text, spans_at, with_words
from orchestration_assets.text.prose import is_html

_LONGEST_LINE: Final = 400
"""A longer line is no heading."""
_MOST_FRONT_MATTER: Final = 2_000
_FENCES: Final = ("```", "~~~")
_ATX: Final = re.compile(r"#{1,6}[ \t]+(?P<title>\S.*)")
_UNDERLINE: Final = re.compile(r"([=\-~^\"*+#`:.'_])\1{2,}")
_ASCIIDOC: Final = re.compile(r"={1,6}[ \t]+(?P<title>[^\s=].*)")
_ASCIIDOC_BLOCK: Final = re.compile(r"-{4,}|\.{4,}|\+{4,}|/{4,}")
_PLAIN: Final = (
    re.compile(
        r"(?:\d{1,3}(?:\.\d{1,3}){1,4}\.?|\d{1,3}\.|[IVXLC]{1,7}\.|\u00a7 ?\d{1,4}\.?) \S.*"
    ),
    re.compile(
        r"(?:chapter|section|article|part|appendix|annex|kapitel|abschnitt|artikel) "
        r"[\w.]{1,12}(?:[ .:)\u2013-].*)?",
        re.I,
    ),
    re.compile(r"[^\W\d_a-z][^a-z]{2,}"),
)
_LONGEST_PLAIN: Final = 100
_ENDS_A_SENTENCE: Final = re.compile(r"[.;,!?]$")
_HTML_HEADING: Final = re.compile(
    r"<h([1-6])(?=[\s>])[^<>]{0,400}>(.{0,600}?)</h\1\s{0,20}>", re.I | re.S
)
_HTML_HIDES: Final = re.compile(r"<!--|<(?:script|style|pre|template)(?=[\s>])", re.I)
_TAG: Final = re.compile(r"<[^<>]{0,600}>")


def section_spans(text: str) -> list[Span]:
    """The sections of the text in their order; the text itself where it has no heading."""
    if is_html(text):
        return with_words(text, spans_at(text, list(_html_marks(text))))
    lines = _behind_front_matter(list(lines_of(text)))
    marks = _asciidoc_marks(lines) or _markup_marks(lines) or _plain_marks(lines)
    return with_words(text, spans_at(text, marks))


def _behind_front_matter(lines: list[Line]) -> list[Line]:
    """The lines that can be headings: those of front matter are underlined by its end."""
    if lines and lines[0].words in ("---", "+++"):
        for place, line in enumerate(lines[1:_MOST_FRONT_MATTER], start=1):
            if line.words == lines[0].words:
                return lines[place + 1 :]
    return lines


def _asciidoc_marks(lines: Sequence[Line]) -> list[Mark]:
    marks: list[Mark] = []
    block = ""
    for line in lines:
        if block or _ASCIIDOC_BLOCK.fullmatch(line.words):
            block = "" if block == line.words else block or line.words
        elif (found := _title(_ASCIIDOC, line)) is not None:
            marks.append(Mark(line.start, heading_text(found["title"].rstrip("= \t"))))
    return marks


def _markup_marks(lines: Sequence[Line]) -> list[Mark]:
    """Headings of Markdown and reStructuredText, outside of fenced code."""
    marks: list[Mark] = []
    fence = ""
    blank_before = True
    for place, line in enumerate(lines):
        words = line.words
        if fence or words.startswith(_FENCES):
            run = words[: len(words) - len(words.lstrip(words[:1]))]
            if not fence:
                fence = run
            elif run.startswith(fence) and run == words:
                fence = ""
        elif line.indent < 4 and (found := _title(_ATX, line)) is not None:
            marks.append(Mark(line.start, heading_text(found["title"].rstrip("# \t"))))
        elif _is_underlined(lines, place) and (blank_before or _is_overlined(lines, place)):
            begin = lines[place - 1] if _is_overlined(lines, place) else line
            marks.append(Mark(begin.start, heading_text(words)))
        blank_before = not words
    return marks


def _is_underlined(lines: Sequence[Line], place: int) -> bool:
    line = lines[place]
    return (
        place + 1 < len(lines)
        and 0 < len(line.words) <= _LONGEST_LINE
        and line.words[0] not in "|>"
        and _rule(line) == ""
        and _rule(lines[place + 1]) != ""
        and lines[place + 1].indent == 0
    )


def _is_overlined(lines: Sequence[Line], place: int) -> bool:
    rule = _rule(lines[place - 1]) if place else ""
    return rule != "" and place + 1 < len(lines) and rule == _rule(lines[place + 1])


def _rule(line: Line) -> str:
    """The sign that the whole line repeats; empty for any other line."""
    words = line.words
    if len(words) > _LONGEST_LINE or not _UNDERLINE.fullmatch(words):
        return ""
    return words[0]


def _plain_marks(lines: Sequence[Line]) -> list[Mark]:
    """Lines that stand between blank ones, and read like a heading."""
    marks = []
    for place, line in enumerate(lines):
        alone = (place == 0 or not lines[place - 1].words) and (
            place + 1 == len(lines) or not lines[place + 1].words
        )
        words = line.words
        if (
            alone
            and 2 < len(words) <= _LONGEST_PLAIN
            and not _ENDS_A_SENTENCE.search(words.rstrip(".") if words[:1] in "\u00a7" else words)
            and any(pattern.fullmatch(words) for pattern in _PLAIN)
        ):
            marks.append(Mark(line.start, heading_text(words)))
    return marks


def _title(pattern: re.Pattern[str], line: Line) -> re.Match[str] | None:
    return pattern.fullmatch(line.words) if len(line.words) <= _LONGEST_LINE else None


def _html_marks(text: str) -> Iterator[Mark]:
    place = 0
    for start, end in [*_hidden(text), (len(text), len(text))]:
        for found in _HTML_HEADING.finditer(text, place, max(place, start)):
            yield Mark(found.start(), heading_text(_TAG.sub(" ", found[2])))
        place = max(place, end)


def _hidden(text: str) -> Iterator[tuple[int, int]]:
    """Comments, scripts and the like, where headings are none."""
    place = 0
    unclosed: set[str] = set()
    while (found := _HTML_HIDES.search(text, place)) is not None:
        what = found[0].casefold()
        closes = None
        if what not in unclosed:
            end = "-->" if what == "<!--" else f"</{what[1:]}"
            closes = re.compile(re.escape(end), re.I).search(text, found.end())
        if closes is None:
            unclosed.add(what)
            place = found.end()
            continue
        yield found.start(), closes.end()
        place = closes.end()
