"""Each guide is followed, step by step, on a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks

_GUIDES = [page for page in PAGES if page.name.startswith("add-")]
_COPIED = ("orchestration_assets", "resources", "jobs", "sensors", "benchmarks", "docs")
_NAME = re.compile(r"(?:# |\{# )(\S+\.(?:py|yaml|html))")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages, with the tests' own fixtures but none of the tests."""
    # with what is compiled, which holds for the same sources; not with what is being written
    ignored = shutil.ignore_patterns("*.pyc.*")
    for name in _COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for folder in ("", "services", "profiling", "disagreement", "content", "evidence"):
        (tmp_path / "tests" / folder).mkdir(exist_ok=True)
        (tmp_path / "tests" / folder / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("guide", _GUIDES, ids=lambda page: page.stem)
def test_the_guide_can_be_followed(copy: Path, guide: Path) -> None:
    for block in blocks(guide):
        match block.language:
            case "python" | "yaml" | "html":
                _write(copy, block)
            case "diff":
                _change(copy, block)
            case "sh":
                _run(copy, block)


def _write(folder: Path, block: Block) -> None:
    """A new file; its first line says which."""
    named = _NAME.match(block.text)
    assert named, f"{block}: the first line names the file"
    path = folder / named[1]
    assert not path.exists(), f"{block}: {named[1]} exists already"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, "utf-8")


def _change(folder: Path, block: Block) -> None:
    """A change of a file: the lines that stay or go stand there once. Without such lines those
    that come are put at the end."""
    first, *lines = block.text.splitlines()
    path = folder / first.removeprefix("+++ ")
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    text = path.read_text("utf-8")
    if not before:
        path.write_text(f"{text}{after}\n", "utf-8")
        return
    assert text.count(before) == 1, f"{block}: these lines stand {text.count(before)} times"
    path.write_text(text.replace(before, after), "utf-8")


def _run(folder: Path, block: Block) -> None:
    # the copy comes first; what is installed beside it is not looked at
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PATH": f"{binaries}:{os.environ['PATH']}",
    }
    for name in [name for name in environment if name.startswith(("ORCHESTRATION_", "PYTEST_"))]:
        del environment[name]
    script = block.text.replace("orchestrate ", "python -m orchestration_assets ")
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
