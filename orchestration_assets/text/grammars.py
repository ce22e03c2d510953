"""Tree-sitter grammars from their individual wheels, loaded once per process, without network."""

import re
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Final

from tree_sitter import Language, Parser, Tree

# language -> (module, the function in it that returns the grammar)
_GRAMMARS: Final[dict[str, tuple[str, str]]] = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "css": ("tree_sitter_css", "language"),
    "go": ("tree_sitter_go", "language"),
    "html": ("tree_sitter_html", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "json": ("tree_sitter_json", "language"),
    "markdown": ("tree_sitter_markdown", "language"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "yaml": ("tree_sitter_yaml", "language"),
}

LANGUAGES: Final[tuple[str, ...]] = tuple(_GRAMMARS)

# Texts that end the process inside a grammar: bash's reads past its tables at a character beyond
# the basic plane (tree-sitter-bash 337), ruby's overflows at the name of a long here-document
# (tree-sitter-ruby 287), yaml's at its 255th level of indentation (tree-sitter-yaml 48). And bash's
# reads the whole text again for every NUL. No keyword has such characters, so all grammars see a
# substitute; a level of YAML takes at least a column of white space and marks.
_UNREADABLE: Final = re.compile("[\0\U00010000-\U0010ffff]")
_LONG_HEREDOC: Final = re.compile(r"<<[~-]?(?:[\"'`][^\"'`]{100}|\w{100})")
_DEEP_INDENTATION: Final = re.compile(r"^[ \t\-?:]{120}", re.MULTILINE)

# What a parse may do before it is stopped: real files take 3 to 15 reports a KiB, the busiest of
# 4,800 measured ones 29 (markdown full of marks).
_MAX_REPORTS: Final = 48
_REPORTS_PER_KIB: Final = 48
_CHUNK_BYTES: Final = 512

_local = threading.local()


@cache
def grammar(language: str) -> Language:
    """The grammar of one of :data:`LANGUAGES`. Raises KeyError for any other name."""
    module, function = _GRAMMARS[language]
    return Language(getattr(import_module(module), function)())


def parser(language: str) -> Parser:
    """This thread's parser for ``language``: a parser must not be shared between threads."""
    parsers: dict[str, Parser] = _local.__dict__.setdefault("parsers", {})
    if language not in parsers:
        parsers[language] = Parser(grammar(language))
    return parsers[language]


def parsable_source(text: str, language: str) -> bytes | None:
    """A text as bytes that the grammar of ``language`` can parse safely; required for any content.

    None for a text that could end the process; offsets are those of the text's UTF-8, but for
    NULs and characters beyond the basic plane, which become one substitute each.
    """
    if language == "ruby" and _LONG_HEREDOC.search(text):
        return None
    if language == "yaml" and _DEEP_INDENTATION.search(text):
        return None
    if text.isascii():
        return text.replace("\0", "\ufffd").encode()
    return _UNREADABLE.sub("\ufffd", text).encode("utf-8", "replace")


def bounded_parse(source: bytes, language: str, out_of_time: Callable[[], bool]) -> Tree | None:
    """The tree of ``source``, which came from :func:`parsable_source`; None when it was given up.

    Recovery from dense errors can take a grammar quadratic time and more. The parser reports as
    it works: too many reports for the length of the text end the parse, the same on any machine,
    and so does ``out_of_time``, which is also looked at when the parser asks for more text.
    """
    reports = 0
    most = _MAX_REPORTS + _REPORTS_PER_KIB * len(source) // 1024
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

    def report(_offset: int, _has_error: bool) -> bool:
        nonlocal reports
        reports += 1
        return reports > most or out_of_time()

    reader = parser(language)
    try:
        tree = reader.parse(read, progress_callback=report)
    except ValueError:
        # What tree-sitter raises for a parse that was stopped; it would go on at the next call.
        reader.reset()
        return None
    return None if starved else tree
