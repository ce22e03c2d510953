"""What steps print is kept where Dagster looks for it, and shown as ever."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType

from resources.captured_output import MirroredLogManager, mirrored_output

_KEY = ["run", "compute_logs", "step"]


def test_output_is_kept_and_shown_with_that_of_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    manager = MirroredLogManager(str(tmp_path / "storage"))
    with seen.open("w+", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        sys.stdout.write("before\n")
        with manager.capture_logs(_KEY):
            sys.stdout.write("a step\n")
            terminal.flush()
            subprocess.run(["echo", "a program"], stdout=terminal, check=True)
            os.write(terminal.fileno(), b"x" * 200_000)
        sys.stdout.write("after\n")
    kept = manager.get_log_data_for_type(_KEY, ComputeIOType.STDOUT)[0]

    assert kept == b"a step\na program\n" + b"x" * 200_000
    assert seen.read_bytes() == b"before\n" + kept + b"after\n"
    assert manager.is_capture_complete(_KEY)
    assert "captured output" not in {thread.name for thread in threading.enumerate()}


def test_a_stream_that_is_no_file_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manager = MirroredLogManager(str(tmp_path))

    with pytest.raises(RuntimeError), manager.capture_logs(_KEY):
        sys.stdout.write("a step\n")
        raise RuntimeError

    assert capsys.readouterr().out == "a step\n"
    assert not manager.is_capture_complete(_KEY)


def test_what_an_owner_configured_stands(tmp_path: Path) -> None:
    assert mirrored_output(tmp_path, {"compute_logs": {"module": "mine"}}) == {}
    assert "compute_logs" in mirrored_output(tmp_path, {})
