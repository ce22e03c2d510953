"""What steps print is kept where Dagster looks for it, and shown as ever."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType

from resources import captured_output
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


def test_who_takes_no_output_holds_nothing_up_and_the_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured_output, "_NOT_TAKEN_S", 0.2)
    manager = MirroredLogManager(str(tmp_path / "storage"))
    reader, writer = os.pipe()
    printed = b"x" * 200_000  # more than a pipe holds
    with os.fdopen(writer, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        with manager.capture_logs(_KEY):
            os.write(terminal.fileno(), printed)
        kept = manager.get_log_data_for_type(_KEY, ComputeIOType.STDOUT)[0]
        assert kept is not None and kept.startswith(printed)
        assert b"bytes of this output were not taken" in kept[len(printed) :]
        assert manager.is_capture_complete(_KEY)
        taken = os.read(reader, 1 << 20)
        assert f"the last {len(printed) - len(taken)} bytes".encode() in kept
        # once it is read again, all of what comes then is shown
        with manager.capture_logs(["run", "compute_logs", "later"]):
            os.write(terminal.fileno(), b"a later step\n")
        assert os.read(reader, 1 << 20) == b"a later step\n"
    os.close(reader)


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
