"""The command as a process: stopped, and with little allowed to it. See tests/faults too."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resources.run_locks import STOPPED_TAG


def start(source: Path, home: Path, **options):
    program = [sys.executable, "-m", "orchestration_assets", "run", str(source)]
    return subprocess.Popen(
        [*program, "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on_and_is_no_failure(corpus, home, number) -> None:
    import dagster as dg

    for n in range(60):
        (corpus / f"note{n}.md").write_text(f"# Note {n}\n\nThis is the note with number {n}.\n")
    with start(corpus, home) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("profiling"):
                break
        child.send_signal(number)
        said = child.stderr.read()
        assert child.wait() == 128 + number
    assert "orchestrate: stopped; run the same command to go on" in said
    assert "Traceback" not in said
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        # what a signal raises inside a callback is lost: then it takes effect behind the job
        assert run.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS)
        assert STOPPED_TAG in run.tags


def test_too_few_open_files_are_said_before_anything_breaks(corpus, home) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with start(corpus, home, preexec_fn=few) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert said.count("\n") == 1
    assert "ulimit -n 1024" in said


def test_a_full_disk_is_said_with_the_remedy(corpus, home) -> None:
    """A limit on the size of files refuses writes as a full disk does."""

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    with start(corpus, home, preexec_fn=small) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait() == 2
    assert "Traceback" not in said
    assert "File too large; allow larger files" in said
    assert str(home) in said
