"""The headings at the start of a document, with their levels, whatever markup they are in."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from orchestration_assets.text.prose import without_fences, without_front_matter

WITHIN: Final = 4_096
"""How far from the start a heading may still be the title of the whole, in characters."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_ATX = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_ASCIIDOC = re.compile(r"(={1,5})[ \t]+(\S.*)")
_HTML = re.compile(r"<h([1-6])\b[^<>]*>(.{1,400}?)</h\1>", re.IGNORECASE | re.DOTALL)
_LATEX = re.compile(r"\\(chapter|section|subsection)\*?(?:\[[^\]\n]{0,200}\])?\{([^{}]{1,400})\}")
_LATEX_LEVELS: Final = {"chapter": 1, "section": 2, "subsection": 3}
_RULE_SIGNS: Final = frozenset("=-~^*+#\"'`:.")
_RULE = re.compile(r"([=\-~^*+#\"'`:.])\1{2,}[ \t]*")
_NOT_UNDERLINED = re.compile(r"[#>]|[-*+][ \t]|\d+\.[ \t]+\S.*[.;]$|\|.*\|\s*$|\.\.[ \t]")
_BOLD = re.compile(r"(\*\*|__)(\S.{1,200}?\S)\1[ \t:.]*")
_SUBSTITUTION = re.compile(r"^\.\. \|([^|\n]+)\| replace:: (\S.*)$", re.MULTILINE)

_UNDERLINED_LEVELS: Final = {"=": 1, "-": 2}
BOLD_LEVEL: Final = 9
"""The level of a bold line that stands alone."""


class Heading(NamedTuple):
    """A heading: its wording as written, its level (1 is the highest), and where it begins."""

    wording: str
    level: int
    place: int


def headings_of(text: str) -> list[Heading]:
    """The headings in the first 4,096 characters of a document, in their order.

    Known are markdown, reStructuredText, AsciiDoc, LaTeX, HTML inside markdown, and bold lines that
    stand alone. Front matter, code fences and comments hold no heading.
    """
    # Fences are only taken away from where a heading may stand.
    body = without_fences(_COMMENT.sub(" ", without_front_matter(text)[:WITHIN]))
    if "\\section" in body or "\\chapter" in body:
        body = _TEX_COMMENT.sub("", body)
    found = [*_marked(body), *_underlined(body.split("\n"))]
    found.sort(key=lambda heading: heading.place)
    for name, replacement in _SUBSTITUTION.findall(text[:WITHIN]):
        found = [
            heading._replace(wording=heading.wording.replace(f"|{name}|", replacement))
            for heading in found
        ]
    return found


def _marked(body: str) -> Iterator[Heading]:
    place = 0
    # Lines with a mark that follow each other are the comment of a script.
    commented = False
    lines = body.split("\n")
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line[:1] in ("#", "=") and (match := _ATX.fullmatch(line) or _ASCIIDOC.fullmatch(line)):
            goes_on = line.startswith("# ") and after.startswith("# ")
            if not commented and not goes_on:
                yield Heading(_without_closing_marks(match[2]), len(match[1]), place)
            commented = goes_on
        elif ("**" in line or "__" in line) and (match := _BOLD.fullmatch(line.strip())):
            yield Heading(match[2], BOLD_LEVEL, place)
        place += len(line) + 1
    for match in _HTML.finditer(body):
        yield Heading(match[2], int(match[1]), match.start())
    for match in _LATEX.finditer(body):
        yield Heading(match[2], _LATEX_LEVELS[match[1]], match.start())


def _without_closing_marks(heading: str) -> str:
    # "## Use ##" is closed by its last signs, "# Learn C#" is not.
    open_end = heading.rstrip().rstrip("#")
    return open_end if open_end.endswith((" ", "\t")) else heading


def _underlined(lines: Sequence[str]) -> Iterator[Heading]:
    """Lines above a rule; an overlined one outranks the rest, as the first kind of rule does."""
    place = 0
    kinds: list[tuple[str, bool]] = []
    for number, line in enumerate(lines[:-1]):
        below = lines[number + 1]
        rule = _RULE.fullmatch(below) if below[:1] in _RULE_SIGNS else None
        wording = line.strip()
        if (
            rule
            and wording
            and not _RULE.fullmatch(line)
            and not _NOT_UNDERLINED.match(wording)
            and 3 * len(rule[0].rstrip()) >= len(wording)
        ):
            overlined = number > 0 and lines[number - 1].strip() == below.strip()
            kind = (rule[1], overlined)
            if kind not in kinds:
                kinds.append(kind)
            known = _UNDERLINED_LEVELS.get(rule[1]) if not overlined else None
            yield Heading(wording, known or min(kinds.index(kind) + 1, 8), place)
        place += len(line) + 1
