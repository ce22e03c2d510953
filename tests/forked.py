"""Processes of tests, each forked from one that has loaded what takes longest to load.

A kill needs no more than a real process, and an interpreter of its own takes longer to load the
libraries than most of these processes live. What an interpreter does by itself, when it starts and
when it ends, is tested with one.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[1]
_LOADED = (
    "pytest",
    "dagster",
    "pyarrow.parquet",
    "orchestration_assets.definitions",
    "orchestration_assets.command.run",
)


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LOADED))
    return context


def forked(function: Callable[..., object], *arguments: object) -> BaseProcess:
    """A process that calls ``function``, one at module level, and ends; it does not outlive ours.

    It has our environment as it was when the first of them was started.
    """
    process = _context().Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def event() -> Event:
    """What they and this process wait for, and set: an argument of :func:`forked`."""
    return _context().Event()


def kill(process: BaseProcess) -> None:
    """Kills it as `kill -9` does, and returns once it is gone."""
    process.kill()
    process.join()


class Captured:
    """A forked process whose output is kept, as :class:`subprocess.Popen` shows one.

    ``said`` is what it has written to standard error so far.
    """

    def __init__(
        self,
        folder: Path,
        function: Callable[..., int],
        *arguments: object,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        written = Path(mkdtemp(dir=folder))
        self._out, self._said = written / "out", written / "said"
        whole = {**os.environ, **(environment or {})}
        self._process = forked(_captured, self._out, self._said, whole, function, *arguments)
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8") if self._said.exists() else ""

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Its output and what it said, once it has ended. Raises subprocess.TimeoutExpired."""
        self.wait(timeout)
        return self._out.read_text("utf-8") if self._out.exists() else "", self.said

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def command(
    folder: Path, *arguments: object, environment: Mapping[str, str] | None = None
) -> Captured:
    """`orchestrate` with these arguments; what it writes is kept below ``folder``."""
    return Captured(folder, _command, *map(str, arguments), environment=environment)


def _command(*arguments: str) -> int:
    from orchestration_assets.__main__ import main

    return main(list(arguments))


def _captured(
    out: Path,
    said: Path,
    environment: dict[str, str],
    function: Callable[..., int],
    *arguments: object,
) -> None:
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, 1), (said, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    sys.exit(function(*arguments))
