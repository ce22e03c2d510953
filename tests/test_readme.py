"""The README is short, and its commands and its example do what it says; see tests/docs too."""

import re
import subprocess
import sys
import venv
from importlib.metadata import Distribution
from importlib.metadata import distribution as distribution_named
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestration_assets.__main__ import main
from resources.home import Home

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


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


def test_a_newcomer_reads_it_in_five_minutes() -> None:
    assert len(README.splitlines()) <= 160


def test_there_are_exactly_two_set_up_commands() -> None:
    commands = [line for block in _blocks("sh") for line in block.splitlines() if "pip" in line]
    assert len(commands) == 2
    assert all(command.startswith("pip install -c constraints.txt -e ") for command in commands)


@pytest.mark.slow
def test_the_wheel_runs_in_a_clean_environment(tmp_path: Path) -> None:
    """Built, installed beside nothing but what it asks for, and run without a source tree."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    typed = {name for name in ZipFile(wheel).namelist() if name.endswith("/py.typed")}
    packages = ("orchestration_assets", "resources", "jobs", "sensors", "benchmarks")
    assert typed == {f"{package}/py.typed" for package in packages}
    venv.create(tmp_path / "clean", with_pip=True)
    binaries = tmp_path / "clean" / "bin"
    pip = [str(binaries / "pip"), "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", str(wheel)], check=True, capture_output=True
    )
    (installed,) = (tmp_path / "clean").glob("lib/python*/site-packages")
    (described,) = installed.glob("content_orchestration-*.dist-info")
    _link_requirements(Distribution.at(described), installed)
    checked = subprocess.run([*pip, "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
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


def _link_requirements(asking: Distribution, into: Path) -> None:
    """What a distribution requires, and what that requires, as it is installed here: to resolve
    and to fetch all of it once more would only take time."""
    met: set[tuple[str, str]] = set()
    waiting = [(asking, "")]
    while waiting:
        distribution, extra = waiting.pop()
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            required = distribution_named(name)
            for asked in {"", *requirement.extras} - {one for at, one in met if at == name}:
                met.add((name, asked))
                waiting.append((required, asked))
                if not asked:
                    _link(required, into)


def _link(distribution: Distribution, into: Path) -> None:
    for file in distribution.files or ():
        place = into / file
        # commands stand outside; what a virtual environment brings stays
        if ".." in file.parts or place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(Path(str(file.locate())).resolve())
