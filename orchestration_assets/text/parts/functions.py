"""The functions of a program as parts, and what stands between them.

A function has the comments and decorators right before it, and whole lines. What lies between two
functions, such as imports, is a part without a heading.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration_assets.text.parts.spans import Mark, Span, heading_text, spans_at, with_words
from orchestration_assets.text.source_functions import (
    ASSIGNMENTS,
    BETWEEN,
    COMMENTS,
    FUNCTION_TYPES,
    FUNCTION_VALUES,
    OWNERS,
    guessed_language,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_CHARS: Final = 1 << 20
_MOST_NODES: Final = 400_000
_WRAPPERS: Final = frozenset(
    "decorated_definition export_statement lexical_declaration variable_declaration "
    "expression_statement template_declaration".split()
)


class _Lines(NamedTuple):
    """The lines of a function, from 0, the last one included."""

    first: int
    last: int
    name: str


def function_spans(text: str, language: str) -> list[Span]:
    """The functions, in a grammar's ``language`` or the one that the text looks like, and what lies
    between them; the text itself where there are none, or where its grammar gave up."""
    from orchestration_assets.text.grammars import bounded_parse, parsable_source

    if language not in FUNCTION_TYPES:
        language = guessed_language(text)
    source = parsable_source(text[:_MAX_CHARS], language) if language else None
    tree = None if source is None else bounded_parse(source, language, lambda: False)
    if source is None or tree is None:
        return [Span("", 0, len(text))] if text else []
    begins = [0]
    for n, letter in enumerate(text):
        if letter == "\n":
            begins.append(n + 1)
    begins.append(len(text))
    marks: list[Mark] = []
    for lines in _functions(tree.root_node, source, language):
        start, end = begins[lines.first], begins[min(lines.last + 1, len(begins) - 1)]
        if marks and start < marks[-1].start:
            # it shares a line with the one before
            marks[-1] = Mark(max(end, marks[-1].start), "")
            continue
        if marks and marks[-1].start == start:
            marks.pop()
        marks += [Mark(start, heading_text(lines.name)), Mark(end, "")]
    return with_words(text, spans_at(text, [mark for mark in marks if mark.start < len(text)]))


def _functions(root: "Node", source: bytes, language: str) -> Iterator[_Lines]:
    """The functions that are not within others, in their order."""
    waiting: list[tuple[Node, str, int]] = [(root, "", -1)]
    seen = 0
    while waiting and seen < _MOST_NODES:
        node, owner, first = waiting.pop()
        seen += 1
        begin = node.start_point.row if first < 0 else first
        if (name := _name(node, source, language)) is not None:
            yield _Lines(begin, _last_row(node), f"{owner}.{name}" if owner else name)
            continue
        inner = _owner(node, source) if node.type in OWNERS else owner
        # what is wrapped begins where its wrapping does
        inherits = begin if node.type in _WRAPPERS or node.type == "variable_declarator" else -1
        waiting.extend(reversed(_children(node, inner, inherits)))


def _children(node: "Node", owner: str, inherits: int) -> list[tuple["Node", str, int]]:
    """The children, each with the row where it and the comments right before it begin."""
    places: list[tuple[Node, str, int]] = []
    first, last = -1, -2
    for child in node.named_children:
        row = child.start_point.row
        if child.type in COMMENTS or child.type in BETWEEN:
            # a comment behind other code on its line says something of that
            own_line = not places or _last_row(places[-1][0]) < row
            if first < 0 or row > last + 1:
                first = row if own_line else -1
            last = _last_row(child)
        else:
            near = first >= 0 and row <= last + 1
            places.append((child, owner, inherits if inherits >= 0 else first if near else -1))
            first, last = -1, -2
    return places


def _last_row(node: "Node") -> int:
    # some grammars count the line's end as a part of what stands on it
    ends_before = node.end_point.column == 0 and node.end_point.row > node.start_point.row
    return int(node.end_point.row) - ends_before


def _name(node: "Node", source: bytes, language: str) -> str | None:
    """The name of a function that the node defines; None where it defines none."""
    if node.type in FUNCTION_TYPES[language]:
        named: Node | None = node
        while named is not None:
            if (found := named.child_by_field_name("name")) is not None:
                return _text(found, source)
            named = named.child_by_field_name("declarator")
            if named is not None and named.type in ("identifier", "field_identifier"):
                return _text(named, source)
            if named is not None and named.type == "qualified_identifier":
                return _text(named, source)
        return ""
    if node.type in ASSIGNMENTS:
        name, value = map(node.child_by_field_name, ASSIGNMENTS[node.type])
        if name is not None and value is not None and value.type in FUNCTION_VALUES:
            return _text(name, source)
    return None


def _owner(node: "Node", source: bytes) -> str:
    name = node.child_by_field_name("name") or node.child_by_field_name("type")
    return "" if name is None else _text(name, source)


def _text(node: "Node", source: bytes) -> str:
    words = source[node.start_byte : min(node.end_byte, node.start_byte + 400)]
    return heading_text(words.decode("utf-8", "replace"))
