"""Measures the parse errors of a grammar at the start of a text."""

from collections.abc import Mapping
from typing import Any, Final

PARSED_CHARS: Final = 2048
# Enough to find the errors of the prefix; a tree that is all errors needs no exact count.
_MAX_NODES: Final = 2000

GRAMMARS: Final[Mapping[str, tuple[str, ...]]] = {
    "c": ("c",),
    "cpp": ("cpp",),
    "css": ("css",),
    "go": ("go",),
    "html": ("html",),
    "java": ("java",),
    "javascript": ("javascript", "typescript"),
    "json": ("json",),
    "markdown": ("markdown",),
    "python": ("python",),
    "ruby": ("ruby",),
    "rust": ("rust",),
    "shell": ("bash",),
    "yaml": ("yaml",),
}
"""Content type -> the grammars that read it; the best of them counts, and the
later ones are asked only where the first fails."""

_OPENINGS: Final[Mapping[str, str]] = {"json": '{["/'}
"""Formats of which every document begins with one of these signs (a slash opens a comment)."""

# Upper ends of the classes of error shares.
_CLASS_ENDS: Final = (0.0, 0.01, 0.05, 0.2)
ERROR_CLASSES: Final = len(_CLASS_ENDS) + 1


def parsed_prefix(text: str) -> str:
    """The whole lines at the start of ``text`` that are worth parsing."""
    prefix = text[:PARSED_CHARS]
    if len(text) > PARSED_CHARS and (end := prefix.rfind("\n")) > PARSED_CHARS // 2:
        prefix = prefix[:end]
    return prefix


def opens_as(content: str, content_type: str) -> bool:
    """Whether a document of this type may begin as the text does. Words do not tell a manual that
    quotes long examples of a format from the format itself; how it begins does."""
    openings = _OPENINGS.get(content_type)
    return openings is None or content.lstrip()[:1] in openings


def error_share(content: str, content_type: str) -> float:
    """The share of ``content`` that its best grammar cannot read, 0 to 1."""
    share = 1.0
    for language in GRAMMARS[content_type]:
        share = min(share, _error_share(content, language))
        if not share:
            break
    return share


def error_class(share: float) -> int:
    """The class of an error share: 0 (none at all) to ``ERROR_CLASSES`` - 1."""
    return sum(share > end for end in _CLASS_ENDS)


def _error_share(content: str, language: str) -> float:
    from orchestration_assets.text.grammars import bounded_parse, parsable_source

    source = parsable_source(content, language)
    if source is None:
        return 1.0
    # a text that a grammar chokes on is not of its language; the count of steps is its limit
    tree = bounded_parse(source, language, lambda: False)
    if tree is None:
        return 1.0
    root = tree.root_node
    if not root.has_error or not source:
        return 0.0
    wrong = 0
    seen = 0
    nodes: list[Any] = [root]
    while nodes and seen < _MAX_NODES:
        node = nodes.pop()
        seen += 1
        if node.is_error:
            wrong += max(1, node.end_byte - node.start_byte)
        elif node.is_missing:
            wrong += 1
        elif node.has_error:
            nodes.extend(node.children)
    return min(1.0, wrong / len(source))
