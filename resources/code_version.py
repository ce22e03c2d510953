"""What a result was computed with: a hash over the code and the library versions behind it."""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# whose modules are followed; of everything else the installed version counts
_OWN: Final = ("orchestration_assets", "resources")


@cache
def code_version(module: str, distributions: Iterable[str] = ()) -> str:
    """64 bits of blake2b, hex, over everything that ``module`` computes with.

    That is its source and that of every module of this project that it imports, directly or not,
    their data files (those beside it, and those named like one of the modules), and the versions
    of the libraries that these import; ``distributions`` names libraries that are only imported by
    name at run time. Any change gives another version: what it could leave as it was is computed
    again all the same.
    """
    sources: dict[str, bytes] = {}
    libraries = set(distributions)
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is None or name in sources:
            continue
        sources[name] = path.read_bytes()
        for imported in _imports(sources[name]):
            if imported.partition(".")[0] in _OWN:
                waiting.append(imported)
            else:
                libraries.add(imported.partition(".")[0])
    start = _source(module)
    beside = [path.with_suffix(".json") for name in sources if (path := _source(name))]
    data = {file for file in beside if file.exists()}
    data |= set(start.parent.glob("*.json")) if start is not None else set()
    digest = blake2b(digest_size=8)
    for name in sorted(sources):
        digest.update(f"{name}\0{len(sources[name])}\0".encode() + sources[name])
    for file in sorted(data):
        digest.update(file.name.encode() + file.read_bytes())
    for name in sorted(libraries - sys.stdlib_module_names):
        digest.update(f"{name}=={_installed(name)}\0".encode())
    return digest.hexdigest()


def _source(module: str) -> Path | None:
    """The file of a module; None for a name inside a module."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _imports(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.partition(".")[0] in _OWN:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _installed(library: str) -> str:
    try:
        return version({"sklearn": "scikit-learn"}.get(library, library))
    except PackageNotFoundError:
        return "unknown"
