"""The kind of an item: its extension, its family, and the grammar for its code.

Detected by the extension where it is known, else by the form of the first 4,096 characters.
"""

import re
from typing import Final, NamedTuple

from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.notebooks import is_notebook
from orchestration_assets.text.prose import is_html

_HEAD_CHARS: Final = 4096


class ContentKind(NamedTuple):
    """The detected kind of an item. ``language`` is a grammar's name, or empty."""

    extension: str
    has_shebang: bool
    family: Family
    language: str


def _extensions(names: str, language: str = "") -> dict[str, str]:
    return dict.fromkeys(names.split(), language)


_CODE: Final[dict[str, str]] = {
    **_extensions("py pyi pyw", "python"),
    **_extensions("js jsx mjs cjs", "javascript"),
    **_extensions("ts tsx mts cts", "typescript"),
    **_extensions("go", "go"),
    **_extensions("rs", "rust"),
    **_extensions("java", "java"),
    **_extensions("c h", "c"),
    **_extensions("cc cpp cxx c++ hh hpp hxx h++ ino cu cuh", "cpp"),
    **_extensions("rb rake gemspec", "ruby"),
    **_extensions("sh bash zsh ksh", "bash"),
    **_extensions("css", "css"),
    **_extensions("asm awk bat cmake clj coffee cs dart el erl ex exs f90 fish groovy gradle hs"),
    **_extensions("jl kt kts less lisp lua m ml mm nix pas php pl pm proto ps1 r s sass scala scm"),
    **_extensions("scss sed sql svelte swift tcl tf vb vim vue zig"),
}
_MARKUP: Final[dict[str, str]] = {
    **_extensions("md markdown mdown mdx ipynb", "markdown"),
    **_extensions("html htm xhtml", "html"),
    **_extensions("rst adoc asciidoc org tex textile wiki xml svg xsl xslt xsd rss atom"),
}
_DATA: Final[dict[str, str]] = {
    **_extensions("json geojson webmanifest", "json"),
    **_extensions("yaml yml", "yaml"),
    **_extensions(
        "jsonl ndjson json5 csv tsv toml ini cfg conf properties env plist lock pem crt csr"
    ),
    **_extensions("key po srt vtt dectest"),
}
_CODE_NAMES: Final[dict[str, str]] = {
    **_extensions(
        "makefile gnumakefile dockerfile containerfile jenkinsfile cmakelists.txt justfile"
    ),
    **_extensions("rakefile gemfile vagrantfile podfile", "ruby"),
    **_extensions(".bashrc .bash_profile .profile .zshrc", "bash"),
}

_SUFFIX = re.compile(r"[\w+\-]{1,16}")
_SHEBANG = re.compile(r"#![^\n]{0,200}?\b(python|node|ruby|bash|zsh|ksh|dash|sh)[\d.]*\b")
_INTERPRETERS: Final = {"python": "python", "node": "javascript", "ruby": "ruby"}

_JSON = re.compile(
    r'\s*(?:\{\s*(?:"(?:[^"\\\n]|\\.){0,200}"\s*:|\})|\[\s*(?:[{\["\]]|-?\d[\d.eE+-]*\s*,))'
)
_XML = re.compile(r"\s*<\?xml|\s*<(?:svg|rss|feed)\b", re.IGNORECASE)
_SETTING = re.compile(r"[\w.\-]+\s?[:=]\s|\[[\w. :\-]+\]$")
_FENCE_MARK = re.compile(r"[ \t{.]*([\w+#-]{1,20})")
_DELIMITERS: Final = ",\t;|"

_MARKDOWN_LINE = re.compile(r"(#{1,6} \S)|(```|~~~)|\s*(?:[-*+]|\d{1,3}[.)]) \S|\|.*\|$|> ")
_MARKDOWN_LINK = re.compile(r"\]\(\S")
_CODE_LINE = re.compile(
    r"\s*(?:(?:async )?def |class )[\w]+.*:\s*$|\s*(?:if|for|while|elif|with|try)\b.*:$"
    r"|\s*(?:from \S+ )?import [\w.{*]|#\s?(?:include|define) |\s*(?:return|export|fn|func) \S"
    r"|\s*[\w.]+ ?(?:[-+*/|&]?=) ?\S|\s*[\w.]+\(.*\)$|\s*(?:fi|done|esac|end|\)|\])$"
    r"|\s*(?://|/\*|\*/)"
)
_CODE_ENDS: Final = (";", "{", "}")
# What authors call a language behind a code fence, where it is no extension.
_FENCE_NAMES: Final = {
    "bash": "bash",
    "console": "",
    "golang": "go",
    "javascript": "javascript",
    "python": "python",
    "python3": "python",
    "ruby": "ruby",
    "rust": "rust",
    "shell": "bash",
    "typescript": "typescript",
}
# A line of code that hardly any other language has; the most lines win, first named wins a tie.
_LANGUAGE_LINES: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile("|".join(patterns), re.MULTILINE)
    for name, patterns in {
        "python": (
            r"^[ \t]*(?:async )?def \w+\(.*:",
            r"^[ \t]*(?:class \w+[^{\n]*:|from [\w.]+ import |elif .*:)",
        ),
        "go": (r"^(?:package \w+$|func [\w(]|import \()", ":= "),
        "rust": (
            r"^[ \t]*(?:pub )?(?:fn|mod|impl|trait|struct) .*[{;(]",
            r"^[ \t]*(?:use [\w:]+::|let mut )",
        ),
        "java": (
            r"^[ \t]*(?:public|private|protected) [\w<>\[\] ]+[({]",
            r"^(?:import java|package [\w.]+;)",
        ),
        "cpp": (
            r"^[ \t]*(?:namespace \w|template ?<|using namespace |std::|class \w+.*\{)",
            r"#include <\w+>",
        ),
        "c": (
            r"^#\s?(?:include|define|ifdef|ifndef) ",
            r"^(?:static|struct|typedef|int|void|char) .*[{;(]",
        ),
        "typescript": (r"^[ \t]*(?:export )?(?:interface \w+ \{|type \w+ =|const \w+: )",),
        "javascript": (
            r"^[ \t]*(?:const|let|var) \w+ =",
            r"\bfunction ?\w*\(|=> ?\{|require\(['\"]",
        ),
        "ruby": (r"^[ \t]*(?:def \w+[^:\n]*$|end$|require ['\"]|module [A-Z]\w*$|puts )",),
        "bash": (r"^[ \t]*(?:fi|done|esac|then)$|^[ \t]*echo |\$\{?\w+|^if \[",),
    }.items()
}


