"""Claims: one process at a time, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import resources.claims as module
from resources.claims import (
    Owner,
    claimed,
    claimed_unless_held,
    is_claimed,
    is_held,
    owner_of,
)

HOLDER = """
import sys
from pathlib import Path
from resources.claims import claimed
with claimed(Path(sys.argv[1]), "batch-1", "a test"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


def test_what_another_process_has_is_not_ours_until_it_gives_it_back(holder, tmp_path) -> None:
    with claimed_unless_held(tmp_path, "batch-1", "us") as ours:
        assert not ours
    assert is_claimed(tmp_path, "batch-1")
    owner = owner_of(tmp_path, "batch-1")
    assert owner is not None
    assert f"a test (process {holder.pid} on " in owner.description
    with claimed_unless_held(tmp_path, "batch-2", "us") as ours:
        assert ours
    holder.communicate("")
    with claimed_unless_held(tmp_path, "batch-1", "us") as ours:
        assert ours
    assert list((tmp_path / "claims").iterdir()) == []


def test_the_claim_of_a_killed_process_is_taken_over(holder, tmp_path) -> None:
    told: list[Owner | None] = []

    def waiting(owner: Owner | None) -> None:
        told.append(owner)
        os.kill(holder.pid, signal.SIGKILL)

    with claimed(tmp_path, "batch-1", "us", waiting) as waited:
        assert waited
        owner = owner_of(tmp_path, "batch-1")
        assert owner is not None
        assert owner.pid == os.getpid()
    assert [one.pid for one in told if one] == [holder.pid]
    assert not is_claimed(tmp_path, "batch-1")


def test_a_claim_inside_the_same_claim_is_part_of_it(tmp_path) -> None:
    with claimed(tmp_path, "batch-1", "outer"), claimed(tmp_path, "batch-1", "inner") as waited:
        assert not waited
    assert not is_claimed(tmp_path, "batch-1")


def test_threads_take_turns(tmp_path) -> None:
    inside, most = [], []

    def work(number: int) -> None:
        with claimed(tmp_path, "batch-1", "a thread"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == [1] * 4


@pytest.mark.parametrize("left", [b"", b"\x00" * 40, b"{", b"[1]", b'{"pid": 1}'])
def test_a_damaged_claim_of_a_process_that_is_gone_blocks_nobody(tmp_path, left) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "batch-1").write_bytes(left)
    with claimed_unless_held(tmp_path, "batch-1", "us") as ours:
        assert ours


def test_an_owner_on_another_machine_has_it_as_long_as_its_beat_goes_on(
    tmp_path, monkeypatch
) -> None:
    """On a shared file system without shared locks, only the beat tells."""
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(module, "_LEASE_S", 1.0)
    monkeypatch.setattr(module, "_BEAT_S", 0.02)
    with monkeypatch.context() as there:
        there.setattr(module, "machine", lambda: "another kernel")
        held, over = threading.Event(), threading.Event()

        def hold() -> None:
            with claimed(tmp_path, "batch-1", "there"):
                held.set()
                over.wait()

        other = threading.Thread(target=hold)
        other.start()
        held.wait()
    # its lock does not hold here
    monkeypatch.setattr(module.fcntl, "flock", lambda descriptor, how: None)
    with claimed_unless_held(tmp_path, "batch-1", "here") as ours:
        assert not ours
    # a look without a lock sees nobody, and a run that begins here would not wait for maintenance
    assert not is_claimed(tmp_path, "batch-1")
    assert is_held(tmp_path, "batch-1")
    left = (tmp_path / "claims" / "batch-1").read_bytes()
    over.set()
    other.join()
    # had it died instead, the file would have stayed as it was
    (tmp_path / "claims" / "batch-1").write_bytes(left)
    assert not is_held(tmp_path, "batch-1")
    assert not (tmp_path / "claims" / "batch-1").exists()
    (tmp_path / "claims" / "batch-1").write_bytes(left)
    with claimed_unless_held(tmp_path, "batch-1", "here") as ours:
        assert ours


def test_a_claim_that_is_given_back_and_taken_again_under_a_look_stays(
    tmp_path, monkeypatch
) -> None:
    path = tmp_path / "claims" / "batch-1"
    path.parent.mkdir()

    def hold(what: str) -> None:
        path.unlink(missing_ok=True)
        owner = Owner(1, "host", "another kernel", what, "now", nonce=what)
        path.write_bytes(module._plain(owner))

    def beats(looked_at: Path, before: Owner) -> bool:
        if before.what == "second":
            return True
        hold("second")
        return False

    monkeypatch.setattr(module, "_is_beating", beats)
    hold("first")
    assert is_held(tmp_path, "batch-1")
    owner = owner_of(tmp_path, "batch-1")
    assert owner is not None and owner.what == "second"


def test_a_claim_that_was_taken_over_is_not_given_back_by_its_first_owner(tmp_path) -> None:
    path = tmp_path / "claims" / "batch-1"
    with claimed(tmp_path, "batch-1", "first"):
        owner = Owner(1, "host", "another kernel", "second", "now", nonce="second")
        path.write_bytes(module._plain(owner))
    assert owner_of(tmp_path, "batch-1") == owner


def test_a_look_at_a_claim_keeps_nobody_from_taking_it(tmp_path, monkeypatch) -> None:
    """Whoever looks has the lock, too, for a moment."""
    path = tmp_path / "claims" / "batch-1"
    path.parent.mkdir()
    path.touch()
    looking = os.open(path, os.O_RDWR)
    module.fcntl.flock(looking, module.fcntl.LOCK_SH)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: os.close(looking))
    with claimed_unless_held(tmp_path, "batch-1", "here") as ours:
        assert ours


def test_the_beat_goes_on_after_a_write_that_failed(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "_BEAT_S", 0.01)
    write, failed, went_on = module._write, [], threading.Event()

    def full(descriptor: int, owner: Owner) -> None:
        if 1 <= owner.beat <= 3:
            failed.append(owner.beat)
            raise OSError(28, "No space left on device")
        write(descriptor, owner)
        if owner.beat > 3:
            went_on.set()

    monkeypatch.setattr(module, "_write", full)
    with claimed(tmp_path, "batch-1", "us"):
        assert went_on.wait(30)
        assert owner_of(tmp_path, "batch-1").beat > 3
    assert failed == [1, 2, 3]
    said = [one for one in caplog.messages if "No space left on device" in one]
    assert len(said) == 1
    assert "batch-1" in said[0]


def test_a_name_that_leaves_the_folder_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="not the name of a claim"):
        is_claimed(tmp_path, "../batch")
