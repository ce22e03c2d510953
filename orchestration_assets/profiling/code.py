"""Features of source code and of data, counted in tree-sitter trees with one query a language.

Syntax errors do not fail: the grammar goes on, and ``parse_error_share`` says how much it could
not place. Decisions are counted as lizard counts them: branches, loops, cases, handlers,
conditional expressions and the operators and/or.

How much of an item is parsed follows from what a KiB of its language costs, so that it is the
same on every machine; a parse that runs wild is stopped, see
:func:`orchestration_assets.text.grammars.bounded_parse`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from tree_sitter import Node, Query, QueryCursor

from orchestration_assets.profiling.text import Values
from orchestration_assets.text.grammars import bounded_parse, grammar, parsable_source, parser

CODE_CHARS: Final = 16_384
"""The most that is parsed of an item, in characters."""

# Microseconds a KiB of ordinary code takes to be parsed and queried; see benchmarks/profiling.py.
_COST_US: Final[Mapping[str, float]] = {
    "bash": 290,
    "c": 200,
    "cpp": 220,
    "css": 100,
    "go": 210,
    "html": 90,
    "java": 180,
    "javascript": 150,
    "json": 70,
    "markdown": 230,
    "python": 125,
    "ruby": 360,
    "rust": 230,
    "typescript": 180,
    "yaml": 80,
}
PARSE_BUDGET_US: Final = 1_000.0
"""The time for the parse of ordinary code, in microseconds: a tenth of the stage's budget, as
code with errors takes several times as long."""


# Java's grammar follows every < as a comparison and as a type until one of them fails.
_MAX_CHARS: Final[Mapping[str, int]] = {"java": 4096}
# Where no line ends within so many characters the text is minified or no code at all, and the
# slowest parses are of such texts; so little of it is read, and less where nothing is minified.
_LONG_LINE: Final = 1000
_LONG_LINE_CHARS: Final = 256
_MINIFIED_CHARS: Final = 2048
_MINIFIED: Final = frozenset({"css", "html", "javascript", "json", "typescript"})
_AT_MARGIN: Final = re.compile(r"\n(?=[^\s#})\]\"'*])")
# A query's time grows with the square of a node's children. Only text that is no code has more
# than these: a statement and its newline take at least 4 bytes.
_MIN_CHILDREN: Final = 64
_BYTES_A_CHILD: Final = 4
# Bash's grammar looks for the end of every open here-document again at every line.
_MAX_HEREDOCS: Final = 100

_C_DECISIONS: Final = (
    '["if" "for" "while" "case" "&&" "||"] @decision (conditional_expression) @decision'
)
_SCRIPT: Final = """
    [(function_declaration) (function_expression) (arrow_function) (method_definition)
     (generator_function) (generator_function_declaration)] @function
    [(class_declaration) (class)] @class
    (import_statement) @import
    ["if" "for" "while" "case" "catch" "&&" "||"] @decision
    (ternary_expression) @decision
    [(statement_block) (switch_body)] @block
    (comment) @comment
