"""A document as lines of plain text: those of HTML laid out as markdown would write them."""

import re
from typing import Any, Final

from orchestration_assets.text.prose import html_tree, is_html

MAX_CHARS: Final = 65_536
_MOST_NODES: Final = 20_000
_BLOCKS: Final = frozenset(
    "address article aside blockquote body div dl fieldset figure footer form header html legend "
    "main nav ol p pre section table tbody tfoot thead title ul".split()
)
_SKIPPED: Final = frozenset(("script", "style", "template", "noscript", "svg"))
_HEADINGS: Final = {f"h{level}": "#" * level for level in range(1, 7)}
_OPENINGS: Final = {
    **{name: f"\n\n{marks} " for name, marks in _HEADINGS.items()},
    **{"li": "\n- ", "tr": "\n| ", "dt": "\n", "dd": "\n: ", "br": "\n", "hr": "\n\n"},
    **{"td": " ", "th": " "},
}
_CLOSINGS: Final = {
    **dict.fromkeys(_HEADINGS, "\n\n"),
    **{"td": " |", "th": " |"},
}
_FENCE: Final = re.compile(r"[ \t>]{0,12}(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+#-]{0,20})")
_NO_LANGUAGES: Final = frozenset(("", "text", "txt", "plain", "plaintext", "markdown", "md"))
_LINE_END: Final = re.compile(r"\r\n?|\n")


def document_lines(text: str) -> list[str]:
    """The lines of the first 65,536 characters, without line ends.

    Code in fences is left out. Of HTML: its visible text, with headings, items of lists,
    definitions and rows of tables marked as in markdown.
    """
    head = text[:MAX_CHARS].removeprefix("\ufeff")
    if is_html(head):
        head = _laid_out(head)
    lines = _LINE_END.split(head)
    return _without_code(lines) if "```" in head or "~~~" in head else lines


def _without_code(lines: list[str]) -> list[str]:
    """The lines with empty ones for what stands in a fence that names a language."""
    kept: list[str] = []
    fence, is_code = "", False
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark["fence"].startswith(fence) and not mark["language"]
            kept.append("" if is_code or closes else line)
            fence = "" if closes else fence
        elif mark is not None:
            fence = mark["fence"]
            is_code = mark["language"].lower() not in _NO_LANGUAGES
            kept.append("")
        else:
            kept.append(line)
    return kept


def _laid_out(html: str) -> str:
    root = html_tree(html).root
    parts: list[str] = []
    # a node, or what closes one: depth costs no recursion
    waiting: list[Any] = [root] if root is not None else []
    seen = 0
    while waiting and seen < _MOST_NODES:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        seen += 1
        tag = node.tag
        if tag == "-text":
            words = node.text_content or ""
            # white space is one space, and a cell stays on its line
            parts.append(f"{' ' * words[:1].isspace()}{' '.join(words.split())}")
            parts.append(" " * words[-1:].isspace())
            continue
        if tag in _SKIPPED or tag == "-comment":
            continue
        block = "\n" if tag in _BLOCKS else ""
        parts.append(_OPENINGS.get(tag, block))
        waiting.append(_CLOSINGS.get(tag, block))
        waiting.extend(reversed(list(node.iter(include_text=True))))
    return re.sub(r"\n[ \t]+(?=\n)", "\n", "".join(parts))
