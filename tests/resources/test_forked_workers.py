"""Real forks: results, errors, kills of workers and of who makes them, and the end of all of them.

Each test has a process of its own, which has no other thread when it forks.
"""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from resources.fork_server import ForkServer, ForkServerGoneError, can_fork
from resources.forked_workers import ForkedWorkers, WorkersDiedError, serve_pieces
from tests.forked import ROOT, forked

LOADED: list[int] = []


def _alone(test: Callable[..., None]) -> Callable[..., None]:
    """The test in a process of its own, which it does not outlive."""

    def run(tmp_path: Path) -> None:
        process = forked(_called, test.__qualname__, tmp_path)
        process.join()
        assert process.exitcode == 0

    run.__doc__, run.__name__ = test.__doc__, test.__name__
    BODIES[test.__qualname__] = test
    return run


BODIES: dict[str, Callable[..., None]] = {}


def _called(name: str, tmp_path: Path) -> None:
    # whoever started the tests may have ignored it, as a shell does for what goes on behind it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    BODIES[name](tmp_path)


@contextmanager
def opened(workers: int = 2) -> Iterator[tuple[ForkedWorkers, list[str]]]:
    said: list[str] = []
    assert can_fork()
    server = ForkServer(lambda: LOADED.append(os.getpid()), serve_pieces)
    with ForkedWorkers(server, workers, said.append) as forks:
        yield forks, said
    # nobody is left behind, whatever the test did
    assert not psutil.Process().children(recursive=True)


def _double(number: int) -> int:
    time.sleep(0.01)
    return 2 * number


def _where(_: int) -> tuple[int, int, tuple[int, ...]]:
    time.sleep(0.02)
    return os.getpid(), os.getsid(0), tuple(LOADED)


def _fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three is not allowed")
    return number


class _OddError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def _fail_oddly(number: int) -> int:
    raise _OddError(number, number)


def _die_once(path: str) -> int:
    """Kills its own worker the first time."""
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def _die_in(mother: int) -> int:
    """Kills every process but the one that has the pieces."""
    if os.getpid() != mother:
        os.kill(os.getpid(), signal.SIGKILL)
    return mother


def _allow_one() -> None:
    """As a limit of processes has it."""
    begin, begun = os.fork, []

    def fork() -> int:
        if begun:
            raise BlockingIOError(errno.EAGAIN, "too many")
        begun.append(True)
        return begin()

    os.fork = fork


def _note_and_wait(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


@_alone
def test_every_piece_comes_with_its_own_result_of_a_process_that_had_all_loaded(_) -> None:
    with opened() as (workers, said):
        assert dict(workers.map_chunks(_double, range(40))) == {n: 2 * n for n in range(40)}
        found = [where for _, where in workers.map_chunks(_where, range(40))]
        pids, sessions, loaded = (set(one) for one in zip(*found, strict=True))
        # the two that were there before; what was loaded was loaded once, by who was copied
        assert len(pids) == 2
        assert loaded == {(workers._server.pid,)}
        # Ctrl-C of a terminal reaches this process only
        assert os.getsid(0) not in sessions
        large = os.urandom(3_000_000)
        assert next(workers.map_chunks(bytes.hex, [large])) == (large, large.hex())
        assert list(workers.map_chunks(_double, [])) == []
    assert said == []


@_alone
def test_what_a_piece_raises_is_raised_and_later_work_goes_on(_) -> None:
    with opened() as (workers, said):
        with pytest.raises(ValueError, match="three is not allowed") as caught:
            list(workers.map_chunks(_fail_at_three, range(20)))
        assert "_fail_at_three" in "".join(caught.value.__notes__)
        # what cannot be sent is told in words
        with pytest.raises(RuntimeError, match="_OddError: 7 and 7"):
            list(workers.map_chunks(_fail_oddly, [7]))
        with pytest.raises(Exception, match="pickle"):
            list(workers.map_chunks(_double, [threading.Lock()]))
        assert sorted(workers.map_chunks(_double, [1, 2])) == [(1, 2), (2, 4)]
    assert said == []


@_alone
def test_an_answer_that_could_not_be_taken_is_none_to_another_piece(_) -> None:
    receive, failed = Connection.recv_bytes, []

    def short_of_memory(connection: Connection, *given: int) -> bytes:
        if threading.current_thread() is not threading.main_thread() and not failed:
            failed.append(connection)
            raise MemoryError
        return receive(connection, *given)

    with opened(1) as (workers, said), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "recv_bytes", short_of_memory)
        with pytest.raises(MemoryError):
            next(workers.map_chunks(_double, [21]))
        assert list(workers.map_chunks(str, [1, 2])) == [(1, "1"), (2, "2")]
    assert said == []


