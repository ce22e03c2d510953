"""Features of source code, counted in tree-sitter trees with one compiled query a language.

Syntax errors do not fail: the grammar goes on, and ``parse_error_share`` says how much it could
not place. A file cut at the limit ends in such an error. Decisions are counted as lizard counts
them: branches, loops, cases, handlers, conditional expressions and the operators and/or.

Recovery from dense errors takes tree-sitter quadratic time, and a parse cannot be stopped, but it
can be starved: its source is handed over in chunks, and none after the deadline.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from tree_sitter import Node, Query, QueryCursor, Tree

from orchestration_assets.profiling.text import Values
from resources.grammars import grammar, parser, safe_source

CODE_CHARS: Final = 16_384
"""How much of an item is parsed, in characters."""

# Where no line ends within so many characters the text is minified or no code at all, and the
# slowest parses are of such texts; a little of it will do.
_LONG_LINE: Final = 1000
_LONG_LINE_CHARS: Final = 2048
_CHUNK_BYTES: Final = 256
_AT_MARGIN: Final = re.compile(r"\n(?=[^\s#})\]\"'*])")
# A query's time grows with the square of a node's children. Only wreckage has so many: a statement
# and its newline take at least 4 bytes.
_MOST_CHILDREN: Final = CODE_CHARS // 4
# Bash's grammar looks for the end of every open here-document again at every line.
_MOST_HEREDOCS: Final = 500

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
_QUERIES: Final[dict[str, str]] = {
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

CODE_LANGUAGES: Final[tuple[str, ...]] = tuple(_QUERIES)
"""The languages that code features are counted for."""

Span = tuple[int, int]


@cache
def _query(language: str) -> Query:
    return Query(grammar(language), _QUERIES[language] + "(ERROR) @error (MISSING) @error")


def load_language(language: str) -> None:
    """Loads the grammar and compiles the query, where there is one: up to 30 ms, once a process."""
    if language in _QUERIES:
        parser(language)
        _query(language)


def code_features(
    text: str, language: str, out_of_time: Callable[[], bool] = lambda: False
) -> Values:
    """The code features of ``text``, which the caller bounds (see :func:`parsed_part`).

    ``language`` is one of :data:`CODE_LANGUAGES`; raises KeyError for any other. Empty when the
    text is wreckage beyond counting, or ``out_of_time`` came true.
    """
    if language == "bash" and text.count("<<") > _MOST_HEREDOCS:
        return {}
    source = safe_source(text, language)
    if source is None:
        return {}
    tree = _parse(source, language, out_of_time)
    if tree is None or tree.root_node.child_count > _MOST_CHILDREN:
        return {}
    captures = QueryCursor(_query(language)).captures(tree.root_node)
    functions = _spans(captures, "function")
    ignored = set(_starts(captures, "ignored"))
    decisions = [start for start in _starts(captures, "decision") if start not in ignored]
    *of_functions, top_level = decisions_per_unit(functions, decisions)
    units = [1 + count for count in of_functions] or [1 + top_level]
    total = max(len(source), 1)
    return {
        "function_count": len(functions),
        "class_count": len(captures.get("class", ())),
        "import_count": len(captures.get("import", ())),
        "cyclomatic_complexity": len(decisions) + len(functions) + 1,
        "cyclomatic_mean": sum(units) / len(units),
        "cyclomatic_max": max(units),
        "nesting_max": _deepest(_spans(captures, "block")),
        "comment_density": _covered(_spans(captures, "comment")) / total,
        "parse_error_share": min(_covered(_spans(captures, "error")) / total, 1.0),
    }


def _parse(source: bytes, language: str, out_of_time: Callable[[], bool]) -> Tree | None:
    """The tree of ``source``, or None when time ran out before all of it was handed over."""
    served = 0
    starved = False

    def read(offset: int, _point: object) -> bytes:
        nonlocal served, starved
        # The parser may read a place again; what it saw there once must not change.
        if offset + _CHUNK_BYTES > served and not starved:
            starved = out_of_time()
            if not starved:
                served = offset + _CHUNK_BYTES
        return source[offset : min(offset + _CHUNK_BYTES, served)]

    tree = parser(language).parse(read)
    return None if starved else tree


def parsed_part(text: str) -> str:
    """The part of ``text`` that is parsed: at most 16,384 characters, 2,048 when a line among them
    is longer than 1,000; cut before a line that starts at the margin, in the second half if there
    is one, so that what is open at the cut is no error that the text does not have."""
    part = text[:CODE_CHARS]
    if max(map(len, part.split("\n"))) > _LONG_LINE:
        part = part[:_LONG_LINE_CHARS]
    if len(part) == len(text):
        return text
    starts = [match.end() for match in _AT_MARGIN.finditer(part, len(part) // 2)]
    return part[: starts[-1] if starts else part.rfind("\n") + 1] or part


def decisions_per_unit(functions: Iterable[Span], decisions: Iterable[int]) -> list[int]:
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


def _deepest(spans: Iterable[Span]) -> int:
    """The largest number of spans, one within the other."""
    ends: list[int] = []
    deepest = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        while ends and ends[-1] <= start:
            ends.pop()
        ends.append(end)
        deepest = max(deepest, len(ends))
    return deepest


def _covered(spans: Iterable[Span]) -> int:
    """Bytes in at least one of the spans; one that has no byte, a missing token, counts as one."""
    covered = 0
    reached = -1
    for start, end in sorted(spans):
        last = max(end, start + 1)
        covered += max(last - max(start, reached), 0)
        reached = max(reached, last)
    return covered
