"""What the README shows is run: its queries, its policy, its commands."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import parse_policy
from resources.home import Home

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def processed(tmp_path_factory) -> Path:
    """A folder in which the README's main command was run on a small corpus."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "in").mkdir()
    (folder / "in" / "a.py").write_text("import os\n\nprint(os.getcwd())\n")
    (folder / "in" / "b.py").write_text("import os\n\nprint(os.getcwd())\n")
    (folder / "in" / "c.h").write_text("#include <vector>\nnamespace a { class B {}; }\n")
    assert main(["run", str(folder / "in"), "--home", str(folder / ".orchestration")]) == 0
    return folder


def test_it_shows_three_queries() -> None:
    assert len(_blocks("python")) == 3


@pytest.mark.parametrize("query", _blocks("python"))
def test_every_query_runs_and_finds_rows(processed: Path, query: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", query], cwd=processed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if "pandas" in query:
        # duplicates find their answers too
        assert "a.py" in done.stdout and "b.py" in done.stdout


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_every_policy_is_valid(text: str) -> None:
    parse_policy(text, "README.md")


def test_own_labels_in_five_minutes(tmp_path: Path) -> None:
    """The policy that the README shows tells an invoice from a complaint."""
    letters = {
        "march.txt": "Please find attached the invoice for March; the amount due is 40 euros.",
        "kettle.txt": "The kettle is broken and I want a refund. I am very disappointed with you.",
    }
    (tmp_path / "letters").mkdir()
    for name, text in letters.items():
        (tmp_path / "letters" / name).write_text(text)
    (policy,) = (block for block in _blocks("yaml") if "by_words" in block)
    (tmp_path / "labels.yaml").write_text(policy)
    home = tmp_path / "home"
    arguments = ["--policy", str(tmp_path / "labels.yaml"), "--home", str(home)]
    assert main(["run", str(tmp_path / "letters"), *arguments]) == 0
    store = Home(home).tables
    (batch,) = store.batches("resolutions")
    rows = store.read("resolutions", batch).to_pylist()
    assert {row["path"]: row["answer"] for row in rows} == {
        "march.txt": "invoice",
        "kettle.txt": "complaint",
    }


def test_there_are_exactly_two_set_up_commands() -> None:
    commands = [line for block in _blocks("sh") for line in block.splitlines() if "pip" in line]
    assert len(commands) == 2
    assert all(command.startswith("pip install -c constraints.txt -e ") for command in commands)


@pytest.mark.slow
def test_the_wheel_runs_in_a_clean_environment(tmp_path: Path) -> None:
    """Built, installed beside nothing else, and run where no source tree is in sight."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "clean", with_pip=True)
    binaries = tmp_path / "clean" / "bin"
    install = [str(binaries / "pip"), "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.py").write_text("import os\n\nprint(os.getcwd())\n")
    done = subprocess.run(
        [str(binaries / "orchestrate"), "run", "in"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "accepted 1" in done.stdout
    assert (tmp_path / ".orchestration" / "reports" / "index.html").exists()
