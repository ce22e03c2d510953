"""Problems of a policy file, with the place, the value, and the nearest valid name.

A policy may hold a secret in the wrong place, so a message names the place and never repeats the
value there, except numbers and plain words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.variables import looks_like_secret

MAX_PROBLEMS: Final = 1000
"""The most problems of one file that are listed; the others are counted."""
_MAX_IN_MESSAGE: Final = 50
_KEY_CHARACTERS: Final = 60
_PLAIN_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")
_SHOWN_DIGITS: Final = 15
_SHOWN_STEPS: Final = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: path in the file, value there, what is wrong, nearest valid name, line.

    ``file`` is named where it is not the policy file itself, but one that it is made of.
    """

    path: str
    value: str
    message: str
    nearest: str | None = None
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        shown = f" (found {self.value})" if self.value else ""
        where = [f"file {self.file}"] if self.file else []
        where += [f"line {self.line}"] if self.line else []
        place = f", {' '.join(where)}" if where else ""
        return f"{self.path or 'file'}{place}: {self.message}{shown}{hint}"


class PolicyError(OrchestrationError):
    """The policy file is not valid; ``problems`` lists everything that is wrong with it.

    ``beyond`` counts problems that nobody has put into words, since there are so many.
    """

    def __init__(self, source: str, problems: Sequence[Problem], beyond: int = 0) -> None:
        self.source = source
        self.problems = truncate_problems(problems, MAX_PROBLEMS, beyond)
        listed = " | ".join(
            str(problem) for problem in truncate_problems(problems, _MAX_IN_MESSAGE, beyond)
        )
        super().__init__(f"policy {source}: {listed}")


def truncate_problems(
    problems: Sequence[Problem], limit: int, beyond: int = 0
) -> tuple[Problem, ...]:
    """The first problems, and how many there are beyond them and beyond the list."""
    left = max(len(problems) - limit, 0) + beyond
    if not left:
        return tuple(problems)
    return (*problems[:limit], Problem("", "", f"has {left} more problems"))


def closest_name(name: object, valid: Sequence[str]) -> str | None:
    """The valid name closest to ``name``, if any is close."""
    if not isinstance(name, str) or len(name) > _KEY_CHARACTERS:
        return None
    matches = get_close_matches(name, valid, n=1, cutoff=0.6)
    return matches[0] if matches else None


def dotted_path(path: Sequence[int | str]) -> str:
    """``('tasks', 'a', 'rules', 0)`` as ``tasks.a.rules[0]``."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{safe_key(step)}" for step in path]
    if len(steps) > _SHOWN_STEPS:
        steps[_SHOWN_STEPS // 2 : -_SHOWN_STEPS // 2] = ["…"]
    return "".join(steps).removeprefix(".")


@lru_cache(8192)
def safe_key(name: str) -> str:
    """A key of the file, abridged when it is long, unprintable or could be a secret."""
    if len(name) <= _KEY_CHARACTERS and name.isprintable() and not looks_like_secret(name):
        return name
    start = name[:4] if name[:4].isprintable() else ""
    return f"{start}…({len(name)} characters)"


def describe_value(value: object, valid: Sequence[str] = ()) -> str:
    """A value of the file: numbers and plain words as they are, anything else described.

    A text is shown when it is close to one of the valid ones, too.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # a huge number has no decimal form in time
        return str(value) if abs(value) < 10**_SHOWN_DIGITS else "a number of many digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        if _PLAIN_WORD.fullmatch(value) or closest_name(value, valid) is not None:
            return repr(value)
        return f"text of {len(value)} characters" if value else "empty text"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def one_line(value: object) -> str:
    """A value as one short line, for files that hold no secrets."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
