"""Our client in several processes of one home, which share places, rates and circuit.

``python -m benchmarks._http_processes HOME URL PLACES AT_ONCE`` is one of them: for every line of
its standard input, ``CALLS FIRST``, it says that it is ready, waits for another line, makes so many
calls, and prints what :class:`~benchmarks._http_clients.CallTimes` holds.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks._http_clients import CallTimes, ours_at_home
from orchestration_assets.command.garbage import collect_after_start, collect_from_here

PROCESSES: Final = 2


class ClientProcesses:
    """Processes that are started, and make calls when they are told to."""

    def __init__(self, processes: Sequence["subprocess.Popen[str]"]) -> None:
        self._processes = processes
        self._first = 0

    def calls(self, calls: int) -> CallTimes:
        """What calls took that were shared out among the processes, begun at the same time."""
        each = calls // len(self._processes)
        for process in self._processes:
            _tell(process, f"{each} {self._first}")
            # no question is asked twice: its answer is kept
            self._first += calls
        for process in self._processes:
            _hear(process)
        for process in self._processes:
            _tell(process, "begin")
        parts = [CallTimes(*json.loads(_hear(process))) for process in self._processes]
        return CallTimes(
            [took for part in parts for took in part.took],
            min(part.began for part in parts),
            max(part.ended for part in parts),
            sum(part.cpu_s for part in parts),
        )


@contextmanager
def client_processes(url: str, at_once: int) -> Iterator[ClientProcesses]:
    """Processes that make ``at_once`` calls together."""
    each = at_once // PROCESSES
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        command = [sys.executable, "-m", __name__, home, url, str(at_once), str(each)]
        processes = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(PROCESSES)
        ]
        yield ClientProcesses(processes)
        # a process whose input is closed has no more to do


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    print(line, file=process.stdin, flush=True)


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


async def _told_to_begin() -> None:
    print("ready", flush=True)
    # limits are kept up meanwhile
    await asyncio.to_thread(sys.stdin.readline)


def _serve(home: Path, url: str, places: int, at_once: int) -> None:
    for line in iter(sys.stdin.readline, ""):
        calls, first = map(int, line.split())
        measured = asyncio.run(
            ours_at_home(home, url, places, at_once, calls, _told_to_begin, first)
        )
        print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    collect_after_start()
    collect_from_here()
    _serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
