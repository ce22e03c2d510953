"""The order of imports: who imports whom, who knows Dagster, and that importing does nothing."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("orchestration_assets", "resources", "jobs", "sensors", "benchmarks")
FLOORS = [
    "schemas",
    "text",
    "extensions",
    "resources",
    "services",
    "policy",
    "content",
    "profiling",
    "features",
    "knowledge",
    "conversations",
    "evidence",
    "selection",
    "processing",
    "disagreement",
    "signals",
    "reporting",
    "tracing",
    "explorer",
]
ORDER = [
    *FLOORS,
    "jobs",
    "sensors",
    "definitions",
    "component",
    "command",
    "__main__",
    "reference",
    "benchmarks",
]
"""Every floor imports only itself and the floors before it, anywhere in its modules."""
# helpers at the top of the package that any floor may use, and which floors each of them uses
SHARED = {
    "code_version": set(),
    "namespace": {"schemas"},
    "partitions": set(),
    "plugins": {"schemas"},
    "progress": set(),
    "settings": {"schemas"},
    "table_assets": {"schemas", "resources"},
}
MAY_SPEAK_DAGSTER = {"assets.py", "checks.py"}
# what reaches out of the process; a text is read and written without
OUTSIDE = {"os", "socket", "subprocess", "shutil", "tempfile", "sqlite3", "urllib.request"}
OUTSIDE |= {"aiohttp", "dask", "distributed", "fsspec", "httpx", "lmdb", "pyarrow", "redis"}


@cache
def trees() -> Mapping[str, tuple[Path, ast.Module]]:
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            path,
            ast.parse(path.read_text("utf-8")),
        )
        for path in paths
    }


@cache
def _imports(module: str) -> frozenset[str]:
    """Everything that is imported anywhere in a module, in functions too."""
    return frozenset(_named(ast.walk(trees()[module][1])))


@cache
def _loaded(module: str) -> frozenset[str]:
    """What is imported when a module is."""
    return frozenset(_named(_at_import(trees()[module][1])))


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _at_import(child)


def _named(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _graph() -> Mapping[str, frozenset[str]]:
    """Module -> the modules of the project that it imports."""
    return {module: _imports(module) & trees().keys() for module in trees()}


def _floor(module: str) -> str:
    package, *rest = module.split(".")
    return (rest or [""])[0] if package == "orchestration_assets" else package


def _packages(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _plain_modules() -> list[str]:
    """Those of the floors that know nothing of Dagster."""
    return [
        module
        for module, (path, _) in trees().items()
        if _floor(module) in FLOORS
        and _floor(module) != "resources"
        and path.name not in MAY_SPEAK_DAGSTER
    ]


def _loaded_with(module: str) -> set[str]:
    """Everything that is loaded when a module is, by way of others too."""
    loaded: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        loaded.add(name)
        if name in trees():
            # a module is loaded after the packages that it is in
            packages = accumulate(name.split(".")[:-1], "{}.{}".format)
            waiting |= {*_loaded(name), *packages} - loaded
    return loaded


def test_arrows_go_one_way() -> None:
    unknown = {_floor(module) for module in trees()} - {*ORDER, *SHARED, ""}
    assert not unknown
    wrong = []
    for module, imported in _graph().items():
        here = _floor(module)
        for other in imported:
            there = _floor(other)
            if here in SHARED:
                allowed = there in {*SHARED, *SHARED[here]}
            else:
                allowed = there in {here, *SHARED, ""} or ORDER.index(there) < ORDER.index(here)
            if not allowed:
                wrong.append(f"{module} must not import {other}")
    assert not wrong


def test_texts_are_read_without_anything_outside() -> None:
    texts = [module for module in trees() if _floor(module) == "text"]
    assert not {
        module: wrong
        for module in texts
        if (wrong := (_packages(_imports(module)) | _imports(module)) & OUTSIDE)
    }


def test_no_module_imports_itself_by_way_of_others() -> None:
    # raises CycleError, with the modules of the circle
    TopologicalSorter(_graph()).prepare()


def test_no_public_class_has_the_name_of_another() -> None:
    defined: dict[str, list[str]] = {}
    for module, (_, tree) in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined.setdefault(node.name, []).append(module)
    assert {name: modules for name, modules in defined.items() if len(modules) > 1} == {}


def test_only_assets_and_checks_speak_dagster() -> None:
    """No other module of a floor imports it anywhere, nor loads a module that does."""
    plain = _plain_modules()
    assert not [module for module in plain if "dagster" in _packages(_imports(module))]
    assert not [module for module in plain if "dagster" in _packages(_loaded_with(module))]


def test_importing_the_definitions_loads_no_heavy_library() -> None:
    """Models, grammars and clusters are loaded where they are used, never at import."""
    heavy = ["magika", "onnxruntime", "py3langid", "sklearn", "distributed"]
    program = (
        "import sys, orchestration_assets.definitions\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_run_that_finds_nothing_needs_no_dagster() -> None:
    program = (
        "import sys, orchestration_assets.__main__, orchestration_assets.command.run\n"
        "print('dagster' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python up to 3.11.4 matches them wrongly (its issue 106052); an atomic group around a
    repeated one says the same."""
    repeated = re.compile(r"\)(?:[*+?]|\{\d+,?\d*\})\+(?!\{)")
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in files if repeated.search(path.read_text())]
