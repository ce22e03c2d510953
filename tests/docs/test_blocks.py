"""What the pages show is run: their policies, commands and programs."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from orchestration_assets.__main__ import _parser
from orchestration_assets.policy.load import load_policy, parse_policy
from tests.conftest import Finished
from tests.docs.pages import PAGES, ROOT, Block, blocks, code_spans

_GUIDES = "add-"
_BLOCKS = [
    block
    for page in PAGES
    for block in blocks(page)
    # those of the guides need what the guides make: see test_guides
    if not page.name.startswith(_GUIDES)
]
_REST = """
services: {stopwords: {implementation: stopwords}}
tasks: {language: {question: Which, default: {model: sequential, services: [stopwords]}}}
"""
_COMMAND = re.compile(r"(?:\w+=\S+ )*(?:orchestrate|python -m) .*")


def _of(language: str) -> list[Block]:
    return [block for block in _BLOCKS if block.language == language]


def test_every_block_is_of_a_language_that_is_checked() -> None:
    checked = {"sh", "yaml", "python", "text"}
    assert not [str(block) for block in _BLOCKS if block.language not in checked]


def _commands() -> dict[str, str]:
    """Every command of blocks and of code within sentences, with the page it stands on first."""
    found: dict[str, str] = {}
    for page in PAGES:
        shell = [block.text for block in blocks(page) if block.language == "sh"]
        lines = [part for text in shell for line in text.splitlines() for part in line.split("&&")]
        for line in (*lines, *code_spans(page)):
            if _COMMAND.fullmatch(line.strip()):
                found.setdefault(line.strip(), page.name)
    return found


@pytest.mark.parametrize(("command", "page"), _commands().items())
def test_every_command_is_understood(command: str, page: str) -> None:
    """By the parser of `orchestrate`; modules that are run with `python -m` exist."""
    words = [word for word in shlex.split(command.partition(">")[0]) if word not in {"...", "|"}]
    while "=" in words[0] and not words[0].startswith("-"):
        words.pop(0)
    if words[0] == "orchestrate":
        # a command that is only named takes arguments that are not
        given = ["1" if word == "X" else word for word in words[1:]]
        try:
            _parser().parse_args(given if len(given) > 1 else [*given, "--help"])
        except SystemExit as ended:
            assert ended.code == 0, f"{page}: {command}"
        return
    module = words[2]
    assert find_spec(module), f"{page}: {command}"
    if module == "benchmarks" and len(words) > 3:
        assert (ROOT / "benchmarks" / f"{words[3]}.py").exists(), f"{page}: {command}"


def test_every_benchmark_that_is_named_exists_and_every_one_is_named() -> None:
    listed = {span.split()[0] for span in code_spans(ROOT / "docs" / "benchmarks.md")}
    written = {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    runnable = {name for name in written if not name.startswith("fit_")}
    assert runnable <= listed


@pytest.mark.parametrize("block", _of("yaml"), ids=str)
def test_every_policy_is_valid(block: Block, tmp_path: Path) -> None:
    """A block that is marked as a part is valid once it has a task and a service.

    One that is marked by a file's name is that file, beside the others of its page.
    """
    text = block.text
    if block.marks and block.marks[0].endswith(".yaml"):
        for other in _of("yaml"):
            if other.page == block.page and other.marks:
                (tmp_path / other.marks[0]).write_text(other.text, "utf-8")
        for environment in load_policy(tmp_path / block.marks[0], "").environments or ("",):
            load_policy(tmp_path / block.marks[0], environment, {})
        return
    if "part" in block.marks:
        text = yaml.safe_dump({"version": 2, **yaml.safe_load(_REST), **yaml.safe_load(text)})
    parse_policy(text, str(block))


@pytest.mark.parametrize("block", _of("python"), ids=str)
def test_every_query_runs_and_finds_rows(finished: Finished, tmp_path: Path, block: Block) -> None:
    (tmp_path / ".orchestration").symlink_to(finished.home)
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if "pandas" in block.text:
        # duplicates find their answers too
        assert "main.py" in done.stdout and "copy_of_main.py" in done.stdout
