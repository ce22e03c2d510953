"""Extracts the natural language of a text, without its markup.

Only the first :data:`PROSE_CHARS` characters are looked at, so the cost is bounded, and every
pattern is linear: each either always succeeds from where it starts, or stops at the next place
where it could start again.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.notebooks import is_notebook, notebook_as_markdown

PROSE_CHARS: Final = 16_384
"""How much of a text is read, in characters."""

_HTML_START = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype|\?xml|html|head|body|svg|rss|feed|div|table|p\b)",
    re.IGNORECASE | re.DOTALL,
)
# Elements whose text nobody reads as prose: not shown, or code.
_NOT_PROSE: Final = ["script", "style", "template", "noscript", "pre", "code"]

# A parser looks through the open elements at many a tag, so that its time grows with the square of
# their number; real pages have a few dozen. Not counted is what ends by itself.
_MAX_OPEN_ELEMENTS: Final = 256
_TAG_MARK = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)")
_SELF_CLOSING: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr "
    "p li dt dd td th tr thead tbody tfoot option optgroup colgroup rp rt".split()
)

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"[ \t>]*(```+|~~~+)")
# Each alternative begins with a letter of its own, which lets the search skip to the next of them.
_MARKDOWN_NOISE = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|\{\{[^{}]*\}\}|\{%[^{}]*%\}"
    r"|:[a-z]{1,20}(?::[a-z]{1,20})?:``?[^`\n]*``?"
    r"|``?[^`\n]*``?"
    r"|</?[A-Za-z][^<>]*>"
    r"|<https?://[^\s<>\])]+>?"
    r"|https?://[^\s<>\])]+>?",
    re.DOTALL,
)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\](?:\([^()\n]*\)|\[[^\[\]\n]*\])")
_LINE_NOISE = re.compile(r"^[ \t]*\[[^\[\]\n]+\]:.*$|^\.\. .*$|^[-=~^*_+|: \t]+$", re.MULTILINE)
_LINE_MARK = re.compile(r"^[ \t]*(?:[>#*+-]+|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_EMPHASIS = re.compile(r"\*+|~~+|_(?<!\w_)_*|_+(?!\w)")

# What follows a # that starts no comment: a shebang, or a directive of the C preprocessor.
_DIRECTIVE = "include|define|undef|if|ifdef|ifndef|elif|else|endif|pragma|error"
_PREPROCESSOR = rf"(?!!|[ \t]*(?:{_DIRECTIVE})\b)"
# style -> the first character of its marks, what begins a comment, and the comment; (?<!\S#) says,
# after the mark, that none but white space may stand before it.
_LINE: Final = r"(?P<line>[^\n]*+)"
_COMMENT_MARKS: Final[dict[str, tuple[str, str, str]]] = {
    "hash": ("#", rf"#(?<!\S#){_PREPROCESSOR}", rf"#{_LINE}"),
    "slash": ("/", "/[/*]", rf"//{_LINE}|/\*(?P<block>[^*]*+(?>(?:\*(?!/)[^*]*+)*))(?:\*/|\Z)"),
    "dash": ("-", r"--(?<!\S--)", f"--{_LINE}"),
    "percent": ("%", r"%(?<!\S%)", f"%{_LINE}"),
    "semicolon": (";", r";(?<!\S;)", f";{_LINE}"),
}
_COMMENT_LINE = re.compile(
    rf"\n[ \t]*(?:(?P<hash>#{_PREPROCESSOR})|(?P<slash>//|/\*)|(?P<dash>--[ \t])|(?P<percent>%)"
    r"|(?P<semicolon>;))"
)
_NO_HASH_LINE = re.compile(r"\n[ \t]*+(?://|/\*|--[ \t]|%|;)")
_DOCSTRING: Final = "|".join(
    rf"{q * 3}(?P<{name}>[^{q}]*+(?>(?:{q}(?!{q * 2})[^{q}]*+)*))(?:{q * 3}|\Z)"
    for name, q in (("double", '"'), ("single", "'"))
)
_STRING: Final = "|".join(
    rf"{q}(?!{q * 2})[^{q}\\\n]*+(?>(?:\\.[^{q}\\\n]*+)*){q}?+" for q in "\"'"
)
# Groups are repeated within atomic groups: possessive ones match wrongly in Python up to 3.11.4.
# A match takes all up to the end of the next comment or docstring in one go. Strings are consumed
# so that a mark inside one starts no comment; an unclosed one ends with its line. Each match
# succeeds from where it starts, if only with the end of the text.
_COMMENTS = {
    style: re.compile(
        rf"(?>(?:[^\"'{first}]++|{_STRING}|(?!{begin}){first})*)(?:{_DOCSTRING}|{comment}|\Z)",
        re.DOTALL,
    )
    for style, (first, begin, comment) in _COMMENT_MARKS.items()
}
_COMMENT_EDGE: Final = "#/*!%;- \t"


def is_html(text: str) -> bool:
    """Whether marked-up text is HTML or XML rather than markdown: by how it starts."""
    return _HTML_START.match(text[:4096]) is not None


# profile and services read the prose of one item one after the other
@lru_cache(maxsize=16)
def prose_of(text: str, family: str) -> str:
    """The natural language in the first 16,384 characters of ``text``.

    - prose: the text as it is;
    - markup: markdown and reStructuredText without front matter, code fences, inline code, link
      targets, tags, and placeholders such as ``{{name}}``; HTML's visible text without code;
    - code: comments and docstrings, found by pattern in the comment style that most lines use;
    - data: nothing.

    A Jupyter notebook is markup: its markdown cells. Never raises; a family that is not one of
    these four counts as prose.
    """
    if family == Family.MARKUP and is_notebook(text):
        text = notebook_as_markdown(text)
    head = text[:PROSE_CHARS]
    if family == Family.DATA:
        return ""
    if family == Family.CODE:
        return _comments(head)
    if family == Family.MARKUP:
        return _visible_text(head) if is_html(head) else _markdown_text(head)
    return head


def html_tree(html: str) -> LexborHTMLParser:
    """The tree of an HTML text, as far as no more than 256 elements are open within each other."""
    # The parser takes UTF-8; lone surrogates have none.
    return LexborHTMLParser(html[: _shallow_chars(html)].encode("utf-8", "replace"))


# the outline and the prose of one item are asked for one after the other
@lru_cache(maxsize=4)
def _shallow_chars(html: str) -> int:
    """How many characters of a text come before too many elements are open."""
    if html.count("<") > _MAX_OPEN_ELEMENTS:
        is_open = 0
        for tag in _TAG_MARK.finditer(html):
            if tag[2].lower() not in _SELF_CLOSING:
                is_open = max(is_open - 1, 0) if tag[1] else is_open + 1
                if is_open > _MAX_OPEN_ELEMENTS:
                    return tag.start()
    return len(html)


def _visible_text(html: str) -> str:
    tree = html_tree(html)
    tree.strip_tags(_NOT_PROSE)
    root = tree.root
    return "" if root is None else " ".join(root.text(separator=" ").split())


def _markdown_text(text: str) -> str:
    text = without_fences(without_front_matter(text.replace("\r\n", "\n")))
    text = _MARKDOWN_NOISE.sub(" ", text)
    # Twice: the text of a link may itself be an image.
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))
    text = _LINE_MARK.sub("", _LINE_NOISE.sub("", text))
    return unescape(_EMPHASIS.sub("", text)).replace("|", " ").strip()


def without_front_matter(text: str) -> str:
    """Markdown without the block of settings between two lines of --- at its start."""
    return _FRONT_MATTER.sub("", text)


def without_fences(text: str) -> str:
    """The lines outside ``` and ~~~ fences; a fence that is never closed runs to the end."""
    if "```" not in text and "~~~" not in text:
        return text
    return "\n".join(line for line, fence in _fenced_lines(text) if fence is None)


