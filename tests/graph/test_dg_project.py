"""A fresh Dagster project, made, filled, checked and run with Dagster's own `dg` alone."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.content.intake import take_in
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from tests.docs.pages import ROOT

TYPE = "orchestration_assets.component.ContentOrchestration"
# what `create-dagster project` writes, which is a package of its own
PROJECT = """
[project]
name = "newsroom"
version = "0.1.0"
requires-python = ">=3.11"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "newsroom"
"""
DEFINITIONS = """
from pathlib import Path

from dagster import definitions, load_from_defs_folder


@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
Dg = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "newsroom"
    package = folder / "src" / "newsroom"
    (package / "defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").touch()
    (package / "defs" / "__init__.py").touch()
    (package / "definitions.py").write_text(DEFINITIONS)
    for name in ("news", "tickets"):
        (folder / name).mkdir()
        (folder / name / "a.md").write_text(f"# The {name}\n\nThis is the text of the {name}.\n")
    return folder


@pytest.fixture
def run_dg(project: Path, tmp_path: Path) -> Dg:
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(instance),
        "DG_CLI_TELEMETRY": "0",
        "PYTHONPATH": os.pathsep.join([str(project / "src"), str(ROOT)]),
        "VIRTUAL_ENV": sys.prefix,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["dg", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.slow
@pytest.mark.skipif(find_spec("dagster_dg_cli") is None, reason="needs pip install dagster-dg-cli")
def test_two_homes_are_scaffolded_checked_listed_and_launched(
    project: Path, run_dg: Dg, tmp_path: Path
) -> None:
    assert TYPE in run_dg("list", "components", "--json")
    for name in ("news", "tickets"):
        run_dg("scaffold", "defs", TYPE, name, "--source", name)
    assert "All definitions loaded" in run_dg("check", "defs")
    listed = run_dg("list", "defs", "--json")
    for name in ("news", "tickets"):
        assert f'"{name}/resolutions"' in listed
        assert f'"{name}__process_batch"' in listed
    for name in ("news", "tickets"):
        home = Home(project / ".orchestration" / name)
        intake = take_in(home, str(project / name), load_policy().policy.content, datetime.now(UTC))
        (batch,) = intake.recorded
        with dg.DagsterInstance.from_config(str(tmp_path / "instance")) as instance:
            instance.add_dynamic_partitions(f"{name}__content_batches", [batch])
        run_dg("launch", "--job", f"{name}__process_batch", "--partition", batch)
        assert home.tables.read("resolutions", batch).num_rows > 0
