"""The house's walls: who imports whom, who speaks Dagster, and that importing does nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    "schemas",
    "text",
    "resources",
    "services",
    "policy",
    "content",
    "profiling",
    "features",
    "evidence",
    "selection",
    "processing",
    "disagreement",
    "reporting",
]
# what stands above every floor, in this order
ABOVE = ["jobs", "sensors", "definitions", "command"]
# plain helpers at the top of the package that any floor may use
SHARED = {"partitions", "progress", "settings"}
MAY_SPEAK_DAGSTER = {"assets.py", "checks.py", "definitions.py", "partitions.py"}


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return found


def _room(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] in ("resources", "jobs", "sensors", "benchmarks"):
        return parts[0]
    if parts[0] == "orchestration_assets" and len(parts) > 1:
        return parts[1]
    return None


def _modules() -> list[Path]:
    packages = ("orchestration_assets", "resources", "jobs", "sensors")
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_one_way(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    here = _room(module)
    order = [*FLOORS, *ABOVE]
    if here not in order:
        return
    for imported in _imports(path):
        there = _room(imported)
        if there is None or there in SHARED or there == here or there.startswith("__"):
            continue
        assert there in order, f"{module} imports {imported}, which is no floor"
        assert order.index(there) < order.index(here), f"{module} must not import {imported}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_assets_and_checks_speak_dagster(path: Path) -> None:
    inside = path.relative_to(ROOT).parts
    floor = len(inside) == 3 and inside[1] in FLOORS
    if not floor or path.name in MAY_SPEAK_DAGSTER:
        return
    assert not [name for name in _imports(path) if name.split(".")[0] == "dagster"]


def test_importing_the_definitions_loads_no_heavy_library() -> None:
    """Models, grammars and clusters are loaded where they are used, never at import."""
    heavy = ["magika", "onnxruntime", "py3langid", "sklearn", "matplotlib", "distributed"]
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
