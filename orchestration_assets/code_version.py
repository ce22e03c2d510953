"""What a result was computed with: a hash over the code and the library versions behind it."""

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

_OWN: Final = frozenset({"orchestration_assets", "resources"})
"""Whose modules are followed; of everything else the installed version counts."""
_DISTRIBUTIONS: Final = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Where a library is imported by another name than it is installed by."""
_BY_NAME: Final = frozenset({"importlib.import_module", "importlib.metadata"})
"""With these, a module may use libraries that it only names in a string: those that this project
declares, and those that stand in the call itself."""
_PROJECT: Final = "content-orchestration"

# a tenth of the time that a syntax tree takes
_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\((?:[^()]|\([^)]*\))*\)|[^\n(]+)"
    r"|import[ \t]+(\w[^\n]*))",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"([\w.]+)(?:[ \t]+as[ \t]+\w+)?")
_COMMENT: Final = re.compile(r"#.*")
_QUOTED: Final = re.compile(r"[\"']([\w.-]+)[\"']")
_CALLED: Final = re.compile(r"\b(?:import_module|version|distribution)\([\"']([\w.-]+)[\"']\)")
_VERSION: Final = re.compile(r"^Version: (\S+)$", re.MULTILINE)
_REQUIREMENT: Final = re.compile(r"[\w.-]+")


class _Module(NamedTuple):
    """``digest`` is over its source and the data files that it names; ``imports`` are modules,
    libraries, and names inside of them."""

    digest: bytes
    imports: frozenset[str]


@cache
def code_version(module: str, without: tuple[str, ...] = ()) -> str:
    """64 bits of blake2b, hex, over everything that ``module`` computes with.

    That is its source and that of every module of this project (and of its own package) that it
    imports, directly or not, in functions too; the data files that one of them names, beside it
    or in a package that it names; and the versions of the libraries that these import.
    Modules of ``without`` are not followed. Any change gives another version: what it
    could leave as it was is computed again all the same. Raises ModuleNotFoundError.
    """
    own = _OWN | {_top(module)}
    reached: dict[str, _Module] = {}
    libraries: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in reached or name in without or name == __name__:
            continue
        if _top(name) not in own:
            libraries.add(_top(name))
        elif (found := _read(name)) is not None:
            reached[name] = found
            waiting += found.imports
    if module not in reached:
        raise ModuleNotFoundError(f"{module} has no file with its source", name=module)
    digest = blake2b(digest_size=8)
    for name in sorted(reached):
        digest.update(f"{name}\0".encode() + reached[name].digest)
    for name in sorted(libraries - sys.stdlib_module_names):
        digest.update(f"{name}=={_installed(name)}\0".encode())
    return digest.hexdigest()


def _top(module: str) -> str:
    return module.partition(".")[0]


@cache
def _read(module: str) -> _Module | None:
    """None for a name inside a module."""
    path = _source(module)
    if path is None:
        return None
    source = path.read_text("utf-8")
    quoted = set(_QUOTED.findall(source))
    imports = set(_imports(source))
    if imports & _BY_NAME:
        imports |= {name for name in quoted if name.isidentifier() and _normal(name) in _declared()}
        imports |= set(_CALLED.findall(source))
    packages = (_source(name) for name in quoted if "." in name and _top(name) in _OWN)
    digest = blake2b(source.encode(), digest_size=16)
    for folder in sorted({path.parent, *(found.parent for found in packages if found)}):
        files = _data_files(folder)
        for name in sorted(quoted & files.keys()):
            digest.update(f"\0{name}\0".encode() + files[name].read_bytes())
    return _Module(digest.digest(), frozenset(imports))


@cache
def _source(module: str) -> Path | None:
    """The file of a module, found without importing the packages that it is in."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # __main__ has none
        return None
    if not rest and spec and spec.origin and not spec.submodule_search_locations:
        return Path(spec.origin)
    for folder in (spec and spec.submodule_search_locations) or ():
        place = Path(folder, *rest)
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                return path
    return None


@cache
def _data_files(folder: Path) -> Mapping[str, Path]:
    return {path.name: path for path in folder.iterdir() if path.suffix not in ("", ".py")}


def _imports(source: str) -> Iterator[str]:
    for module, names, modules in _IMPORT.findall(source):
        imported = _NAME.findall(_COMMENT.sub("", names or modules))
        yield from (module, *(f"{module}.{name}" for name in imported)) if module else imported


@cache
def _declared() -> frozenset[str]:
    """The distributions that this project requires, its extras included."""
    try:
        required = requires(_PROJECT) or ()
    except PackageNotFoundError:
        required = ()
    return frozenset(_normal(match[0]) for line in required if (match := _REQUIREMENT.match(line)))


def _normal(distribution: str) -> str:
    """The name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def _installed(library: str) -> str:
    try:
        found = distribution(_DISTRIBUTIONS.get(library, library))
    except PackageNotFoundError:
        return "absent"
    # to parse all that is said of a library takes many times as long
    said = _VERSION.search((found.read_text("METADATA") or "").partition("\n\n")[0])
    return said[1] if said else found.version
