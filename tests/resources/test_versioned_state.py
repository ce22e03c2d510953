"""State with versions: of many writers one wins, and nothing that was written is ever lost.

Real processes, real kills, and a real S3-compatible server on loopback.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.errors import DamagedFileError
from resources.exclusive_files import create_atomically
from resources.home import Home
from resources.home_store import use_store
from resources.state_logs.file_log import FileLog
from resources.table_store import LOCAL_FILES
from resources.versioned_state import (
    ChangeNote,
    NoSuchVersionError,
    StateConflictError,
    VersionedState,
)
from tests.servers import s3_server

ROOT = Path(__file__).parents[2]
NOTE = ChangeNote("eva", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "because")


def _state(folder: Path, name: str = "s") -> VersionedState:
    return VersionedState(name, FileLog(folder / name, LOCAL_FILES))


def test_the_first_of_two_writers_wins_and_the_other_is_told_by_whom_and_why(tmp_path) -> None:
    one, other = _state(tmp_path), _state(tmp_path)
    assert one.current() is None
    one.put({"a": 1}, 0, ChangeNote("ann", NOTE.when, "a first\nvalue"))

    with pytest.raises(StateConflictError, match="by ann at 2026-01-02 03:04:05 UTC: a first v"):
        other.put({"a": 2}, 0, NOTE)

    now = other.current()
    assert now is not None
    assert (now.number, now.value, now.before) == (1, {"a": 1}, "")
    assert other.put({"a": 2}, 1, NOTE).before == now.value_hash


def test_an_earlier_version_comes_back_as_a_new_one_and_nothing_is_taken_out(tmp_path) -> None:
    state = _state(tmp_path)
    for number in range(3):
        state.put({"n": number}, number, NOTE)
    with pytest.raises(NoSuchVersionError):
        state.rollback(4, 3, NOTE)
    with pytest.raises(StateConflictError):
        state.rollback(1, 2, NOTE)

    back = state.rollback(1, 3, NOTE)

    assert (back.number, back.restores, back.value) == (4, 1, {"n": 0})
    assert [one.value["n"] for one in state.history()] == [0, 1, 2, 0]
    assert [one.number for one in state.history(after=2)] == [3, 4]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "-a", "a\n"])
def test_a_state_has_a_plain_name(tmp_path, name) -> None:
    with pytest.raises(ValueError, match="not the name of a state"):
        Home(tmp_path).state(name)


def _spoilt(stated: dict[str, Any]) -> Iterator[bytes]:
    yield b""
    yield b"[]"
    yield b"[" * 100_000
    yield json.dumps(stated | {"value": {"n": 9}}).encode()
    yield json.dumps(stated | {"version": 1}).encode()
    yield json.dumps(stated | {"when": "yesterday"}).encode()


def test_a_version_that_was_changed_is_named_with_the_remedy(tmp_path) -> None:
    state = _state(tmp_path)
    state.put({"n": 1}, 0, NOTE)
    state.put({"n": 2}, 1, NOTE)
    path = tmp_path / "s" / "000000002.json"
    sound = path.read_bytes()
    for data in _spoilt(json.loads(sound)):
        path.write_bytes(data)
        with pytest.raises(DamagedFileError, match=r"000000002\.json.*bring it back"):
            state.current()
    path.write_bytes(sound)
    (tmp_path / "s" / "000000001.json").write_bytes(
        json.dumps(
            json.loads((tmp_path / "s" / "000000001.json").read_bytes())
            | {"value": {}, "value_hash": _state(tmp_path, "t").put({}, 0, NOTE).value_hash}
        ).encode()
    )
    with pytest.raises(DamagedFileError, match="does not follow"):
        list(state.history())


def test_what_people_write_stays_on_one_line(tmp_path) -> None:
    note = ChangeNote("eve\x1b[2J\n", NOTE.when, "x\r\n" * 1_000)
    made = _state(tmp_path).put({}, 0, note)
    assert made.note.who == "eve [2J"
    assert len(made.note.why) <= 500
    assert made.note.why.isprintable()


def test_what_is_no_json_is_refused_and_leaves_nothing(tmp_path) -> None:
    state = _state(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        state.put({"n": float("nan")}, 0, NOTE)
    assert state.current() is None


def test_without_hard_links_a_lock_decides_and_says_so(tmp_path, monkeypatch, caplog) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert create_atomically(tmp_path / "one", b"a")
    assert not create_atomically(tmp_path / "one", b"b")
    assert (tmp_path / "one").read_bytes() == b"a"
    assert "write from one machine only" in caplog.text


steps = st.lists(st.tuples(st.sampled_from(range(3)), st.integers(0, 4)), max_size=40)


@given(steps)
def test_any_interleaving_of_writers_that_saw_what_they_saw(tmp_path_factory, steps) -> None:
    """Writers look and write at any moment; a write succeeds exactly when nobody came between."""
    folder = tmp_path_factory.mktemp("state")
    writers = [_state(folder) for _ in range(3)]
    saw = [0, 0, 0]
    model: list[int] = []
    for count, (writer, doing) in enumerate(steps):
        state = writers[writer]
        if doing == 0:
            now = state.current()
            saw[writer] = now.number if now else 0
            assert (now.value["n"] if now else None) == (model[-1] if model else None)
        elif doing == 1 and model:
            if saw[writer] == len(model):
                state.rollback(1, saw[writer], NOTE)
                model.append(model[0])
        elif saw[writer] == len(model):
            state.put({"n": count}, saw[writer], NOTE)
            model.append(count)
        else:
            with pytest.raises(StateConflictError) as told:
                state.put({"n": count}, saw[writer], NOTE)
            assert [one.value["n"] for one in told.value.since] == model[saw[writer] :]
    assert [one.value["n"] for one in writers[0].history()] == model


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from resources.home import Home
from resources.home_store import use_store
from resources.versioned_state import ChangeNote

folder, url, name, times = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3], int(sys.argv[4])
use_store(folder, url)
state = Home(folder).state("counters")

def more(value):
    return {**(value or {}), name: (value or {}).get(name, 0) + 1}

print("ready", flush=True)
sys.stdin.readline()
for n in range(times):
    made = state.update(more, ChangeNote(name, datetime.now(UTC), str(n)))
    print(made.number, flush=True)
"""


