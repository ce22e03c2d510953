"""`orchestrate policy show --explain`: every value in force, with the file and line it is from."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from orchestration_assets.policy.layers import Branch, Origin, find
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import dotted_path

_DEFAULT: Final = "default"
_WIDEST: Final = 60


def explain(path: Path | None) -> int:
    """Prints one line a value: path, value as JSON, origin. Raises PolicyError."""
    loaded = load_policy(path)
    rows = [
        (f"{where}: {value}", origin_in_words(origin)) for where, value, origin in explained(loaded)
    ]
    width = min(_WIDEST, max((len(left) for left, _ in rows), default=0))
    chosen = f", environment {loaded.environment}" if loaded.environment else ""
    sys.stdout.write(f"# {loaded.source}{chosen}, hash {loaded.hash}\n")
    sys.stdout.write("".join(f"{left:<{width}}  # {right}\n" for left, right in rows))
    return 0


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
    node, depth = find(root, path)
    if depth == len(path) or not isinstance(node, Branch):
        # what a shorter form in the file stands for is where that form is
        return node.origin
    declared = node.children.get("json_schema") if path[depth] == "fields" else None
    return declared.origin if declared is not None else None


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
