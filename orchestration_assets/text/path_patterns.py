"""Globs over relative paths: what is taken in or left out, and which directive is followed."""

import re
from collections.abc import Sequence
from typing import Final

from wcmatch import glob

_PATHS: Final = glob.GLOBSTAR | glob.DOTGLOB
_FLAGS: Final = _PATHS | glob.BRACE | glob.CASE | glob.FORCEUNIX
_PLAIN: Final = re.compile(r"[\w.@+-]+")
_NEVER: Final = re.compile(r"(?!)")


def matches_any(path: str, patterns: Sequence[str]) -> bool:
    """Whether one of the globs, without alternatives in braces, matches the whole path."""
    return glob.globmatch(path, list(patterns), flags=_PATHS)


class Patterns:
    """Several globs; one without a slash matches any single file or folder name."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = {pattern for pattern in patterns if _PLAIN.fullmatch(pattern)}
        self._compiled: list[tuple[str, re.Pattern[str]]] = []
        for pattern in patterns:
            if pattern in self._names:
                continue
            anywhere = pattern if "/" in pattern or pattern == "**" else f"**/{pattern}"
            for expression in glob.translate(anywhere.rstrip("/"), flags=_FLAGS)[0]:
                self._compiled.append((pattern, re.compile(expression)))
        together = "|".join(f"(?:{expression.pattern})" for _, expression in self._compiled)
        # most paths match nothing: one expression finds that out, not one for each pattern
        self._any = re.compile(together) if together else _NEVER

    @property
    def size(self) -> int:
        """How many names and expressions a path may be compared with."""
        return len(self._names) + len(self._compiled)

    def match(self, path: str) -> str | None:
        """A pattern that matches, or None; plain names are looked at first."""
        name = path.rpartition("/")[2]
        if name in self._names:
            return name
        if not self._any.match(path):
            return None
        return next((p for p, expression in self._compiled if expression.match(path)), None)
