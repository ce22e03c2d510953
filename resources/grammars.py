"""Tree-sitter grammars from their individual wheels, loaded once per process, without network."""

import re
import threading
from functools import cache
from importlib import import_module
from typing import Final

from tree_sitter import Language, Parser

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
# (tree-sitter-ruby 287). No keyword has such a character, so all grammars see a substitute.
_BEYOND_BASIC_PLANE: Final = re.compile("[\U00010000-\U0010ffff]")
_LONG_HEREDOC_NAME: Final = re.compile(r"<<[~-]?(?:[\"'`][^\"'`]{100}|\w{100})")

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


def safe_source(text: str, language: str) -> bytes | None:
    """What the grammar of ``language`` may be given: the only way to parse untrusted text.

    None for a text that could end the process; offsets are those of the text's UTF-8, but for
    characters beyond the basic plane, which become one substitute each.
    """
    if language == "ruby" and _LONG_HEREDOC_NAME.search(text):
        return None
    return _BEYOND_BASIC_PLANE.sub("\ufffd", text).encode("utf-8", "replace")