def fenced_code(text: str) -> list[tuple[str, str]]:
    """The code in ``` and ~~~ fences: what the opening line says behind its ticks, and the code."""
    if "```" not in text and "~~~" not in text:
        return []
    blocks: dict[int, tuple[str, list[str]]] = {}
    for line, fence in _fenced_lines(text):
        if fence is not None:
            number, mark, inside = fence
            lines = blocks.setdefault(number, (mark, []))[1]
            if inside:
                lines.append(line)
    return [(mark, "\n".join([*lines, ""])) for mark, lines in blocks.values()]


def _fenced_lines(text: str) -> Iterator[tuple[str, tuple[int, str, bool] | None]]:
    """Each line with the fence that it belongs to, if any: its number, what its first line says
    behind the ticks, and whether the line lies between the two lines of ticks."""
    number = 0
    fence = info = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence)
            yield line, (number, info, not closes)
            if closes:
                fence = ""
        elif mark:
            number, fence, info = number + 1, mark[1], line[mark.end() :].strip()
            yield line, (number, info, False)
        else:
            yield line, None


def _comments(code: str) -> str:
    pattern = _COMMENTS[_comment_style("\n" + code)]
    parts = [match[match.lastgroup] for match in pattern.finditer(code) if match.lastgroup]
    lines = "\n".join(parts).split("\n")
    return "\n".join(filter(None, [line.strip(_COMMENT_EDGE) for line in lines]))


def _comment_style(code: str) -> str:
    """The style that most lines which are a comment use, of those after a newline."""
    if _NO_HASH_LINE.search(code) is None:
        return "hash"
    styles = Counter(match.lastgroup or "" for match in _COMMENT_LINE.finditer(code))
    return max(_COMMENTS, key=lambda name: styles[name])
