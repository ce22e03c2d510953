"""Tree-sitter grammars from their individual wheels, loaded once per process, without network."""

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
