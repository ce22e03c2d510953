"""Policies as trees whose every value knows its file and line, and the rules by which they merge.

Three rules: mappings are merged key by key; everything else, null and lists included, takes the
place of what an earlier file says; ``!remove`` takes a key out and ``!replace`` keeps nothing of an
earlier mapping. Merging is associative, an empty mapping changes nothing, and what comes last wins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from orchestration_assets.policy.marks import RemoveMark, ReplacingMapping
from orchestration_assets.policy.problems import safe_key

Path = tuple[int | str, ...]
_MERGE_KEY: Final = "<<"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stands: name of the file, and line from 1 on.

    ``variables`` are the environment variables that made it, too; ``over`` is where the values
    stood whose place it took, the latest first.
    """

    file: str
    line: int | None = None
    variables: tuple[str, ...] = ()
    over: tuple["Origin", ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text, number, boolean or null, or a template of one."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    children: tuple["Node", ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping; one that ``replaces`` keeps nothing of what it is laid over."""

    children: Mapping[str, "Node"]
    origin: Origin
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """A key that is taken out; ``found`` says whether there was something to take out."""

    origin: Origin
    found: bool = field(default=False)


Node = Leaf | Items | Branch | RemovedKey


def tree_of(value: Any, lines: Mapping[Path, int], file: str) -> Node:
    """The tree of a value that was read; what has no line of its own has that around it."""
    return _tree(value, (), lines, Origin(file))


def _tree(value: Any, path: Path, lines: Mapping[Path, int], around: Origin) -> Node:
    line = lines.get(path)
    here = around if line is None or line == around.line else replace(around, line=line)
    if isinstance(value, dict):
        merged = lines.get((*path, _MERGE_KEY))
        inside = here if merged is None else replace(here, line=merged)
        children = {
            name: _tree(child, (*path, name), lines, inside) for name, child in value.items()
        }
        return Branch(children, here, isinstance(value, ReplacingMapping))
    if isinstance(value, list):
        return Items(
            tuple(_tree(one, (*path, n), lines, here) for n, one in enumerate(value)), here
        )
    return RemovedKey(here) if isinstance(value, RemoveMark) else Leaf(value, here)


def merge(base: Node, over: Node) -> Node:
    """What stands when ``over`` is laid over ``base``."""
    origin = replace(
        over.origin, over=(*over.origin.over, replace(base.origin, over=()), *base.origin.over)
    )
    if isinstance(over, RemovedKey):
        found = over.found or not isinstance(base, RemovedKey) or base.found
        return replace(over, found=found, origin=origin)
    if not isinstance(over, Branch) or over.replaces:
        return replace(over, origin=origin)
    if not isinstance(base, Branch):
        # nothing of what stood before the single value may come back
        return replace(over, replaces=True, origin=origin)
    children = dict(base.children)
    for name, child in over.children.items():
        children[name] = merge(children[name], child) if name in children else child
    return Branch(children, origin, base.replaces)


def merged(base: Branch, over: Branch) -> Branch:
    """The same for whole files, of which none replaces another."""
    both = merge(base, replace(over, replaces=False))
    assert isinstance(both, Branch)
    return both


def without_removals(node: Branch) -> tuple[Branch, list[tuple[Path, RemovedKey]]]:
    """The tree without what was taken out, and every removal that found nothing."""
    idle: list[tuple[Path, RemovedKey]] = []
    kept = _kept(node, (), idle)
    assert isinstance(kept, Branch)
    return kept, idle


def _kept(node: Node, path: Path, idle: list[tuple[Path, RemovedKey]]) -> Node | None:
    if isinstance(node, RemovedKey):
        if not node.found:
            idle.append((path, node))
        return None
    if isinstance(node, Items):
        kept = (_kept(child, (*path, n), idle) for n, child in enumerate(node.children))
        return Items(tuple(child for child in kept if child is not None), node.origin)
    if isinstance(node, Branch):
        named = ((name, _kept(child, (*path, name), idle)) for name, child in node.children.items())
        children = {name: child for name, child in named if child is not None}
        return Branch(children, node.origin)
    return node


def plain(node: Node) -> Any:
    """The value of a tree without removals."""
    if isinstance(node, Branch):
        return {name: plain(child) for name, child in node.children.items()}
    if isinstance(node, Items):
        return [plain(child) for child in node.children]
    return None if isinstance(node, RemovedKey) else node.value


def find(root: Node, path: Sequence[int | str]) -> tuple[Node, int]:
    """The node at a path, or the innermost one on the way to it, and how many steps lead there."""
    node = root
    for depth, step in enumerate(path):
        child = _child(node, step)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _child(node: Node, step: int | str) -> Node | None:
    if isinstance(node, Branch) and isinstance(step, str):
        return node.children.get(step)
    if isinstance(node, Items) and isinstance(step, int) and step < len(node.children):
        return node.children[step]
    return None


def origins_by_path(root: Node) -> dict[str, Origin]:
    """Path as messages show it -> origin, of every value below the root."""
    found: dict[str, Origin] = {}
    waiting: list[tuple[str, Node]] = [("", root)]
    while waiting:
        path, node = waiting.pop()
        if path:
            found[path] = node.origin
        if isinstance(node, Branch):
            start = f"{path}." if path else ""
            waiting += [(start + safe_key(name), one) for name, one in node.children.items()]
        elif isinstance(node, Items):
            waiting += [(f"{path}[{n}]", one) for n, one in enumerate(node.children)]
    return found


def nodes_below(root: Node) -> Iterator[tuple[Path, Node]]:
    """Every node below the root with its path, in the order of the file."""
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if path:
            yield path, node
        if isinstance(node, Branch):
            waiting += [((*path, name), one) for name, one in reversed([*node.children.items()])]
        elif isinstance(node, Items):
            waiting += [((*path, n), one) for n, one in reversed([*enumerate(node.children)])]
