"""Copies of this process: they begin with all that it has loaded, and share the memory of it."""

import gc
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from subprocess import TimeoutExpired
from typing import Final, NoReturn, TextIO
from warnings import catch_warnings, simplefilter

from resources.fork_server import can_fork

_LOOK_EVERY_S: Final = 0.02
_STANDARD_STREAMS: Final = 3


class ForkedProcess:
    """A copy of this process, as :class:`subprocess.Popen` shows one that was started."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: TextIO = os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout: TextIO = _reading(stdout)
        self.stderr: TextIO = _reading(stderr)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, below 0 the signal that ended it. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            pid, status = os.waitpid(self.pid, 0 if until is None else os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif until is not None and time.monotonic() >= until:
                raise TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            else:
                time.sleep(_LOOK_EVERY_S)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends the signal, unless it has ended and was waited for."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        with suppress(ProcessLookupError):
            self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Lets go of its streams: one that still waits for its first line ends by it."""
        for stream in (self.stdin, self.stdout, self.stderr):
            with suppress(OSError):
                stream.close()


@contextmanager
def forked(
    count: int, work: Callable[[], int], environment: Mapping[str, str]
) -> Iterator[Sequence[ForkedProcess]]:
    """So many copies of this process, each of which ends with what ``work`` returns; none where
    :func:`~resources.fork_server.can_fork` says so.

    Each has pipes for its standard streams, a session of its own, and ``environment`` added to its
    environment. Those that have not been waited for are told to end, by the end of their input,
    when the block is left.
    """
    started: list[ForkedProcess] = []
    try:
        if can_fork():
            started += _started(count, work, environment)
        yield tuple(started)
    finally:
        for process in started:
            process.close()
            process.wait()


def _started(
    count: int, work: Callable[[], int], environment: Mapping[str, str]
) -> Iterator[ForkedProcess]:
    # what was made so far stays: who copies it must not search it for garbage
    gc.freeze()
    sys.stdout.flush()
    sys.stderr.flush()
    # (reading, writing) of standard input, output and error of each
    pipes = [[os.pipe() for _ in range(_STANDARD_STREAMS)] for _ in range(count)]
    ours, theirs = [], []
    for stdin, stdout, stderr in pipes:
        theirs.append((stdin[0], stdout[1], stderr[1]))
        ours.append((stdin[1], stdout[0], stderr[0]))
    pids = []
    for streams in theirs:
        with catch_warnings():
            # threads that are not Python's own belong to libraries that see to it
            simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            every = [end for pair in (*ours, *theirs) for end in pair]
            _carry_out(work, streams, every, environment)
        pids.append(pid)
    for end in (end for streams in theirs for end in streams):
        os.close(end)
    for pid, streams in zip(pids, ours, strict=True):
        yield ForkedProcess(pid, *streams)


def _carry_out(
    work: Callable[[], int],
    streams: Sequence[int],
    pipes: Sequence[int],
    environment: Mapping[str, str],
) -> NoReturn:
    """What a copy does, from its first moment to its end; whatever surrounds the call is not its
    own, and never goes on."""
    code = 1
    try:
        # a signal to the copy is none to the process that it is a copy of
        signal.set_wakeup_fd(-1)
        os.setsid()
        for number, end in enumerate(streams):
            os.dup2(end, number)
        for end in pipes:
            if end >= _STANDARD_STREAMS:
                os.close(end)
        sys.stdin = _reading(0)
        sys.stdout, sys.stderr = _writing(1), _writing(2)
        os.environ.update(environment)
        code = work()
    except BaseException:  # noqa: BLE001 -- the last that it can do is to say what broke
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _reading(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "r", encoding="utf-8", errors="backslashreplace")


def _writing(descriptor: int) -> TextIO:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True
    )
