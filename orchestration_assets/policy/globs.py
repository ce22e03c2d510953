"""Checks of a policy's globs: each must compile, and none may take long to match a path."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from orchestration_assets.policy.problems import Problem, safe_key
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.text.path_patterns import Patterns, matches_any

_LONGEST: Final = 1000
_MAX_DOUBLE_STARS: Final = 3
"""Each one more raises the power of the path's length that a match may take."""
_MAX_ALTERNATIVES: Final = 2000
_SAMPLE_PATH: Final = "folder/sub-folder/file name.tar.gz"


def glob_problems(policy: Policy) -> Iterator[Problem]:
    """What is wrong with the globs of a policy, each with its path."""
    alternatives_left = _MAX_ALTERNATIVES
    for path, pattern, braces in _globs(policy):
        message = _shape_problem(pattern)
        if message is None and alternatives_left <= 0:
            message = f"is one too many: all globs stand for more than {_MAX_ALTERNATIVES} patterns"
        elif message is None:
            count, message = _tried(pattern, braces)
            alternatives_left -= count
        if message is not None:
            yield Problem(path, "", message)


def _globs(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """Path, glob, and whether braces in it stand for alternatives."""
    content = policy.content
    for name, patterns in (("include", content.include), ("exclude", content.exclude)):
        for position, pattern in enumerate(patterns):
            yield f"content.{name}[{position}]", pattern, True
    for position, records in enumerate(content.records):
        yield f"content.records[{position}].files", records.files, True
    for name, task in policy.tasks.items():
        for number, directive in enumerate(task.directives):
            for position, pattern in enumerate(directive.paths):
                yield (
                    f"tasks.{safe_key(name)}.directives[{number}].paths[{position}]",
                    pattern,
                    False,
                )


def _shape_problem(pattern: str) -> str | None:
    if not pattern.strip("/ "):
        return "is an empty pattern: no path is meant by it"
    if len(pattern) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    apart = [
        segment
        for segment, following in pairwise([*pattern.split("/"), ""])
        if (segment, following) != _TWICE
    ]
    if sum("**" in segment for segment in apart) > _MAX_DOUBLE_STARS:
        return f"holds ** more than {_MAX_DOUBLE_STARS} times: long paths would take too long"
    return None


_TWICE: Final = ("**", "**")


def _tried(pattern: str, braces: bool) -> tuple[int, str | None]:
    """How many alternatives a glob stands for, and why it cannot be used."""
    try:
        if not braces:
            matches_any(_SAMPLE_PATH, [pattern])
            return 1, None
        compiled = Patterns((pattern,))
        compiled.match(_SAMPLE_PATH)
    except Exception as error:  # noqa: BLE001 -- whatever a pattern makes the library raise
        many = "limit" in type(error).__name__.lower()
        message = "it stands for more than 1000 alternatives" if many else type(error).__name__
        return 1, f"cannot be used: {message}"
    return compiled.size, None
