"""A process that makes workers by copying itself: each begins with all that it has loaded.

It is forked while this process has no other thread, and never has one itself, so that a copy of it
is sound at any later moment. A copy takes milliseconds and shares memory with it until either
writes there.
"""

import ctypes
import errno
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple, NoReturn
from warnings import catch_warnings, simplefilter

# of sys/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PID_BYTES: Final = 8
_STANDARD_STREAMS: Final = 3
_PREPARE, _FORK = b"p", b"w"


class ForkServerGoneError(OSError):
    """There will be no more workers; the message says why."""


class Worker(NamedTuple):
    """A copy of the fork server that waits at the other end of ``connection``."""

    pid: int
    connection: Connection

    def kill(self) -> None:
        """Ends it at once, whatever it does."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def can_fork() -> bool:
    """Whether a copy of this process is sound: no other thread may hold what the copy needs, and
    the libraries of macOS do not survive it."""
    return sys.platform == "linux" and threading.active_count() == 1


class ForkServer:
    """The fork server of this process: made where :func:`can_fork`, and ended by :meth:`close`.

    ``prepare`` is called in it before the first worker is made, and loads what workers need;
    ``work`` is what each worker does with its connection until the other end is closed. All of them
    end with this process, however that ends.
    """

    def __init__(self, prepare: Callable[[], object], work: Callable[[Connection], object]) -> None:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        with catch_warnings():
            # threads that are not Python's own belong to libraries that see to it
            simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            _ending(lambda: _serve(theirs, parent, prepare, work))
        theirs.close()
        self._channel = ours
        self._lock = threading.Lock()
        self._has_made = False

    def prepare(self) -> None:
        """Has it load what workers need while this process does something else."""
        # when it has ended, who asks for a worker is told
        with suppress(OSError):
            self._channel.send(_PREPARE)

    def worker(self) -> Worker:
        """Another worker; the first one waits until all is loaded.

        Raises ForkServerGoneError.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            answer = b""
            with suppress(OSError):
                socket.send_fds(self._channel, [_FORK], [theirs.fileno()])
                answer = self._channel.recv(_PID_BYTES, socket.MSG_WAITALL)
        if len(answer) < _PID_BYTES:
            ours.close()
            raise ForkServerGoneError("the process that makes workers was killed")
        told = int.from_bytes(answer, signed=True)
        if told < 0:
            ours.close()
            raise ForkServerGoneError(f"no further process can be begun ({os.strerror(-told)})")
        self._has_made = True
        return Worker(told, Connection(ours.detach()))

    def close(self) -> None:
        """Ends it and every worker, whatever they do."""
        self._channel.close()
        if not self._has_made:
            # it may be in the middle of loading, for nobody
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        # with its workers' processor time, which so becomes part of this process's
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _ending(work: Callable[[], object]) -> NoReturn:
    """Does the work and ends this copy; whatever surrounds the call is not its own, and never
    goes on."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 -- the last that it can do is to say what broke
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(
    channel: socket.socket,
    parent: int,
    prepare: Callable[[], object],
    work: Callable[[Connection], object],
) -> None:
    _end_with(parent, b"fork-server")
    # a signal to the copy is none to the process that it is a copy of
    signal.set_wakeup_fd(-1)
    # Ctrl-C reaches the command alone, which ends its processes in order
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_go_of_files(channel.fileno())
    is_prepared, server = False, os.getpid()
    made: set[int] = set()
    while True:
        told, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        if not told:
            _end(made)
            return
        if not is_prepared:
            is_prepared = True
            prepare()
            # what was made so far stays: who copies it must not search it for garbage
            gc.freeze()
        if told == _PREPARE:
            continue
        with catch_warnings():
            simplefilter("ignore", DeprecationWarning)
            pid = _forked()
        if not pid:
            channel.close()
            _end_with(server, b"worker")
            work(Connection(descriptors[0]))
            return
        os.close(descriptors[0])
        made = {one for one in made if not os.waitpid(one, os.WNOHANG)[0]}
        if pid > 0:
            made.add(pid)
        channel.sendall(pid.to_bytes(_PID_BYTES, signed=True))


def _forked() -> int:
    """As os.fork; below 0 the number of the error where the system gives no further process."""
    try:
        return os.fork()
    except OSError as error:
        return -(error.errno or errno.EAGAIN)


def _end(workers: Collection[int]) -> None:
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for pid in workers:
        os.waitpid(pid, 0)


def _end_with(parent: int, name: bytes) -> None:
    """Has the system kill this process when its parent ends; ``name`` is what `ps` shows."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    library.prctl(_PR_SET_NAME, name)
    if os.getppid() != parent:
        # it had ended before the system was told
        os._exit(1)


def _let_go_of_files(kept: int) -> None:
    """Puts nothing in the place of every open file but ``kept``: locks of the process that this is
    a copy of would hold until both have let go.

    The numbers stay taken, so that an object that is still there closes nobody else's file.
    What is printed goes beside the results of the command, to its standard error.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    for name in list(Path("/proc/self/fd").iterdir()):
        number = int(name.name)
        # the list itself was one of them
        if number >= _STANDARD_STREAMS and number not in (kept, nothing) and name.is_symlink():
            os.dup2(nothing, number, inheritable=False)
