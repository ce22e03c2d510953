"""A process that carries out batches beside others of the same run.

It is told one batch a line on its standard input, and says on its standard output how far it is
and what came of each. When its input ends while it works, the process that started it is gone: it
stops too.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TextIO

from orchestration_assets.command.batch_execution import ExecutedBatches, carry_out_one
from orchestration_assets.command.garbage import collect_after_start
from orchestration_assets.command.interruption import stoppable
from orchestration_assets.command.limits import allow_open_files, saying_damage
from orchestration_assets.command.run_account import RunAccounts
from orchestration_assets.command.run_work import (
    RunPlan,
    RunWork,
    is_finished,
    open_definitions,
    read_plan,
)
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError, os_problem
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.forked_workers import ForkedWorkers
from resources.home import Home
from resources.series import read_series

IN_PROCESS: Final = "in-process"
"""In place of where Dask is: CPU work stays in the process, or goes to its own workers."""
_BETWEEN_REPORTS_S: Final = 0.1


class Reports:
    """Writes what happens, one JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pieces = 0
        self._last = 0.0

    def send(self, kind: str, **facts: Any) -> None:
        self._stream.write(json.dumps({"kind": kind, **facts}) + "\n")
        self._stream.flush()

    def stage(self, name: str, total: int) -> None:
        self._pieces = 0
        self.send("stage", name=name, total=total)

    def advance(self, pieces: int) -> None:
        self._pieces += pieces
        now = time.monotonic()
        if now - self._last >= _BETWEEN_REPORTS_S:
            self.send("advance", pieces=self._pieces)
            self._pieces, self._last = 0, now


class Orders:
    """The batches that this process is told to carry out, as they come."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._works = False
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def next(self) -> dict[str, Any] | None:
        """The next one; None when there is none any more."""
        line = self._lines.get()
        self._works = line is not None
        return json.loads(line) if line is not None else None

    def done(self) -> None:
        """The last one is carried out: from now on the input may end."""
        self._works = False

    def _listen(self) -> None:
        for line in self._stream:
            self._lines.put(line)
        self._lines.put(None)
        if self._works:
            os.kill(os.getpid(), signal.SIGTERM)


def main(series: str, workers: ForkedWorkers | None = None) -> int:
    """Carries out what it is told, CPU work by its own ``workers`` where it has some; returns the
    exit code."""
    # whatever a library prints must not come between the reports
    reports = Reports(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with stoppable() as signal_seen, saying_damage(sys.stderr):
        try:
            allow_open_files()
            orders = Orders(sys.stdin)
            # a copy of the command is there before the plan is
            if (first := orders.next()) is not None:
                _serve(read_plan(series), reports, orders, first, workers)
        except KeyboardInterrupt:
            return 128 + signal_seen()
        except OrchestrationError as error:
            reports.send("broken", words=str(error), exit_code=error.exit_code)
            return error.exit_code
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reports.send("broken", words=f"{where}{os_problem(error)}", exit_code=2)
            return 2
    return 0


def _serve(
    plan: RunPlan,
    reports: Reports,
    orders: Orders,
    first: dict[str, Any],
    workers: ForkedWorkers | None,
) -> None:
    from orchestration_assets.command.instance import instance_errors, open_instance
    from orchestration_assets.command.lean_arrow import allocate_from_system, convert_without_pandas
    from resources.in_process_work import InProcessWork

    convert_without_pandas()
    allocate_from_system()
    home = Home(plan.settings.home)
    accounts = RunAccounts(home.spending, plan.accounts, SpendBudget(plan.budget_usd))
    overrides: dict[str, Any] = {"progress": reports, "budget": accounts.budget}
    if plan.settings.dask == IN_PROCESS:
        overrides["dask_cluster"] = workers or InProcessWork()
    definitions = open_definitions(plan, overrides)
    policy_hash = load_policy(plan.settings.policy).hash
    with ExitStack() as stack:
        stack.enter_context(instance_errors(home))
        instance = stack.enter_context(open_instance(home))
        work = RunWork(plan, accounts, definitions, instance)
        stack.callback(work.traces.close)
        order: dict[str, Any] | None = first
        while order is not None:
            batch, due, carried = order["batch"], order["due"], ExecutedBatches()
            ours = carry_out_one(
                home,
                batch,
                partial(is_finished, plan, policy_hash),
                partial(work.execute, due=due),
                carried,
                waits=order["waits"],
            )
            orders.done()
            read_series(plan.series).note_ended(batch)
            if not ours:
                reports.send("held", batch=batch)
            elif carried.failed:
                (words,), (code,) = carried.failed.values(), carried.exit_codes
                reports.send("failed", batch=batch, words=words, exit_code=code)
            else:
                reports.send("elsewhere" if carried.elsewhere else "done", batch=batch)
            order = orders.next()


def command() -> None:
    """What is started, with the folder of the series as its argument."""
    collect_after_start()
    code = main(str(Path(sys.argv[1])))
    sys.stdout.flush()
    sys.stderr.flush()
    # as the command itself ends: without taking native libraries apart
    os._exit(code)


if __name__ == "__main__":
    command()