@_alone
def test_work_of_a_killed_worker_is_done_again_and_said_in_one_line(folder) -> None:
    with opened() as (workers, said):
        pieces = [str(folder / name) for name in "abcd"]
        for name in "bcd":
            (folder / name).touch()
        found = dict(workers.map_chunks(_die_once, pieces))
        assert set(found) == set(pieces)
        assert os.getpid() not in found.values()
        # one that is killed while it has nothing to do is no loss either
        for worker in workers._idle:
            worker.kill()
        assert dict(workers.map_chunks(_double, range(8))) == {n: 2 * n for n in range(8)}
    assert "ended at work; what it was doing is done again" in said[0]


@_alone
def test_a_piece_that_ends_every_worker_ends_the_work_and_not_this_process(_) -> None:
    with opened() as (workers, said):
        with pytest.raises(WorkersDiedError, match="ended 3 worker processes"):
            list(workers.map_chunks(_die_in, [os.getpid()]))
        assert list(workers.map_chunks(_double, [4])) == [(4, 8)]
    assert len(said) == 3


@_alone
def test_without_the_process_that_makes_workers_this_one_goes_on_alone(_) -> None:
    with opened() as (workers, said):
        list(workers.map_chunks(_double, range(4)))
        os.kill(workers._server.pid, signal.SIGKILL)
        _until(lambda: not _alive(worker.pid for worker in workers._idle))
        mother = os.getpid()
        # no worker can be had, and none is killed any more
        assert list(workers.map_chunks(_die_in, [mother, mother])) == [(mother, mother)] * 2
        assert workers.gain.workers == 0
        assert not workers.gain.pays(1e9)
    assert [line for line in said if "goes on alone" in line] == [said[-1]]


@_alone
def test_where_no_further_process_can_be_begun_those_there_are_go_on(_) -> None:
    with ForkedWorkers(ForkServer(_allow_one, serve_pieces), 2, lambda _: None) as workers:
        worker = workers.take()
        with pytest.raises(ForkServerGoneError, match="no further process can be begun"):
            workers.take()
        workers.give_back(worker)
        assert sorted(workers.map_chunks(_double, range(6))) == [(n, 2 * n) for n in range(6)]
        assert _alive([worker.pid])


@_alone
def test_workers_that_died_between_two_steps_are_no_fault_of_a_piece(_) -> None:
    with opened(workers=4) as (workers, said):
        idle = [workers.take() for _ in range(4)]
        for worker in idle:
            worker.kill()
            workers.give_back(worker)
        _until(lambda: not _alive(worker.pid for worker in idle))
        assert sorted(workers.map_chunks(_double, range(4))) == [(n, 2 * n) for n in range(4)]
        assert not said


@_alone
def test_who_stops_listening_leaves_nobody_at_work(folder) -> None:
    with opened() as (workers, said):
        threading.Thread(target=_interrupt_once, args=(folder, 2), daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            list(workers.map_chunks(_note_and_wait, [str(folder)] * 5))
        _until(lambda: not _alive(int(one.name) for one in folder.iterdir()))
        assert list(workers.map_chunks(_double, [4])) == [(4, 8)]
    assert said == []


def _interrupt_once(folder: Path, count: int) -> None:
    _until(lambda: len(list(folder.iterdir())) == count)
    os.kill(os.getpid(), signal.SIGINT)


@_alone
def test_a_copy_holds_no_lock_of_the_process_that_it_is_a_copy_of(folder) -> None:
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with opened() as (workers, _):
            assert list(workers.map_chunks(_double, [4])) == [(4, 8)]
            # to close is to let go: nobody else has it open
            held.close()
            with (folder / "lock").open("w") as again:
                fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


PROGRAM = """
import sys
from resources.fork_server import ForkServer
from resources.forked_workers import ForkedWorkers, serve_pieces
from tests.resources.test_forked_workers import _note_and_wait

with ForkedWorkers(ForkServer(lambda: None, serve_pieces), 2, print) as workers:
    print(workers._server.pid, flush=True)
    list(workers.map_chunks(_note_and_wait, [sys.argv[1]] * 2))
"""


def test_all_of_them_end_with_a_command_that_is_killed(tmp_path) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert command.stdout is not None
        server = int(command.stdout.readline())
        _until(lambda: len(list(tmp_path.iterdir())) == 2)
    finally:
        command.kill()
        command.communicate()
    _until(lambda: not _alive([server, *(int(one.name) for one in tmp_path.iterdir())]))


def _alive(pids) -> list[int]:
    """Those that still run; one that is only to be waited for has ended."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")
