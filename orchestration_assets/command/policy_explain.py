"""`orchestrate policy show --explain`: every value in force, with the file and line it is from."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from orchestration_assets.policy.layers import Branch, Items, Node, Origin, nodes_below
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import dotted_path

_DEFAULT: Final = "default"
_WIDEST: Final = 60


def explain(path: Path | None) -> int:
    """Prints one line a value: path, value as JSON, origin. Raises PolicyError."""
    loaded = load_policy(path)
    rows = [
        (f"{where}: {value}", _words(loaded, origin)) for where, value, origin in explained(loaded)
    ]
    width = min(_WIDEST, max((len(left) for left, _ in rows), default=0))
    chosen = f", environment {loaded.environment}" if loaded.environment else ""
    sys.stdout.write(f"# {loaded.source}{chosen}, hash {loaded.hash}\n")
    sys.stdout.write("".join(f"{left:<{width}}  # {right}\n" for left, right in rows))
    return 0


def _words(loaded: LoadedPolicy, origin: Origin | None) -> str:
    # a kept policy is the result alone: no file tells its values from its defaults
    return origin_in_words(origin) if loaded.kept_as is None else f"{loaded.kept_as}.json"


def explained(loaded: LoadedPolicy) -> Iterator[tuple[str, str, Origin | None]]:
    """Path, value as JSON and origin of every value in force; the origin of a default is None."""
    for path, value in _values(loaded.policy.canonical()):
        if path == ("version",):
            continue
        yield dotted_path(path), _shown(value), _origin(loaded.root, path)


def origin_in_words(origin: Origin | None) -> str:
    """Such as ``policy.yaml line 12, from REGION, over base.yaml line 3``."""
    if origin is None:
        return _DEFAULT
    read = f", from {', '.join(origin.variables)}" if origin.variables else ""
    before = f", over {_place(origin.over[0])}" if origin.over else ""
    return f"{_place(origin)}{read}{before}"


def _place(origin: Origin) -> str:
    return f"{origin.file} line {origin.line}" if origin.line else origin.file


def _values(canonical: Any) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    """Every text, number, boolean, null and empty container with its path."""
    waiting: list[tuple[tuple[int | str, ...], Any]] = [((), canonical)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += [((*path, key), one) for key, one in reversed([*value.items()])]
        elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
            waiting += [((*path, n), one) for n, one in reversed([*enumerate(value)])]
        else:
            yield path, value


def _origin(root: Branch, path: tuple[int | str, ...]) -> Origin | None:
    """Where a value stands, or the shorter form that stands for it; None for a default."""
    node: Node = root
    for step in path:
        if isinstance(node, Items):
            node = node.children[int(step)]
        elif not isinstance(node, Branch):
            # such as a field that is its type alone
            break
        elif isinstance(step, int):
            # fields of a record are a mapping in the file, and in force a list that keeps its order
            node = [*node.children.values()][step]
        elif step in node.children:
            node = node.children[step]
        elif step == "fields" and "json_schema" in node.children:
            return node.children["json_schema"].origin
        elif step == "name" and path[-3:-2] == ("fields",):
            break
        else:
            return None
    inside = [one.origin.variables for _, one in nodes_below(node) if isinstance(node, Items)]
    read = dict.fromkeys(name for names in (node.origin.variables, *inside) for name in names)
    return replace(node.origin, variables=tuple(read))


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
