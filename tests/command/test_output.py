"""What the command prints reaches any stream, and names of any bytes are found."""

import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main

COMMAND = [sys.executable, "-m", "orchestration_assets"]
POLICY = """
version: 2
services: {stopwords: {implementation: stopwords}}
tasks: {language: {question: Which?, default: {model: sequential, services: [stopwords]}}}
"""


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("output")
    source = folder / "source"
    source.mkdir()
    (source / "é.txt").write_text("The meeting was moved because the room was taken.")
    (folder / "policy.yaml").write_text(POLICY)
    with (source / os.fsdecode(b"\xff\xfe.txt")).open("w") as file:
        file.write("Nobody was unhappy about that, and the room was free again.")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        patch.setenv("ORCHESTRATION_POLICY", str(folder / "policy.yaml"))
        assert main(["run", str(source), "--home", str(folder / "home")]) == 0
    assert "accepted 2" in printed.getvalue()
    return folder


@pytest.mark.parametrize(
    ("item", "shown"), [("é.txt", b"\\xe9.txt"), (b"\xff\xfe.txt", b"\\xff\\xfe.txt")]
)
def test_any_name_is_found_and_shown_in_any_encoding(taken_in, item, shown) -> None:
    done = subprocess.run(
        [*COMMAND, "explain", item, "--home", str(taken_in / "home")],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_a_closed_output_is_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m orchestration_assets policy show >&-"],
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("policy show | head -1", 141), ("policy nonsense", 2), ("--version", 0), ("run ''", 2)],
)
def test_the_exit_code_reaches_the_shell(arguments, code) -> None:
    command = f"set -o pipefail; {sys.executable} -m orchestration_assets {arguments}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
