"""What a title looks like, whatever it says: short, one line, and no path, command or licence."""

import re
from functools import cache
from html import unescape
from typing import Final

from orchestration_assets.services.title.unfit_lines import is_boilerplate
from orchestration_assets.text.function_words import function_words
from orchestration_assets.text.sentences import one_line
from orchestration_assets.text.words import prose_words

MAX_TITLE: Final = 120
"""The longest title, in characters."""

CUT: Final = "\u2026"
"""What a title ends in that had to be cut."""

MIN_WORDS: Final = 2
MAX_WORDS: Final = 15
# An ideograph is about half a word.
_WORDS = re.compile(
    r"[^\W_\u3040-\u9fff]+(?:[-'.\u2019][^\W_\u3040-\u9fff]+)*|[\u3040-\u9fff]{1,2}"
)
_PATH_OR_LINK = re.compile(r"\A(?:[a-z]+://\S+|[~.]{0,2}/\S+|[A-Za-z]:\\\S+|\S+/\S+/\S*)\Z")
_COMMAND = re.compile(r"\A(?:[$%>]\s|#!|sudo\s|usage:)|\s--?[a-z][\w-]*(?:[=\s]|\Z)", re.IGNORECASE)
_TRAILING: Final = " \t.,;:\uff1a\u3002-\u2013\u2014=*~|/\\`\u00b6\u00a7"
_LEADING: Final = "#" + _TRAILING.replace(".", "").replace("/", "").replace("~", "")

# A linked image is a badge, and so is an image beside words; one that stands alone is a word mark.
_BADGE = re.compile(r"\[!\[[^\[\]]*\](?:\([^()]*\)|\[[^\[\]]*\])?\](?:\([^()]*\)|\[[^\[\]]*\])?")
_IMAGE = re.compile(r"!\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|center|code|div|em|font|h[1-6]|i|img|kbd|p|small|span|strong|sub|sup"
    r"|tt|u)\b[^<>]*>",
    re.IGNORECASE,
)
_ROLE = re.compile(r":[a-z][a-z:+-]{0,40}:`([^`<]*)(?:<[^`>]*>)?`")
_RST_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`_{1,2}")
_PAIRED = re.compile(r"(?<![\w>])(\*{1,3}|_{1,3}|`{1,2})(?=\S)(.{1,200}?)(?<=\S)\1(?![\w<])")
_LONE_MARK = re.compile(r"(?<![\w`*<>])[*`]{1,3}(?=\w)|(?<=\w)[*`]{1,3}(?![\w`*<>])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@cache
def _non_final_words() -> frozenset[str]:
    """Words that no title ends in."""
    tables = function_words()
    return frozenset().union(*(tables[language] for language in ("en", "fr", "es", "de", "it")))


def as_title(text: str) -> str:
    """The text as a title: one line without markup, at most 120 characters, whole words."""
    line = one_line(text)
    if any(mark in line for mark in "[<`*_\\&"):
        line = _without_markup(line)
    line = _trimmed(line)
    if len(line) > MAX_TITLE:
        cut = line[: MAX_TITLE - 1]
        line = (cut.rpartition(" ")[0] or cut).rstrip(_TRAILING) + CUT
    return line


def _without_markup(line: str) -> str:
    line = _BADGE.sub(" ", line)
    line = (
        _IMAGE.sub(" ", line) if _IMAGE.sub("", line).strip(_LEADING) else _IMAGE.sub(r"\1", line)
    )
    line = _RST_LINK.sub(r"\1", _ROLE.sub(r"\1", _TAG.sub("", _LINK.sub(r"\1", line))))
    # Twice: code may be emphasised.
    line = _LONE_MARK.sub("", _PAIRED.sub(r"\2", _PAIRED.sub(r"\2", line)))
    return " ".join(unescape(_ESCAPED.sub(r"\1", line)).split())


def _trimmed(line: str) -> str:
    """The line without marks around it; brackets and quotes stay where they come in pairs."""
    previous = ""
    while line != previous:
        previous = line
        line = line.lstrip(_LEADING).rstrip(_TRAILING)
        if line.count("<") != line.count(">"):
            line = line.strip("<>")
        for quote in "\"'":
            if line.count(quote) == 1 or (line.count(quote) == 2 and line[0] == line[-1] == quote):
                line = line.strip(quote)
    return line


def word_count(title: str) -> int:
    """The number of words in a title; two ideographs count as one."""
    return len(_WORDS.findall(title))


def form_score(title: str) -> float:
    """How much a line looks like a title, in [0, 1]: 1 for 2-15 words that are no path or so."""
    if is_boilerplate(title) or _PATH_OR_LINK.match(title):
        return 0.1
    words = word_count(title)
    if words == 0:
        return 0.0
    score = 1.0
    if words < MIN_WORDS:
        score = 0.6
    elif words > MAX_WORDS:
        score = max(0.7, 1.0 - 0.05 * (words - MAX_WORDS))
    if _COMMAND.search(title):
        score *= 0.4
    if title.endswith(CUT):
        score *= 0.7
    elif _non_final_words().intersection(prose_words(title)[-1:]):
        # "This command has been replaced by": what it is about was not prose.
        score *= 0.6
    letters = sum(letter.isalpha() for letter in title) + title.count(" ")
    # Formulas, tables and code have many signs.
    return score * min(1.0, letters / len(title) / 0.8)
