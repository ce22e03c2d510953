"""Content types by plain signs: shebangs, headers, prologues, fences, tables."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestration_assets.services.readings import quoted

_HEAD_CHARS: Final = 4096
_WHOLE_JSON_CHARS: Final = 8192


@dataclass(frozen=True, slots=True)
class PlainSign:
    """The content type that a sign stands for, with its confidence and a description."""

    label: str
    confidence: float
    evidence: str


_SHEBANG = re.compile(
    r"#![ \t]*(?:/[^\s]*/)?(?:env[ \t]+(?:-\S+[ \t]+)*(?:\w+=\S*[ \t]+)*)?(?:/[^\s]*/)?([A-Za-z]+)"
)
# Interpreter -> (content type, confidence). Node's is not here: it runs two languages.
_INTERPRETERS: Final[Mapping[str, tuple[str, float]]] = {
    "awk": ("awk", 0.98),
    "gawk": ("awk", 0.98),
    "mawk": ("awk", 0.98),
    "bash": ("shell", 0.985),
    "dash": ("shell", 0.985),
    "ksh": ("shell", 0.985),
    "sh": ("shell", 0.975),
    "zsh": ("shell", 0.985),
    "bats": ("shell", 0.97),
    "lua": ("lua", 0.98),
    "luajit": ("lua", 0.98),
    "make": ("makefile", 0.97),
    "perl": ("perl", 0.985),
    "php": ("php", 0.985),
    "pwsh": ("powershell", 0.98),
    "python": ("python", 0.985),
    "pypy": ("python", 0.985),
    "Rscript": ("r", 0.98),
    "ruby": ("ruby", 0.985),
    "tclsh": ("tcl", 0.98),
    "wish": ("tcl", 0.97),
}
# A shell line that only hands the file over to another interpreter.
_HANDED_OVER = re.compile(
    r"^[ \t]*(?:['\":]+[ \t]*)?(?:eval[ \t]+['\"]?)?exec[ \t]+(?:/\S*/)?(\w+)[^\n]*\$[{(]?[0@]",
    re.MULTILINE,
)

_SIGNS: Final[Sequence[tuple[str, float, str, re.Pattern[str]]]] = tuple(
    (label, confidence, evidence, re.compile(pattern, re.MULTILINE))
    for label, confidence, evidence, pattern in (
        ("php", 0.985, "a PHP opening tag", r"\A\s*<\?(?:php\b|=)"),
        (
            "pem",
            0.985,
            "a PEM header",
            r"\A(?:(?:[^\n]{0,200}\n){0,4}?-----BEGIN [A-Z0-9 ]+-----\s*$|Certificate:\n +Data:\n)",
        ),
        ("subtitles", 0.98, "a WebVTT header", r"\AWEBVTT\b"),
        (
            "subtitles",
            0.98,
            "numbered time spans",
            r"\A\s*\d+\s*\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:",
        ),
        ("postscript", 0.98, "a PostScript header", r"\A%!PS"),
        ("po", 0.985, "msgid and msgstr pairs", r"^msgid \"[^\n]*\n(?:\"[^\n]*\n){0,20}msgstr \""),
        (
            "diff",
            0.985,
            "a patch header",
            r"\A(?:[^\n]{0,300}\n){0,40}?(?:diff --git \S+ \S+"
            r"|--- \S[^\n]*\n\+\+\+ \S[^\n]*\n@@ -\d|\*\*\* \S[^\n]*\n--- \S[^\n]*\n\*{15})",
        ),
        (
            "latex",
            0.985,
            "a LaTeX preamble",
            r"^[ \t]*\\(?:documentclass|usepackage|ProvidesPackage|begin\{document\})(?:\[|\{|$)",
        ),
        (
            "dockerfile",
            0.975,
            "Dockerfile instructions",
            r"\A(?:[ \t]*#[^\n]*\n|[ \t]*\n|ARG \S+\n){0,60}FROM[ \t]+[\w./:@${}-]+"
            r"(?:[ \t]+(?:AS|as)[ \t]+\S+)?[ \t]*\n(?:[^\n]*\n){0,40}?"
            r"(?:RUN|CMD|COPY|ADD|ENTRYPOINT|WORKDIR|ENV|EXPOSE|USER|ARG|LABEL|MAINTAINER)[ \t]",
        ),
        (
            "python",
            0.97,
            "a docstring at the start",
            r"\A(?:[ \t]*(?:#[^\n]*)?\n){0,80}[rRuU]?(?:\"{3}|'{3})[^\n]*$",
        ),
        (
            # a heading alone could be a comment; quotes, code spans and second headings at the
            # margin after it are written by no language whose comments begin so
            "markdown",
            0.97,
            "a heading, then quotes, code spans or further headings at the margin",
            r"\A# \S[^\n]*\n\s*\n(?:[^\n]*\n){0,40}?(?:> \S|`[^`\n]+`[ \t]*$|##+ \S|```)[^\n]*\n"
            r"(?:[^\n]*\n){0,40}?(?:> \S|`[^`\n]+`[ \t]*$|```)",
        ),
        (
            "xml",
            0.98,
            "a Qt translation",
            r"\A\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!DOCTYPE TS\b|<TS\b[^>]{0,200}>)",
        ),
        ("xml", 0.97, "an SVG element", r"\A\s*(?:<!--[^>]{0,500}-->\s*)?<svg\b"),
    )
)
# Fences at the margin belong to Markdown; what they hold looks like any language.
_FENCE = re.compile(r"^(?:```|~~~)[\w{}. -]{0,40}$", re.MULTILINE)
_COMMENT_OPENED = re.compile(r"^[ \t]*(?:/\*|//!|[rR]?\"{3}|=begin\b)", re.MULTILINE)
_MARKDOWN_AROUND = re.compile(r"^(?:#{1,6} \S|[*+-] \S|\d+\. \S|> )|\[[^\[\]\n]+\]\(", re.MULTILINE)
_MARKUP_START = re.compile(r"\A\s*(?:<\?xml\b|<!DOCTYPE\b|<html\b|<!--)", re.IGNORECASE)
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*){0,3}(?:<!DOCTYPE\s+html\b|<html\b)",
    re.IGNORECASE | re.DOTALL,
)
_PHP_INSIDE = re.compile(r"<\?(?:php\b|=)")
_TEMPLATE_INSIDE = re.compile(r"\{%-?[ \t]*\w[^%\n]{0,200}%\}|<%[=#-]?\s")


def find_sign(text: str) -> PlainSign | None:
    """The sign that ``text`` starts with or shows plainly in its first characters, if any."""
    head = text[:_HEAD_CHARS]
    for rule in (_shebang, _pattern, _fences, _markup, _json, _sections, _table):
        if sign := rule(text, head):
            return sign
    return None


def _shebang(text: str, head: str) -> PlainSign | None:
    if not head.startswith("#!") or not (match := _SHEBANG.match(head)):
        return None
    interpreter = match[1]
    if interpreter in {"sh", "bash"} and (handed := _HANDED_OVER.search(head[:1024])):
        interpreter = handed[1] if handed[1] in _INTERPRETERS else interpreter
    if interpreter not in _INTERPRETERS:
        return None
    label, confidence = _INTERPRETERS[interpreter]
    return PlainSign(label, confidence, _with_quote(f"a shebang for {interpreter}", match[0]))


def _with_quote(evidence: str, sign: str) -> str:
    """The evidence with the last line of what was matched, in which the sign itself stands."""
    told = quoted(sign.strip().splitlines()[-1:])
    return f"{evidence}: {told}" if told else evidence


def _pattern(text: str, head: str) -> PlainSign | None:
    for label, confidence, evidence, pattern in _SIGNS:
        if match := pattern.search(head):
            return PlainSign(label, confidence, _with_quote(evidence, match[0]))
    return None


def _fences(text: str, head: str) -> PlainSign | None:
    fences = list(_FENCE.finditer(head))
    if len(fences) < 2 or not _MARKDOWN_AROUND.search(head):
        return None
    # Documentation inside a program's comment has fences too.
    if _COMMENT_OPENED.search(head, 0, fences[0].start()):
        return None
    return PlainSign("markdown", 0.97, f"{len(fences)} code fences at the margin")


def _markup(text: str, head: str) -> PlainSign | None:
    if not _MARKUP_START.match(head):
        return None
    if _PHP_INSIDE.search(head):
        return PlainSign("php", 0.95, "PHP inside markup")
    if _TEMPLATE_INSIDE.search(head):
        return None
    if _HTML.match(head):
        return PlainSign("html", 0.975, "an HTML prologue")
    if head.lstrip().startswith("<?xml"):
        return PlainSign("xml", 0.98, "an XML prologue")
    return None


_JSON_START = re.compile(r"\s*(?:\{\s*(?:\"|\})|\[\s*(?:[\[{\"\d-]|\]))")


def _json(text: str, head: str) -> PlainSign | None:
    if not _JSON_START.match(head):
        return None
    lines = [line for line in head.split("\n") if line.strip()]
    if len(lines) > 1 and all(_is_json(line) for line in lines[:2]):
        return PlainSign("jsonl", 0.97, "one JSON value a line")
    if len(text) <= _WHOLE_JSON_CHARS and _is_json(text):
        return PlainSign("json", 0.985, "all of it is one JSON value")
    return None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


_SECTION = re.compile(r"^\[{1,2}[^\[\]\n]+\]{1,2}[ \t]*(?:[#;][^\n]*)?$", re.MULTILINE)
_SETTING = re.compile(r"[ \t]*[\w.\"'$@*/\\+-][^=:\n]{0,80}?[ \t]*[=:]")
_TOML_VALUE = re.compile(
    r"[^=\n]+=[ \t]*(?:\"|'|\[|\{|[+-]?\d[\w.:+-]*[ \t]*(?:#|$)|(?:true|false)[ \t]*(?:#|$))"
)
_CODE_LINE_END = re.compile(r"[;{}()\\]\s*$")


def _sections(text: str, head: str) -> PlainSign | None:
    """INI and TOML: sections in brackets, and nothing but settings between them."""
    if not _SECTION.search(head):
        return None
    settings = other = toml = 0
    for line in head.split("\n")[:-1] or [head]:
        if not line.strip() or line.lstrip()[0] in "#;" or _SECTION.match(line):
            continue
        if _SETTING.match(line):
            settings += 1
            toml += _TOML_VALUE.match(line) is not None
        elif line[0] not in " \t]})" or _CODE_LINE_END.search(line):
            other += 1
    if settings < 1 or other > settings // 20:
        return None
    if toml >= 0.9 * settings:
        return PlainSign("toml", 0.95, f"sections and {toml} settings with TOML values")
    if toml > 0.5 * settings:
        return None
    return PlainSign("ini", 0.95, f"sections and {settings} settings")


_MIN_TABLE_LINES: Final = 5
_CODE_SIGNS: Final = frozenset("(){}[]=")


def _table(text: str, head: str) -> PlainSign | None:
    """CSV and TSV: lines with equally many separators, but for the first, which may say something
    of the whole, and for comments."""
    filled = [line for line in head.split("\n")[:-1] if line.strip()][:41]
    lines = [line for line in filled[1:] if line[0] != "#"]
    for separator, label in (("\t", "tsv"), (",", "csv"), (";", "csv")):
        counts = {_separator_count(line, separator) for line in lines}
        # Two columns are what prose with one comma a line would look like.
        if len(counts) != 1 or len(lines) < (
            _MIN_TABLE_LINES - 1 if min(counts) > 1 else 3 * _MIN_TABLE_LINES - 1
        ):
            continue
        if counts == {0}:
            continue
        if any(line[0] in " \t/" or line[-1] in ",;{}()\\" for line in lines):
            continue
        # signatures of functions have equally many commas as well
        if all("(" in line for line in lines):
            continue
        if _separator_count(filled[0], separator) not in counts and (
            separator not in filled[0] or any(_CODE_SIGNS.intersection(line) for line in lines)
        ):
            continue
        return PlainSign(label, 0.9, f"{len(lines)} lines with {counts.pop() + 1} columns each")
    return None


_QUOTED = re.compile(r'"[^"]*"')


def _separator_count(line: str, separator: str) -> int:
    return _QUOTED.sub("", line).count(separator)


PROSE_TYPES: Final = ("text", "markdown", "rst")
_RST = re.compile(
    r"^\.\. (?:[\w-]+::(?: |$)|_[^\n]+:|\[\w+\] )|:[a-z]+(?::[a-z]+)?:`[^`\n]+`|``[^`\n]+``"
    r"|`[^`<\n]+ <[^>\n]+>`_|\w::$|^:[\w -]+:(?: |$)|^[=~^*+\"]{4,}$",
    re.MULTILINE,
)
# without them, their backquotes would be code spans of Markdown
_RST_ROLE = re.compile(r":[a-z]+(?::[a-z]+)?:`[^`\n]+`|``[^`\n]+``")
_MARKDOWN = re.compile(
    r"^#{1,6} \S|^(?:```|~~~)|\[[^\[\]\n]+\]\([^()\s]+\)|^> |^[*-] \[[ x]\] |\*\*[^*\n]+\*\*"
    r"|(?<!`)`[^`\n]+`(?![`_])|^\|[^\n]*\|$|^\[[^\]\n]+\]: |!\[",
    re.MULTILINE,
)
_MAX_MARKS: Final = 6
# Log-odds for each mark seen, and for plain text when there is none.
_RST_MARK: Final = 0.8
_MARKDOWN_MARK: Final = 0.7
_NO_MARK: Final = 1.0


def split_prose_types(
    text: str, shares: Mapping[str, float]
) -> tuple[dict[str, float], Sequence[str]]:
    """``shares`` with text, markdown and rst told apart by their markup, and why."""
    split = dict(shares)
    prose = sum(split[label] for label in PROSE_TYPES)
    if prose < max(split.values()):
        return split, ()
    head = text[:_HEAD_CHARS]
    rst = len(_RST.findall(head))
    markdown = len(_MARKDOWN.findall(_RST_ROLE.sub(" ", head)))
    odds = {
        "text": split["text"] * math.exp(0.0 if rst or markdown else _NO_MARK),
        "markdown": split["markdown"] * math.exp(_MARKDOWN_MARK * min(markdown, _MAX_MARKS)),
        "rst": split["rst"] * math.exp(_RST_MARK * min(rst, _MAX_MARKS)),
    }
    total = sum(odds.values())
    split.update({label: prose * part / total for label, part in odds.items()})
    return split, (f"{markdown} marks of markdown, {rst} of reStructuredText",)