@contextmanager
def writers(homes: list[Path], url: str, times: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes, each of which counts its own name up so many times, all let go at once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home), url, f"w{n}", str(times)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n, home in enumerate(homes)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _linear(state: VersionedState, written: dict[str, list[int]]) -> None:
    """No version is lost, none is there twice, and each builds on the one before it."""
    history = list(state.history())
    assert [one.number for one in history] == list(range(1, len(history) + 1))
    for name, numbers in written.items():
        own = [one.number for one in history if one.note.who == name]
        # what a killed process made last it may not have said
        assert own[: len(numbers)] == numbers
        assert len(own) - len(numbers) in (0, 1)
    counts: dict[str, int] = {}
    for one in history:
        counts[one.note.who] = counts.get(one.note.who, 0) + 1
        assert one.value == counts


def test_ten_processes_lose_no_update_and_the_history_is_complete_and_in_order(tmp_path) -> None:
    with writers([tmp_path] * 10, "", 30) as processes:
        said = {f"w{n}": process.communicate()[0] for n, process in enumerate(processes)}
    written = {name: [int(line) for line in lines.split()] for name, lines in said.items()}
    assert all(len(numbers) == 30 for numbers in written.values())
    _linear(Home(tmp_path).state("counters"), written)


def test_a_writer_that_is_killed_leaves_a_version_or_none(tmp_path) -> None:
    with writers([tmp_path] * 4, "", 100_000) as processes:
        for process in processes:
            assert process.stdout is not None
            for _ in range(20):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    state = Home(tmp_path).state("counters")
    _linear(state, {})
    history = list(state.history())
    assert len(history) >= 80
    assert state.update(lambda value: dict(value or {}), NOTE).number == len(history) + 1


def test_machines_that_share_a_store_lose_no_update_either(tmp_path) -> None:
    with s3_server():
        url = "s3://bucket/states"
        homes = [tmp_path / f"machine{n}" for n in range(3)]
        use_store(homes[0], url)
        with writers(homes, url, 8) as processes:
            said = {f"w{n}": process.communicate()[0] for n, process in enumerate(processes)}
        written = {name: [int(line) for line in lines.split()] for name, lines in said.items()}
        assert all(len(numbers) == 8 for numbers in written.values())
        for home in homes:
            _linear(Home(home).state("counters"), written)
        use_store(tmp_path / "later", url)
        _linear(Home(tmp_path / "later").state("counters"), written)