def detect_kind(path: str, text: str) -> ContentKind:
    """The kind of an item, the same for the same path and text."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    extension = _extension(name)
    has_shebang = text.startswith("#!")
    head = text[:_HEAD_CHARS]
    if name in _CODE_NAMES or name.startswith(("dockerfile.", "makefile.")):
        return ContentKind(extension, has_shebang, Family.CODE, _CODE_NAMES.get(name, ""))
    if extension in _CODE:
        language = _CODE[extension]
        if extension == "h" and _LANGUAGE_LINES["cpp"].search(head):
            language = "cpp"
        return ContentKind(extension, has_shebang, Family.CODE, language)
    if extension in _MARKUP:
        return ContentKind(extension, has_shebang, Family.MARKUP, _MARKUP[extension])
    if extension in _DATA:
        return ContentKind(extension, has_shebang, Family.DATA, _DATA[extension])
    family, language = _kind_by_shape(head)
    return ContentKind(extension, has_shebang, family, language)


def fence_language(mark: str) -> str:
    """The grammar of a fenced block of code, by the info string ``mark`` of its fence, such as
    ``py`` or ``{.python #id}``; empty when there is none."""
    match = _FENCE_MARK.match(mark)
    name = match[1].lower() if match else ""
    return _FENCE_NAMES.get(name, _CODE.get(name, ""))


def _extension(name: str) -> str:
    """A suffix of letters, digits, + and -; what follows a dot in "Dr. Who" is none."""
    stem, _, suffix = name.replace("\0", "").rpartition(".")
    return suffix if stem and _SUFFIX.fullmatch(suffix) else ""


def _kind_by_shape(head: str) -> tuple[Family, str]:
    if head.startswith("#!"):
        match = _SHEBANG.match(head)
        return Family.CODE, _INTERPRETERS.get(match[1], "bash") if match else ""
    if is_html(head):
        return Family.MARKUP, "" if _XML.match(head) else "html"
    if is_notebook(head):
        return Family.MARKUP, "markdown"
    lines = [line for line in head.split("\n") if line and not line.isspace()]
    if _JSON.match(head):
        return Family.DATA, "json"
    if _is_delimited(lines) or _is_settings(lines):
        return Family.DATA, ""
    marks = [mark for mark in map(_MARKDOWN_LINE.match, lines) if mark]
    fenced = any(mark[2] for mark in marks)
    code_lines = sum([_is_code(line) for line in lines])
    if lines and code_lines >= 0.35 * len(lines) and not fenced:
        return Family.CODE, _language_by_lines(head)
    headings = sum(1 for mark in marks if mark[1])
    # Mostly headings: the comments of a settings file rather than an outline.
    titled = 0 < headings <= max(0.5 * len(lines), 1)
    marked = fenced or titled or bool(_MARKDOWN_LINK.search(head))
    if marked and (len(marks) >= 2 or len(lines) <= 3):
        return Family.MARKUP, "markdown"
    return Family.PROSE, ""


def _is_code(line: str) -> bool:
    return line.rstrip().endswith(_CODE_ENDS) or _CODE_LINE.match(line) is not None


def _is_delimited(lines: list[str]) -> bool:
    """At least three lines, the first ten of which agree on the number of some delimiter."""
    sample = lines[:10]
    if len(sample) < 3 or any(line.rstrip().endswith((".", "{", ";")) for line in sample):
        return False
    counts = ({line.count(delimiter) for line in sample} for delimiter in _DELIMITERS)
    return any(len(found) == 1 and min(found) >= 1 for found in counts)


def _is_settings(lines: list[str]) -> bool:
    """At least three lines, four of five of them ``key: value``, ``key = value``, ``[section]``."""
    matches = sum(1 for line in lines if _SETTING.match(line))
    return (
        len(lines) >= 3
        and matches >= 0.8 * len(lines)
        and not any(line.endswith((";", "{", ")")) for line in lines[:10])
    )


def _language_by_lines(head: str) -> str:
    votes = {name: len(pattern.findall(head)) for name, pattern in _LANGUAGE_LINES.items()}
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else ""
