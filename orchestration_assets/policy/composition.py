"""A policy out of its files: merged, laid under its environment, templates rendered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from orchestration_assets.policy.layers import (
    Branch,
    Items,
    Leaf,
    Node,
    Origin,
    Path,
    RemovedKey,
    merged,
    without_removals,
)
from orchestration_assets.policy.marks import ValueTemplate
from orchestration_assets.policy.problems import (
    Problem,
    closest_name,
    dotted_path,
    safe_key,
)
from orchestration_assets.policy.source_text import ENVIRONMENTS, OF_THE_FILE, PolicyText
from orchestration_assets.policy.sources import ENVIRONMENT_NAME
from orchestration_assets.policy.value_templates import ValueTemplateError, rendered
from orchestration_assets.policy.yaml_text import MAX_NODES

_MAX_TEMPLATES: Final = 200


@dataclass(frozen=True, slots=True)
class Composition:
    """The sections of a policy with the origin of every value.

    ``environments`` are those that its files describe; ``problems`` may name a file that is not
    the policy file itself.
    """

    root: Branch
    environments: tuple[str, ...]
    problems: tuple[Problem, ...]


def compose(
    texts: tuple[PolicyText, ...],
    overlay: PolicyText | None,
    environment: str | None,
    variables: Mapping[str, str],
    beside: tuple[str, ...] = (),
) -> Composition:
    """Merges files in their order, the policy file last, and then the chosen environment.

    ``overlay`` is the environment's own file, ``beside`` names the environments that have one.
    """
    main = texts[-1]
    told = _Told(main.name)
    empty = Branch({}, Origin(main.name))
    if sum(one.nodes for one in (*texts, *((overlay,) if overlay else ()))) > MAX_NODES:
        message = f"holds more than {MAX_NODES} values with the files that it is made of"
        return Composition(empty, (), (Problem("", "", message),))
    root = empty
    for one in texts:
        if one.root is not None:
            root = merged(root, one.root)
    described = root.children.get(ENVIRONMENTS, empty)
    known = tuple(dict.fromkeys((*_known(described, told), *beside)))
    if environment is not None:
        root = _chosen(root, described, overlay, environment, known, told)
    sections = {name: one for name, one in root.children.items() if name != ENVIRONMENTS}
    root, idle = without_removals(replace(root, children=sections))
    for path, removal in idle:
        near = _near_key(root, path)
        told.add(path, "removes nothing: no file before it says this", removal.origin, near)
    allowed = {one.name: one.variables for one in (*texts, *((overlay,) if overlay else ()))}
    templates = _Templates(allowed, variables, environment, told)
    root = templates.branch(root, ())
    return Composition(root, known, tuple(told.problems))


class _Told:
    """Problems; those of the policy file itself need no file's name."""

    def __init__(self, main: str) -> None:
        self.problems: list[Problem] = []
        self._main = main

    def add(
        self, path: Path, message: str, origin: Origin | None = None, near: str | None = None
    ) -> None:
        line = origin.line if origin else None
        file = origin.file if origin and origin.file != self._main else None
        self.problems.append(Problem(dotted_path(path), "", message, near, line, file))


def _known(described: Node, told: _Told) -> Iterator[str]:
    if not isinstance(described, Branch):
        told.add((ENVIRONMENTS,), "must be a mapping: name -> sections", described.origin)
        return
    for name, values in described.children.items():
        path = (ENVIRONMENTS, name)
        if isinstance(values, RemovedKey):
            continue
        if not ENVIRONMENT_NAME.fullmatch(name):
            message = "a name is small letters, digits, _ and -, and begins with a letter"
            told.add(path, message, values.origin)
            continue
        yield name
        if not isinstance(values, Branch):
            told.add(path, "must be a mapping of sections", values.origin)
            continue
        for key in (*OF_THE_FILE, ENVIRONMENTS):
            if key in values.children:
                message = "concerns a whole file: an environment changes values of sections"
                told.add((*path, key), message, values.children[key].origin)


def _chosen(
    root: Branch,
    described: Node,
    overlay: PolicyText | None,
    environment: str,
    known: tuple[str, ...],
    told: _Told,
) -> Branch:
    """The sections under the environment's values."""
    inline = described.children.get(environment) if isinstance(described, Branch) else None
    if (inline is None or isinstance(inline, RemovedKey)) and overlay is None:
        listed = f"known here: {', '.join(known)}" if known else "the policy describes none"
        message = f"{safe_key(environment)!r} was chosen, and there is no such environment; "
        told.add((ENVIRONMENTS,), message + listed, None, closest_name(environment, known))
        return root
    if isinstance(inline, Branch):
        values = {k: v for k, v in inline.children.items() if k not in (*OF_THE_FILE, ENVIRONMENTS)}
        # its name stands for the sections of the file, which stay
        root = merged(root, Branch(values, root.origin))
    if overlay is not None and overlay.root is not None:
        if ENVIRONMENTS in overlay.root.children:
            message = "an environment's file holds the values of that environment alone"
            told.add((ENVIRONMENTS,), message, overlay.root.children[ENVIRONMENTS].origin)
        root = merged(root, overlay.root)
    return root


def _near_key(root: Branch, path: Path) -> str | None:
    node: Node = root
    for step in path[:-1]:
        if not (isinstance(node, Branch) and step in node.children):
            return None
        node = node.children[str(step)]
    return closest_name(path[-1], list(node.children)) if isinstance(node, Branch) else None


class _Templates:
    """Renders the templates of a tree."""

    def __init__(
        self,
        allowed: Mapping[str, frozenset[str]],
        variables: Mapping[str, str],
        environment: str | None,
        told: _Told,
    ) -> None:
        self._allowed, self._variables = allowed, variables
        self._environment, self._told = environment, told
        self._count = 0

    def branch(self, node: Branch, path: Path) -> Branch:
        """The mapping with every template in it rendered; problems are told."""
        children = {name: self._node(one, (*path, name)) for name, one in node.children.items()}
        return replace(node, children=children)

    def _node(self, node: Node, path: Path) -> Node:
        if isinstance(node, Branch):
            return self.branch(node, path)
        if isinstance(node, Items):
            items = (self._node(one, (*path, n)) for n, one in enumerate(node.children))
            return replace(node, children=tuple(items))
        if isinstance(node, Leaf) and isinstance(node.value, ValueTemplate):
            return self._leaf(node, node.value.text, path)
        return node

    def _leaf(self, node: Leaf, text: str, path: Path) -> Leaf:
        self._count += 1
        if self._count > _MAX_TEMPLATES:
            if self._count == _MAX_TEMPLATES + 1:
                self._told.add(path, f"is one template too many: at most {_MAX_TEMPLATES}")
            return replace(node, value=None)
        allowed = self._allowed.get(node.origin.file, frozenset())
        try:
            made = rendered(text, allowed, self._variables, self._environment)
        except ValueTemplateError as error:
            self._told.add(path, str(error), node.origin)
            return replace(node, value=None)
        return Leaf(made.value, replace(node.origin, variables=made.variables))
