"""`orchestrate serve` as a process: what it says, whom it answers, how it ends."""

import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from orchestration_assets.__main__ import main
from tests.conftest import Finished


def test_it_serves_until_it_is_interrupted(copied: Finished) -> None:
    command = (sys.executable, "-m", "orchestration_assets", "serve", "--port", "0")
    process = subprocess.Popen(
        [*command, "--home", str(copied.home), "--read-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert found is not None, said
        assert httpx.get(found[0]).status_code == 200
        assert httpx.get(found[0], headers={"host": "evil.example"}).status_code == 421
        # nothing is written to a home that is only shown
        assert not (copied.home / "cache" / "explorer").exists()
    finally:
        process.send_signal(signal.SIGINT)
        _, problems = process.communicate(timeout=120)
    assert process.returncode in (0, 130)
    assert "Traceback" not in problems


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "other machines could reach it"),
        (["--home", "/nowhere/at/all"], "there is no such home"),
        (["--policy", "/nowhere.yaml"], "/nowhere.yaml"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    finished: Finished,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--home", str(finished.home), "--read-only", *options]) == 2
    problem = capsys.readouterr().err
    assert words in problem
    assert problem.count("\n") == 1


def test_a_port_that_is_taken_is_said(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = ["serve", "--home", str(finished.home), "--read-only", "--port", port]
        assert main(run) == 2
    assert "give another --port" in capsys.readouterr().err


def test_forgetting_takes_the_index_away(copied: Finished) -> None:
    folder = copied.home / "cache" / "explorer"
    folder.mkdir(parents=True)
    (folder / "x.items.arrow").write_bytes(b"notes.txt")
    assert main(["forget", "notes.txt", "--home", str(copied.home), "--yes"]) == 0
    assert not folder.exists()
