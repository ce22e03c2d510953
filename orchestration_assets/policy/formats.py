"""Versions of the format of policy files, and what changed from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from orchestration_assets.policy.layers import Branch, Node, find, plain, tree_of
from orchestration_assets.policy.problems import Problem, describe_value, dotted_path

CURRENT: Final = 2
"""The version that is written, and that all others are brought up to when they are read."""
OLD: Final = (1,)
RENAMED: Final[Mapping[tuple[str, ...], str]] = {
    ("content", "settle_seconds"): "settle_s",
    ("content", "read_seconds"): "read_s",
    ("content", "batch", "wait_seconds"): "wait_s",
    ("features", "neighbour_seconds"): "neighbour_s",
    ("execution", "tiers", "dask_from_seconds"): "dask_from_s",
    ("disagreement", "nearby_seconds"): "nearby_s",
    ("feedback", "settle_seconds"): "settle_s",
    ("alerts", "webhook", "url_variable"): "url_env",
    ("alerts", "webhook", "timeout_seconds"): "timeout_s",
}
"""Path of a key in version 1 -> its name in version 2.

Before, some keys gave seconds as ``_seconds`` and others as ``_s``, and one named an environment
variable as ``_variable`` where all others say ``_env``.
"""


def version_problem(given: Node | None) -> Problem | None:
    """What is wrong with a file's version, if anything is."""
    if given is None:
        return Problem(
            "version", "", f"is required and missing: begin the file with version: {CURRENT}"
        )
    value = plain(given)
    if type(value) is int and value in (CURRENT, *OLD):
        return None
    if type(value) is int and value > CURRENT:
        words = f"is newer than this program, which knows up to {CURRENT}: update the program"
    else:
        known = ", ".join(str(one) for one in (*OLD, CURRENT))
        words = f"is no version of this format; known: {known}"
    return Problem("version", describe_value(value), words, None, given.origin.line)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A tree in the present format.

    ``old_names`` maps paths that were renamed to what the file calls them, as messages show both;
    ``problems`` are keys that are given under both names.
    """

    root: Branch
    old_names: Mapping[str, str]
    problems: tuple[Problem, ...]


def upgraded(root: Branch) -> Upgrade:
    """A tree of version 1 as one of version 2."""
    problems: list[Problem] = []
    old_names: dict[str, str] = {}
    for path, name in RENAMED.items():
        around, depth = find(root, path[:-1])
        if depth < len(path) - 1 or not isinstance(around, Branch):
            continue
        if (given := around.children.get(path[-1])) is None:
            continue
        old_names[dotted_path((*path[:-1], name))] = dotted_path(path)
        if name in around.children:
            message = f"is given twice: {name} is its name in version {CURRENT}"
            problems.append(Problem(dotted_path(path), "", message, None, given.origin.line))
        root = _renamed(root, path, name)
    return Upgrade(root, old_names, tuple(problems))


def _renamed(node: Branch, path: tuple[str, ...], name: str) -> Branch:
    child = node.children[path[0]]
    if len(path) > 1:
        assert isinstance(child, Branch)
        inner = _renamed(child, path[1:], name)
        return replace(node, children={**node.children, path[0]: inner})
    children = {name if key == path[0] else key: one for key, one in node.children.items()}
    return replace(node, children=children)


def upgraded_values(stored: Any) -> Any:
    """A policy of any known version, as it was stored without comments, in the present format.

    What is no policy at all is returned as it is.
    """
    if not isinstance(stored, dict) or stored.get("version") not in OLD:
        return stored
    root = tree_of(stored, {}, "")
    assert isinstance(root, Branch)
    values: dict[str, Any] = plain(upgraded(root).root)
    return values | {"version": CURRENT}
