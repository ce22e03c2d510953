"""A scaffolded service is a whole package: its own tests, linters and types pass, and it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from orchestration_assets.__main__ import main
from orchestration_assets.command.new_plugin import SCAFFOLDS
from orchestration_assets.policy.source_text import CURRENT
from tests.docs.pages import ROOT
from tests.plugins.distributions import install


def scaffold(folder: Path, name: str = "rush_mail", thing: str = "service") -> Path:
    place = folder / "package"
    assert main(["new", thing, name, "--folder", str(place)]) == 0
    return place


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_says_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "service", "rush_mail"]) == 0
    said = capsys.readouterr().out
    written = {
        str(path.relative_to(tmp_path / "rush-mail-service"))
        for path in (tmp_path / "rush-mail-service").rglob("*")
        if path.is_file()
    }
    assert written
    assert all(f"  {name}\n" in said for name in written)
    assert "cd rush-mail-service\n" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Rush", "small letters"),
        ("a-b", "small letters"),
        ("../up", "small letters"),
        ("a" * 61, "at most 60"),
        ("class", "is no name of a service"),
        ("langid", "a packaged service is called langid"),
        ("word_count", "a packaged feature is called word_count"),
        ("set", "a packaged kind is called set"),
    ],
)
def test_names_that_will_not_do(
    tmp_path: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    thing = next((one for one in SCAFFOLDS if f"packaged {one}" in words), "service")
    assert main(["new", thing, name, "--folder", str(tmp_path / "new")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = scaffold(tmp_path)
    (place / "pyproject.toml").write_text("mine")
    assert main(["new", "service", "rush_mail", "--folder", str(place)]) == 2
    assert "exists already; name another with --folder" in capsys.readouterr().err
    assert (place / "pyproject.toml").read_text() == "mine"


@pytest.fixture(scope="module")
def known_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy keeps of the project that every package imports: it takes far longer than they."""
    return tmp_path_factory.mktemp("types")


@pytest.mark.parametrize("thing", SCAFFOLDS)
def test_linters_and_types_pass(tmp_path: Path, known_types: Path, thing: str) -> None:
    place = scaffold(tmp_path, thing=thing)
    run(sys.executable, "-m", "ruff", "check", ".", cwd=place)
    run(sys.executable, "-m", "ruff", "format", "--check", ".", cwd=place)
    kept = {"MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(known_types)}
    run(sys.executable, "-m", "mypy", cwd=place, **kept)


@pytest.mark.parametrize("thing", ["feature", "kind"])
def test_its_own_tests_pass_and_its_policy_is_valid(tmp_path: Path, thing: str) -> None:
    place = scaffold(tmp_path, thing=thing)
    points = {"rush_mail": f"rush_mail_{thing}.{thing}:RushMail"}
    group = SCAFFOLDS[thing].group.value
    install(place, f"rush-mail-{thing}", points, group=group)
    paths = os.pathsep.join((str(place), str(ROOT)))
    run(sys.executable, "-m", "pytest", "-q", "tests", cwd=place, PYTHONPATH=paths)
    check = ("-m", "orchestration_assets", "policy", "check", "policy.yaml")
    assert "valid, 1 tasks" in run(sys.executable, *check, cwd=place, PYTHONPATH=paths)


@pytest.mark.slow
def test_built_and_installed_it_is_tested_and_runs(tmp_path: Path) -> None:
    """As its README says, in an environment of its own; batches side by side too."""
    place, environment = scaffold(tmp_path), tmp_path / "environment"
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", ".", cwd=place)
    (wheel,) = (place / "dist").glob("*.whl")
    run(sys.executable, "-m", "venv", str(environment), cwd=tmp_path)
    python = str(environment / "bin" / "python")
    # the libraries of this environment, without installing all of them again
    below = run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=tmp_path)
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    Path(below.strip(), "libraries.pth").write_text("\n".join(paths))
    run(python, "-m", "pip", "install", "-q", "--no-deps", str(wheel), cwd=tmp_path)
    (place / "rush_mail_service").rename(place / "not_imported")
    run(python, "-m", "pytest", "-q", "tests", cwd=place)
    assert "(rush-mail-service 0.1.0," in run(
        python, "-m", "orchestration_assets", "plugins", cwd=place
    )
    policy = place / "policy.yaml"
    small = "version: 2\ncontent: {batch: {max_items: 1}}\n"
    policy.write_text(policy.read_text().replace("version: 2\n", small))
    command = [python, "-m", "orchestration_assets", "run", "samples", "--json", "--jobs", "2"]
    run(*command, "--policy", "policy.yaml", "--home", "home", cwd=place)
    logs = [pq.read_table(path) for path in (place / "home/tables/call_log").glob("*.parquet")]
    assert [log.column("service").to_pylist().count("rush_mail") for log in logs] == [1, 1, 1]
    resolutions = (place / "home/tables/resolutions").glob("*.parquet")
    answers = [pq.read_table(path).column("answer")[0].as_py() for path in resolutions]
    assert set(answers) <= {"urgent", "calm"}
    assert len(answers) == 3


@pytest.mark.parametrize("thing", SCAFFOLDS)
def test_its_policy_is_of_the_present_format(tmp_path: Path, thing: str) -> None:
    written = scaffold(tmp_path, f"own_{thing}", thing) / "policy.yaml"
    assert yaml.safe_load(written.read_text())["version"] == CURRENT
