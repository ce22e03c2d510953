"""Batches of one run side by side: each in one of several processes, handed out in their order.

A process that dies has its batch taken up again by a new one: its finished answers are kept, and
what it held of the home is given back by the system.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, Protocol

from orchestration_assets.command.batch_execution import ExecutedBatches, say
from orchestration_assets.command.batch_process import IN_PROCESS
from orchestration_assets.command.batch_process import main as carry_out_orders
from orchestration_assets.command.display import Display
from orchestration_assets.command.forked_process import forked
from orchestration_assets.command.local_workers import forked_workers, one_thread
from orchestration_assets.command.preparation import load_for_batches
from orchestration_assets.command.run_work import RunPlan, with_dask
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from resources.dask_cluster import local_cluster
from resources.forked_workers import ForkedWorkers
from resources.machine import usable_cores
from resources.series import read_series
from resources.spending.writer import PART_OF, process_name
from resources.worker_gain import PROCESSES, THREADS

_ATTEMPTS: Final = 3
"""A batch whose process has died so often has failed."""
_STOPPING_S: Final = 30.0
"""A process that is told to stop keeps what it has finished; one that takes longer is killed."""
_NOT_TAKEN_S: Final = 5.0
"""How long the end waits for a terminal that was stopped."""
_MODULE: Final = "orchestration_assets.command.batch_process"


class BrokenProcessError(OrchestrationError):
    """A process beside this one met what ends the whole run; the message is its own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Report(NamedTuple):
    process: "BatchProcess"
    facts: dict[str, Any]


