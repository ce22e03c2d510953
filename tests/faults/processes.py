"""Processes to break: a process that has loaded everything makes a child for each command.

Loading takes longest, and a kill needs no more than a real process. Children live in a mount
namespace of their own where the system allows it, so that a disk can be full for them alone.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
_PROGRAM = """
import json, os, subprocess, sys
import dagster, distributed, pyarrow.parquet
import orchestration_assets.definitions, orchestration_assets.command.run
import orchestration_assets.command.explain, orchestration_assets.command.job
from orchestration_assets.__main__ import main
import orchestration_assets.reporting.assets as reporting
from tests.faults import conditions

# a third of a small run draws pictures
reporting.batch_pictures = lambda figures: {}
reporting.trend_png = lambda rows: b""

def start(arguments, environment, said, under):
    child = os.fork()
    if child == 0:
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.setsid()
        os.environ.update(environment)
        for name, given in under.items():
            getattr(conditions, name)(*given)
        os._exit(main(arguments))
    return child

def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def system(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode

for line in sys.stdin:
    name, given = json.loads(line)
    print(globals()[name](**given), flush=True)
"""
_NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])


class Command:
    """A command under way: ``said`` is what it has written so far, to either stream."""

    def __init__(self, processes: "Processes", pid: int, said: Path) -> None:
        self._processes, self.pid, self._said = processes, pid, said

    @property
    def said(self) -> str:
        return self._said.read_text("utf-8", "replace") if self._said.exists() else ""

    @property
    def ours(self) -> list[str]:
        """The lines in which the command itself says what is the matter."""
        lines = self.said.splitlines()
        return [line for line in lines if line.startswith("orchestrate: ")]

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Returns once it holds, while the command is under way."""
        ends = time.monotonic() + PATIENCE_S
        while not holds():
            assert not self.is_over, f"it ended before {what}:\n{self.said[-3000:]}"
            assert time.monotonic() < ends, f"no {what}:\n{self.said[-3000:]}"
            time.sleep(0.002)

    @property
    def is_over(self) -> bool:
        # one that has ended and is not waited for has no files any more
        try:
            return not any(Path(f"/proc/{self.pid}/fd").iterdir())
        except OSError:
            return True

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """As a machine that loses its power: with everything that it started."""
        os.killpg(self.pid, signal.SIGKILL)
        assert self.end() == -signal.SIGKILL

    def end(self) -> int:
        """Its exit code, once it has ended."""
        ends = time.monotonic() + PATIENCE_S
        while not self.is_over and time.monotonic() < ends:
            time.sleep(0.01)
        if not self.is_over:
            os.killpg(self.pid, signal.SIGKILL)
            pytest.fail(f"it does not end:\n{self.said[-3000:]}")
        return self._processes.call("wait", child=self.pid)


class Processes:
    """Commands, each in a process of its own."""

    def __init__(
        self,
        parent: "subprocess.Popen[str]",
        folder: Path,
        clock: Path | None,
        *,
        mounts: bool,
    ) -> None:
        self._parent, self._folder, self._mounts = parent, folder, mounts
        self.clock = clock
        self._started = 0

    def call(self, name: str, **given: Any) -> int:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([name, given]) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def start(
        self, *arguments: object, environment: Mapping[str, str] | None = None, **under: list[Any]
    ) -> Command:
        """Starts the command. ``under`` names functions of conditions, with their arguments."""
        self._started += 1
        said = self._folder / f"{self._started}.txt"
        pid = self.call(
            "start",
            arguments=list(map(str, arguments)),
            environment=dict(environment or {}),
            said=str(said),
            under=under,
        )
        return Command(self, pid, said)

    def mounted(self, *arguments: object) -> None:
        """Calls ``mount`` for the commands alone."""
        if not self._mounts:
            pytest.skip("needs to mount a file system (as root, or with user namespaces)")
        assert self.call("system", command=["mount", *map(str, arguments)]) == 0

    def seen(self, path: Path) -> Path:
        """The path as the commands see it."""
        return Path(f"/proc/{self._parent.pid}/root{path}")


@contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """The process that makes the others, with a clock that ``CLOCK_OFFSET_S`` moves."""
    namespace = next(filter(_is_allowed, _NAMESPACES), None)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    clock = movable_clock(folder)
    if clock is not None:
        environment["LD_PRELOAD"] = str(clock)
    with subprocess.Popen(
        [*(namespace or []), sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=ROOT,
    ) as parent:
        try:
            yield Processes(parent, folder, clock, mounts=namespace is not None)
        finally:
            assert parent.stdin is not None
            parent.stdin.close()


def _is_allowed(namespace: list[str]) -> bool:
    if shutil.which(namespace[0]) is None:
        return False
    script = 'mount -t tmpfs -o size=64k none "$0"'
    command = [*namespace, "sh", "-c", script, "/mnt"]
    tried = subprocess.run(command, capture_output=True, check=False)
    return tried.returncode == 0


_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *offset = getenv("CLOCK_OFFSET_S");
    if (clock == CLOCK_REALTIME && offset) now->tv_sec += atol(offset);
    return result;
}
"""


def movable_clock(folder: Path) -> Path | None:
    """A library that moves the time of day of its process; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(_CLOCK)
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=False
    )
    return library if made.returncode == 0 else None