"""

# Captures: function, class, import, decision, block (what nesting counts), comment.
_CODE_QUERIES: Final[dict[str, str]] = {
    "python": """
        (function_definition) @function
        (class_definition) @class
        [(import_statement) (import_from_statement) (future_import_statement)] @import
        ["if" "elif" "for" "while" "except" "finally" "case" "and" "or"] @decision
        (block) @block
        (comment) @comment
        (module . (expression_statement . (string) @comment .))
        (block . (expression_statement . (string) @comment .))
    """,
    "javascript": _SCRIPT,
    "typescript": _SCRIPT
    + "[(abstract_class_declaration) (interface_declaration) (enum_declaration)] @class",
    "go": """
        [(function_declaration body: (block)) (method_declaration body: (block))
         (func_literal)] @function
        [(struct_type) (interface_type)] @class
        (import_spec) @import
        ["if" "for" "case" "&&" "||"] @decision
        (block) @block
        (comment) @comment
    """,
    "rust": """
        [(function_item) (closure_expression)] @function
        [(struct_item) (enum_item) (trait_item) (union_item)] @class
        (use_declaration) @import
        ["if" "for" "while" "&&" "||"] @decision
        (match_arm) @decision
        (for_lifetimes "for" @ignored)
        (impl_item "for" @ignored)
        [(block) (match_block)] @block
        [(line_comment) (block_comment)] @comment
    """,
    "java": """
        [(method_declaration body: (block)) (constructor_declaration)
         (compact_constructor_declaration) (lambda_expression)] @function
        [(class_declaration) (interface_declaration) (enum_declaration)
         (record_declaration) (annotation_type_declaration)] @class
        (import_declaration) @import
        ["if" "for" "while" "case" "catch" "&&" "||"] @decision
        (ternary_expression) @decision
        [(block) (constructor_body) (switch_block)] @block
        [(line_comment) (block_comment)] @comment
    """,
    "c": f"""
        (function_definition) @function
        [(struct_specifier body: (_)) (union_specifier body: (_))
         (enum_specifier body: (_))] @class
        (preproc_include) @import
        {_C_DECISIONS}
        (compound_statement) @block
        (comment) @comment
    """,
    "cpp": f"""
        [(function_definition body: (compound_statement)) (lambda_expression)] @function
        [(class_specifier body: (_)) (struct_specifier body: (_)) (union_specifier body: (_))
         (enum_specifier body: (_))] @class
        [(preproc_include) (using_declaration)] @import
        {_C_DECISIONS}
        (catch_clause) @decision
        (compound_statement) @block
        (comment) @comment
    """,
    "ruby": """
        [(method) (singleton_method) (lambda)] @function
        [(class) (module) (singleton_class)] @class
        (call method: (identifier) @import (#match? @import "^(require|require_relative|load)$"))
        [(if) (elsif) (unless) (if_modifier) (unless_modifier) (while) (until) (while_modifier)
         (until_modifier) (for) (when) (in_clause) (rescue) (rescue_modifier)
         (conditional)] @decision
        ["and" "or" "&&" "||"] @decision
        [(body_statement) (then) (do) (block_body)] @block
        (comment) @comment
    """,
    "bash": """
        (function_definition) @function
        (command name: (command_name (word) @import) (#match? @import "^(source|\\\\.)$"))
        ["if" "elif" "for" "while" "&&" "||"] @decision
        (case_item) @decision
        [(compound_statement) (do_group) (if_statement) (case_statement)] @block
        (comment) @comment
    """,
}

# Captures: entry (what a document of the kind consists of), block (what nesting counts), comment.
_DOCUMENT_QUERIES: Final[dict[str, str]] = {
    "json": "(pair) @entry [(object) (array)] @block (comment) @comment",
    "yaml": """
        [(block_mapping_pair) (flow_pair)] @entry
        [(block_mapping) (block_sequence) (flow_mapping) (flow_sequence)] @block
        (comment) @comment
    """,
    "html": "[(element) (script_element) (style_element)] @entry @block (comment) @comment",
    "css": "(rule_set) @entry (block) @block (comment) @comment",
    "markdown": """
        [(paragraph) (atx_heading) (setext_heading) (fenced_code_block) (indented_code_block)
         (html_block) (list_item) (pipe_table) (thematic_break)] @entry
        [(list) (block_quote)] @block
    """,
}

CODE_LANGUAGES: Final[tuple[str, ...]] = tuple(_CODE_QUERIES)
"""The languages that code features are counted for."""

DOCUMENT_LANGUAGES: Final[tuple[str, ...]] = tuple(_DOCUMENT_QUERIES)
"""The languages whose entries and depth are counted."""

_QUERIES: Final = {**_CODE_QUERIES, **_DOCUMENT_QUERIES}

Span = tuple[int, int]


class CodePiece(NamedTuple):
    """A piece of code and the grammar that it is read with."""

    text: str
    language: str


@cache
def _query(language: str, has_error: bool) -> Query:
    """The query for trees with or without errors: missing nodes are looked for at every node."""
    errors = "(ERROR) @error (MISSING) @error" if has_error else ""
    return Query(grammar(language), _QUERIES[language] + errors)


def load_language(language: str) -> None:
    """Loads the grammar and compiles the query, where there is one: up to 30 ms, once a process."""
    if language in _QUERIES:
        parser(language)
        for has_error in (False, True):
            _query(language, has_error)


@dataclass(slots=True)
class _Counts:
    """Sums over one or several pieces of code."""

    functions: int = 0
    classes: int = 0
    imports: int = 0
    decisions: int = 0
    units: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    comment_bytes: int = 0
    error_bytes: int = 0
    parsed_bytes: int = 0

    def add(self, captures: Mapping[str, Sequence[Node]], parsed_bytes: int) -> None:
        functions = _spans(captures, "function")
        ignored = set(_starts(captures, "ignored"))
        decisions = [start for start in _starts(captures, "decision") if start not in ignored]
        *of_functions, top_level = decisions_per_function(functions, decisions)
        self.functions += len(functions)
        self.classes += len(captures.get("class", ()))
        self.imports += len(captures.get("import", ()))
        self.decisions += len(decisions)
        self.units += [1 + count for count in of_functions] or [1 + top_level]
        self.depths += _depths(_spans(captures, "block"))
        self.comment_bytes += _covered_bytes(_spans(captures, "comment"))
        self.error_bytes += _covered_bytes(_spans(captures, "error"))
        self.parsed_bytes += parsed_bytes

    def values(self) -> Values:
        total = max(self.parsed_bytes, 1)
        return {
            "function_count": self.functions,
            "class_count": self.classes,
            "import_count": self.imports,
            "cyclomatic_complexity": self.decisions + self.functions + 1,
            "cyclomatic_mean": sum(self.units) / len(self.units),
            "cyclomatic_max": max(self.units),
            "nesting_max": max(self.depths, default=0),
            "nesting_mean": sum(self.depths) / len(self.depths) if self.depths else 0.0,
            "comment_density": self.comment_bytes / total,
            "parse_error_share": min(self.error_bytes / total, 1.0),
        }


def _never() -> bool:
    return False


def code_features(pieces: Iterable[CodePiece], out_of_time: Callable[[], bool] = _never) -> Values:
    """The code features of all ``pieces`` together; the caller bounds them (:func:`part_to_parse`).

    Each language is one of :data:`CODE_LANGUAGES`; raises KeyError for any other. Empty when no
    piece could be counted: there is none, none parses, or ``out_of_time`` came true.
    """
    counts = _Counts()
    for piece in pieces:
        if out_of_time():
            return {}
        captured = _captures(piece, out_of_time)
        if captured is not None:
            counts.add(*captured)
    return counts.values() if counts.units else {}


def document_features(piece: CodePiece, out_of_time: Callable[[], bool] = _never) -> Values:
    """Entries and depth of data or markup in one of :data:`DOCUMENT_LANGUAGES`.

    Empty when the text does not parse, or ``out_of_time`` came true.
    """
    captured = _captures(piece, out_of_time)
    if captured is None:
        return {}
    captures, parsed_bytes = captured
    total = max(parsed_bytes, 1)
    return {
        "entry_count": len(captures.get("entry", ())),
        "depth_max": max(_depths(_spans(captures, "block")), default=0),
        "parse_error_share": min(_covered_bytes(_spans(captures, "error")) / total, 1.0),
    }


def _captures(
    piece: CodePiece, out_of_time: Callable[[], bool]
) -> tuple[Mapping[str, Sequence[Node]], int] | None:
    """The captures of the query in a piece, and its length in bytes; None when given up."""
    text, language = piece
    if language == "bash" and text.count("<<") > _MAX_HEREDOCS:
        return None
    source = parsable_source(text, language)
    if source is None:
        return None
    tree = bounded_parse(source, language, out_of_time)
    if tree is None:
        return None
    root = tree.root_node
    if root.child_count > _MIN_CHILDREN + len(source) // _BYTES_A_CHILD:
        return None
    # Without a progress callback: with one, tree-sitter 0.26 reads freed memory now and then.
    query = _query(language, root.has_error)
    return QueryCursor(query).captures(root), len(source)


def code_chars(language: str, spent_us: float = PARSE_BUDGET_US) -> int:
    """How many characters of ordinary code in ``language`` are parsed within ``spent_us``."""
    return min(_MAX_CHARS.get(language, CODE_CHARS), int(1024 * spent_us / _COST_US[language]))


def part_to_parse(text: str, language: str, max_chars: int) -> str:
    """The part of ``text`` that is parsed: at most ``max_chars`` characters, or 2,048 (256 in
    languages that are not minified) when a line among them is longer than 1,000. It is cut before
    a line that starts at the margin, in the second half if there is one, so that the cut opens no
    block that would count as an error."""
    part = text[:max_chars]
    if max(map(len, part.split("\n"))) > _LONG_LINE:
        part = part[: _MINIFIED_CHARS if language in _MINIFIED else _LONG_LINE_CHARS]
    if len(part) == len(text):
        return text
    starts = [match.end() for match in _AT_MARGIN.finditer(part, len(part) // 2)]
    return part[: starts[-1] if starts else part.rfind("\n") + 1] or part


def decisions_per_function(functions: Iterable[Span], decisions: Iterable[int]) -> list[int]:
    """How many ``decisions`` lie in each function but in none within it; last, the top level.

    In the order of the functions' starts, an outer function before one that starts with it.
    """
    ordered = sorted(functions, key=lambda span: (span[0], -span[1]))
    counts = [0] * (len(ordered) + 1)
    open_functions: list[int] = []
    following = 0
    for position in sorted(decisions):
        while following < len(ordered) and ordered[following][0] <= position:
            open_functions.append(following)
            following += 1
        while open_functions and ordered[open_functions[-1]][1] <= position:
            open_functions.pop()
        counts[open_functions[-1] if open_functions else -1] += 1
    return counts


def _spans(captures: Mapping[str, Sequence[Node]], name: str) -> list[Span]:
    return [(node.start_byte, node.end_byte) for node in captures.get(name, ())]


def _starts(captures: Mapping[str, Sequence[Node]], name: str) -> list[int]:
    return [node.start_byte for node in captures.get(name, ())]


def _depths(spans: Iterable[Span]) -> list[int]:
    """How deep each span lies within the others, itself included; in the order of their starts."""
    ends: list[int] = []
    depths: list[int] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        while ends and ends[-1] <= start:
            ends.pop()
        ends.append(end)
        depths.append(len(ends))
    return depths


def _covered_bytes(spans: Iterable[Span]) -> int:
    """Bytes in at least one of the spans; one that has no byte, a missing token, counts as one."""
    covered = 0
    reached = -1
    for start, end in sorted(spans):
        last = max(end, start + 1)
        covered += max(last - max(start, reached), 0)
        reached = max(reached, last)
    return covered