class Child(Protocol):
    """What a :class:`subprocess.Popen` and a copy of this process have in common."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[str] | None: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    @property
    def stderr(self) -> IO[str] | None: ...

    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def _environment() -> dict[str, str]:
    """What is added to the environment of a process of a run."""
    # libraries read it when they are loaded: each process has one core
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    return {"OMP_NUM_THREADS": threads, PART_OF: process_name()}


def _begun_anew(series: str) -> Child:
    """A process that loads all for itself: copies are made before the run has any threads."""
    path = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, "-P", "-m", _MODULE, series],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        # Ctrl-C reaches the command alone, which ends its processes in order
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, **_environment()},
    )


class BatchProcess:
    """One process, and the batch that it works on, if it does.

    ``child`` is one that waits for its first order; without, one is begun.
    """

    def __init__(
        self, series: str, reports: "SimpleQueue[_Report]", child: Child | None = None
    ) -> None:
        self.batch: str | None = None
        self._reports = reports
        self.child: Child = child or _begun_anew(series)
        self._threads = [
            threading.Thread(target=target, daemon=True, name=f"process {self.child.pid}")
            for target in (self._hear, self._pass_on)
        ]
        for thread in self._threads:
            thread.start()

    def give(self, batch: str, due: Sequence[str], *, waits: bool) -> None:
        """Has it carry out a batch."""
        self.batch = batch
        assert self.child.stdin is not None
        # one that died meanwhile is heard of in any case
        with suppress(BrokenPipeError):
            self.child.stdin.write(json.dumps({"batch": batch, "due": due, "waits": waits}) + "\n")
            self.child.stdin.flush()

    def dismiss(self) -> None:
        """Lets it end, since there is nothing more to do."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):
            self.child.stdin.close()

    def join(self, seconds: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        code = self.child.wait(seconds)
        heard, passed_on = self._threads
        heard.join()
        # whoever takes nothing of it holds nothing up: what steps say is kept in files
        passed_on.join(_NOT_TAKEN_S)
        for stream in (self.child.stdin, self.child.stdout):
            # what is left of an order that it never read is of no use
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        return code

    def _hear(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            # half a line is the last thing that one said which was killed
            with suppress(ValueError):
                self._reports.put(_Report(self, json.loads(line)))
        self._reports.put(_Report(self, {"kind": "gone"}))

    def _pass_on(self) -> None:
        assert self.child.stderr is not None
        with self.child.stderr as said:
            for line in said:
                _show(line)


def _show(line: str) -> None:
    """Passes on a line to where errors go, with no lock held while nobody takes it."""
    try:
        place = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        sys.stderr.write(line)
        sys.stderr.flush()
        return
    rest = line.encode("utf-8", "backslashreplace")
    with suppress(OSError):
        while rest:
            rest = rest[os.write(place, rest) :]


class Pool:
    """The processes of a run; ends all of them when the block is left."""

    def __init__(self, plan: RunPlan, display: Display) -> None:
        self._plan = plan
        self._display = display
        self._series = read_series(plan.series)
        self._reports: SimpleQueue[_Report] = SimpleQueue()
        self._processes: list[BatchProcess] = []
        self._waiting = deque(plan.sizes)
        self._held: deque[str] = deque()
        self._ended: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._carried = ExecutedBatches()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            if error is None:
                process.dismiss()
            else:
                with suppress(ProcessLookupError):
                    process.child.send_signal(signal.SIGTERM)
        for process in self._processes:
            self._end(process)

    def _end(self, process: BatchProcess) -> None:
        try:
            process.join(_STOPPING_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.child.kill()
            process.join()

    def start(self, jobs: int, waiting: Sequence[Child] = ()) -> None:
        """So many processes: those that wait for an order, and others."""
        for n in range(jobs):
            self._start(*waiting[n : n + 1])

    def _start(self, *waiting: Child) -> None:
        process = BatchProcess(self._plan.series, self._reports, *waiting)
        self._processes.append(process)
        self._hand_out(process)

    def _hand_out(self, process: BatchProcess) -> None:
        process.batch = None
        due = [batch for batch in self._plan.sizes if batch not in self._ended]
        if self._waiting:
            batch = self._waiting.popleft()
            # what was taken up before is nobody else's: in a store the claim of a process that died
            # holds for a while yet, and later batches would go on without this one
            process.give(batch, due, waits=bool(self._deaths[batch]))
        elif self._held:
            process.give(self._held.popleft(), due, waits=True)
        else:
            process.dismiss()

    def run(self) -> ExecutedBatches:
        """Each process that is free gets the next batch, until every batch has ended.

        Raises BrokenProcessError.
        """
        while self._processes:
            process, facts = self._reports.get()
            self._take(process, facts)
        order = list(self._plan.sizes)
        self._carried.done.sort(key=order.index)
        self._carried.elsewhere.sort(key=order.index)
        return self._carried

    def _take(self, process: BatchProcess, facts: dict[str, Any]) -> None:
        kind, batch = facts["kind"], process.batch
        if kind == "stage" and batch is not None:
            self._display.of(batch).stage(facts["name"], facts["total"])
        elif kind == "advance" and batch is not None:
            self._display.of(batch).advance(facts["pieces"])
        elif kind == "broken":
            raise BrokenProcessError(facts["words"], facts["exit_code"])
        elif kind == "gone":
            self._bury(process)
        elif batch is not None and facts.get("batch") == batch:
            self._settle(kind, batch, facts)
            self._hand_out(process)

    def _settle(self, kind: str, batch: str, facts: dict[str, Any]) -> None:
        if kind == "held":
            self._held.append(batch)
            return
        self._ended.add(batch)
        if kind == "failed":
            self._fail(batch, facts["words"], facts["exit_code"])
        elif kind == "elsewhere" and not self._deaths[batch]:
            self._carried.elsewhere.append(batch)
        else:
            self._carried.done.append(batch)

    def _fail(self, batch: str, words: str, exit_code: int) -> None:
        self._ended.add(batch)
        self._series.note_ended(batch)
        self._carried.failed[batch] = words
        self._carried.exit_codes.add(exit_code)

    def _bury(self, process: BatchProcess) -> None:
        code, batch = process.join(), process.batch
        self._processes.remove(process)
        if batch is None:
            if code and (self._waiting or self._held):
                raise BrokenProcessError(f"a process ended at once ({_ending(code)})", 1)
            return
        self._deaths[batch] += 1
        words = f"batch {batch}: its process {process.child.pid} {_ending(code)}"
        if self._deaths[batch] >= _ATTEMPTS:
            self._fail(batch, f"{words}, as those before it; run the same command to go on", 1)
            say(self._carried.failed[batch])
        else:
            say(f"{words}; the batch is taken up again")
            self._waiting.appendleft(batch)
        # others may wait for this very batch
        if self._waiting or self._held:
            self._start()


@contextmanager
def processes(
    plan: RunPlan, jobs: int, display: Display, preparation: threading.Thread | None = None
) -> Iterator[Pool]:
    """Starts ``jobs`` processes for the batches of the plan; all have ended after the block.

    They have what ``preparation`` loads meanwhile, where they are copies of this process.
    What a batch may see of others, and so its tables, is the same for every number of processes.
    """
    count = min(jobs, len(plan.sizes))
    services = load_policy(plan.settings.policy).policy.services.values()
    if preparation is not None:
        # once for all of them
        load_for_batches(services)
        preparation.join()
    copy = partial(
        _as_copy,
        plan.series,
        partial(forked_workers, plan.settings.dask, services, usable_cores() // count),
        is_limited="OMP_NUM_THREADS" in os.environ,
    )
    with (
        # before anything starts a thread
        forked(count, copy, _environment()) as copies,
        _cpu_work(plan, jobs, is_forked=bool(copies)) as shared,
    ):
        shared.store()
        with Pool(shared, display) as pool:
            pool.start(count, copies)
            yield pool


def _as_copy(
    series: str,
    workers: Callable[[], AbstractContextManager[ForkedWorkers | None]],
    *,
    is_limited: bool,
) -> int:
    """What a copy of the command does; it has one core, as one that is begun anew, and workers for
    its share of the others."""
    if not is_limited:
        one_thread()
    # before it has any thread
    with workers() as its_own:
        return carry_out_orders(series, its_own)


@contextmanager
def _cpu_work(plan: RunPlan, jobs: int, *, is_forked: bool = False) -> Iterator[RunPlan]:
    """The plan with the place of its CPU work: in the processes, where they are copies that have
    workers of their own (``is_forked``), else one cluster for all where cores are left for it."""
    cores = usable_cores()
    if plan.settings.dask not in (THREADS, PROCESSES):
        yield plan
    elif is_forked or plan.settings.dask == THREADS or cores < 2 * jobs:
        yield with_dask(plan, IN_PROCESS)
    else:
        with local_cluster(cores - jobs, PROCESSES) as cluster:
            yield with_dask(plan, cluster.scheduler_address)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed ({signal.Signals(-code).name})"
