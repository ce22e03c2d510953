"""The outline of marked-up text: headings, lists, tables, fences, links, tags.

Markdown and reStructuredText are read by line patterns, HTML and XML by selectolax. Plain prose
often carries markdown's marks and is read like markdown; code and data have no outline, except
that delimited data has rows.
"""

import re

from orchestration_assets.profiling.text import Values
from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.prose import html_tree, is_html, without_fences, without_front_matter

# In a text with a newline before it: the search then skips to the next newline.
_HEADING = re.compile(
    r"\n {0,3}#{1,6}[ \t]+\S"
    # A line of text underlined: setext and reStructuredText.
    r"|\n[^\s|>].*\n([=\-~^\"*+#`])\1{2,}[ \t]*$",
    re.MULTILINE,
)
_LIST_ITEM = re.compile(r"\n[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+\S")
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*\|[-:| \t]+\|[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t>]*(?:```|~~~)|::[ \t]*\n[ \t]*\n(?=[ \t])", re.MULTILINE)
_MARKDOWN_LINK = re.compile(r"\]\(\S|\]\[|<https?://|`_\b|`__?(?!\w)")
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_DELIMITED = frozenset({"csv", "tsv"})


def outline(text: str, family: Family, extension: str) -> Values:
    """The counts of outline marks in ``text``."""
    counts: dict[str, int] = dict.fromkeys(
        (
            "heading_count",
            "list_item_count",
            "table_row_count",
            "code_fence_count",
            "link_count",
            "tag_count",
        ),
        0,
    )
    if family is Family.MARKUP and is_html(text):
        counts.update(_html_outline(text))
    elif family in (Family.PROSE, Family.MARKUP):
        counts.update(_markdown_outline(text))
    elif extension in _DELIMITED:
        counts["table_row_count"] = sum(1 for line in text.split("\n") if line.strip())
    return {**counts}


def _markdown_outline(text: str) -> dict[str, int]:
    body = without_front_matter(text.replace("\r\n", "\n"))
    has_fences = "```" in body or "~~~" in body
    # A mark that stands nowhere is found to be missing faster than a pattern is.
    fences = len(_FENCE.findall(body)) if has_fences or "::" in body else 0
    if has_fences:
        fences = (fences + 1) // 2
    shown = without_fences(body)
    lines = f"\n{shown}"
    rows = len(_TABLE_ROW.findall(shown)) - len(_TABLE_RULE.findall(shown)) if "|" in shown else 0
    return {
        "heading_count": len(_HEADING.findall(lines)),
        "list_item_count": len(_LIST_ITEM.findall(lines)),
        "table_row_count": rows,
        "code_fence_count": fences,
        "link_count": len(_MARKDOWN_LINK.findall(shown)),
        "tag_count": len(_TAG.findall(shown)) if "<" in shown else 0,
    }


def _html_outline(text: str) -> dict[str, int]:
    tree = html_tree(text)
    return {
        "heading_count": len(tree.css("h1, h2, h3, h4, h5, h6")),
        "list_item_count": len(tree.css("li")),
        "table_row_count": len(tree.css("tr")),
        "code_fence_count": len(tree.css("pre")),
        "link_count": len(tree.css("a[href]")),
        "tag_count": len(_TAG.findall(text)),
    }
