"""The text of one policy file, taken apart: what it extends and may read, and its values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from orchestration_assets.policy.formats import CURRENT, OLD, upgraded, version_problem
from orchestration_assets.policy.layers import (
    Branch,
    Items,
    Leaf,
    Node,
    Origin,
    RemovedKey,
    nodes_below,
    tree_of,
)
from orchestration_assets.policy.marks import ValueTemplate
from orchestration_assets.policy.problems import Problem, describe_value, dotted_path
from orchestration_assets.policy.yaml_text import YamlError, read_yaml
from orchestration_assets.schemas.variables import is_variable_name
from orchestration_assets.text.sensitive.secret_names import name_meaning

VERSION: Final = "version"
EXTENDS: Final = "extends"
VARIABLES: Final = "variables"
ENVIRONMENTS: Final = "environments"
OF_THE_FILE: Final = (VERSION, EXTENDS, VARIABLES)
"""Keys that concern the file they stand in, and are never merged."""
_MAX_EXTENDED: Final = 32


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that another one extends, as it is named there."""

    name: str
    origin: Origin
    path: str


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One file: ``root`` holds its sections in the present format, ``version`` is the file's own.

    ``variables`` are the environment variables that its templates may read, ``old_names`` what the
    file calls values whose path is another one now, ``nodes`` counts its values. ``root`` is None
    where the text is no mapping; ``problems`` then says so.
    """

    name: str
    root: Branch | None
    version: int = CURRENT
    extends: tuple[Reference, ...] = ()
    variables: frozenset[str] = frozenset()
    old_names: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    nodes: int = 0
    text: str = ""


# each step of a run asks for the policy, and most of them find the text of the step before
@lru_cache(maxsize=8)
def read_policy_text(text: str, name: str) -> PolicyText:
    """Takes a file apart; ``name`` is what messages call it. Never raises: problems are told."""
    try:
        document = read_yaml(text)
    except YamlError as error:
        return PolicyText(name, None, problems=(error.problem,))
    problems = list(document.problems)
    root = tree_of(document.value, document.lines, name)
    if not isinstance(root, Branch):
        value = describe_value(document.value) if isinstance(root, Leaf | Items) else "a tag"
        problems.append(Problem("", value, "must be a mapping of sections"))
        return PolicyText(name, None, problems=tuple(problems))
    given = root.children.get(VERSION)
    wrong = version_problem(given)
    version = CURRENT
    if wrong is not None:
        if not any(one.path == VERSION for one in problems):
            problems.append(wrong)
    elif isinstance(given, Leaf):
        version = given.value
    extends: tuple[Reference, ...] = ()
    variables: frozenset[str] = frozenset()
    old_names: Mapping[str, str] = {}
    if version in OLD:
        problems += _too_new(root)
        upgrade = upgraded(root)
        root, old_names = upgrade.root, upgrade.old_names
        problems += upgrade.problems
    else:
        extends = tuple(_references(root.children.get(EXTENDS), problems))
        variables = frozenset(_variables(root.children.get(VARIABLES), problems))
    problems += _misplaced(root)
    sections = {key: one for key, one in root.children.items() if key not in OF_THE_FILE}
    root = replace(root, children=sections)
    return PolicyText(
        name, root, version, extends, variables, old_names, tuple(problems), document.nodes
    )


def _too_new(root: Branch) -> Iterator[Problem]:
    """What version 1 does not have: it would be silently ignored by the programs of its time."""
    for key in (EXTENDS, VARIABLES, ENVIRONMENTS):
        if key in root.children:
            yield Problem(key, "", _REWRITE, None, root.children[key].origin.line)
    for path, node in nodes_below(root):
        if _is_tagged(node):
            yield Problem(dotted_path(path), "", f"its tag {_REWRITE}", None, node.origin.line)


def _is_tagged(node: Node) -> bool:
    if isinstance(node, Branch):
        return node.replaces
    return isinstance(node, RemovedKey) or (
        isinstance(node, Leaf) and isinstance(node.value, ValueTemplate)
    )


_REWRITE: Final = (
    f"came with version {CURRENT} of the format: orchestrate policy migrate rewrites the file"
)


def _misplaced(root: Branch) -> Iterator[Problem]:
    """Templates where the file itself is described, and removals of what no file can take out."""
    for path, node in nodes_below(root):
        if path[0] in OF_THE_FILE and isinstance(node, Leaf | RemovedKey):
            if not isinstance(node, Leaf) or isinstance(node.value, ValueTemplate):
                message = "is read before anything is merged: write it without a tag"
                yield Problem(dotted_path(path), "", message, None, node.origin.line)
        elif isinstance(node, RemovedKey) and isinstance(path[-1], int):
            message = "a list is replaced as a whole: !remove takes out keys of mappings"
            yield Problem(dotted_path(path), "", message, None, node.origin.line)


def _texts(given: Node, key: str, example: str, problems: list[Problem]) -> Iterator[Leaf]:
    if not isinstance(given, Items):
        message = f"must be a list, such as [{example}]"
        problems.append(Problem(key, "", message, None, given.origin.line))
        return
    for number, one in enumerate(given.children):
        if isinstance(one, Leaf) and isinstance(one.value, str):
            yield one
        elif not (isinstance(one, Leaf) and isinstance(one.value, ValueTemplate)):
            problems.append(Problem(f"{key}[{number}]", "", "must be text", None, one.origin.line))


def _references(given: Node | None, problems: list[Problem]) -> Iterator[Reference]:
    if given is None:
        return
    for number, one in enumerate(_texts(given, EXTENDS, "base.yaml", problems)):
        path = f"{EXTENDS}[{number}]"
        if number == _MAX_EXTENDED:
            message = f"names more than {_MAX_EXTENDED} files"
            problems.append(Problem(EXTENDS, "", message, None, one.origin.line))
            return
        if "://" in one.value:
            message = (
                "policies are read from files alone, so that a run needs no network and every run "
                "reads the same: save it beside this file"
            )
            problems.append(Problem(path, "", message, None, one.origin.line))
        elif not one.value.strip() or not one.value.isprintable():
            problems.append(Problem(path, "", "must name a file", None, one.origin.line))
        else:
            yield Reference(one.value, one.origin, path)


def _variables(given: Node | None, problems: list[Problem]) -> Iterator[str]:
    if given is None:
        return
    for number, one in enumerate(_texts(given, VARIABLES, "REGION", problems)):
        path = f"{VARIABLES}[{number}]"
        if not is_variable_name(one.value):
            message = "must be the name of an environment variable, such as REGION"
            problems.append(Problem(path, "", message, None, one.origin.line))
        elif name_meaning(one.value) is not None:
            message = (
                "names a secret, and what templates make is shown and kept: give its name to "
                "api_key_env or header_env of the service"
            )
            problems.append(Problem(path, "", message, None, one.origin.line))
        else:
            yield one.value
