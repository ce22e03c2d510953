"""Sends the trace of each batch that a run carried out, and never fails the run for it."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration_assets.command.batch_execution import say
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.tracing.batch_trace import RunFacts, StepFacts
from orchestration_assets.tracing.export import Exporter, receivers
from orchestration_assets.tracing.marks import TraceMarks
from orchestration_assets.tracing.sampling import tracing_in_force
from orchestration_assets.tracing.sending import send_trace, send_verdicts
from resources.claims import is_claimed
from resources.home import Home

if TYPE_CHECKING:
    import dagster as dg

DAGSTER_VARIABLE: Final = "ORCHESTRATION_DAGSTER_URL"
_PARTITION: Final = "dagster/partition"
_NS: Final = 1_000_000_000


class RunTraces:
    """The traces of the batches that one process carries out; nothing where the policy asks for
    none.

    A problem is told once, also where several processes share the file ``told``: no process tries
    again, and what was not sent stays due. ``otherwise``: what is traced where neither policy nor
    environment says.
    """

    def __init__(
        self,
        home: Home,
        policy: Policy,
        instance: "dg.DagsterInstance",
        told: Path | None = None,
        otherwise: Tracing | None = None,
    ) -> None:
        self._home, self._policy, self._instance = home, policy, instance
        self._tracing = tracing_in_force(policy.tracing) or otherwise
        self._telling = told
        self._exporter: Exporter | None = None
        self.failed = False
        self.sent = self.told = 0
        """Batches whose trace arrived, and events about verdicts that came later."""

    @contextmanager
    def of(self, batch: str) -> Generator[None, None, None]:
        """Around the run of a job over the batch: its trace is sent at the end, whatever became
        of the run. One that is stopped from outside leaves it due."""
        if self._tracing is None:
            yield
            return
        self._safely(lambda: TraceMarks(self._home).begin(batch))
        try:
            yield
        except Exception:
            self.send(batch)
            raise
        self.send(batch)

    def send(self, batch: str) -> None:
        """Sends the trace of the last run over the batch."""
        if self._tracing is not None:
            self._safely(lambda: self._send(batch))

    def send_rest(self) -> None:
        """Sends what earlier runs left due, and what people said since."""
        if self._tracing is None:
            return
        for batch, mark in TraceMarks(self._home).all():
            # who has claimed it sends it
            if mark.due and not is_claimed(self._home.folder, batch):
                self.send(batch)
        self._safely(self._send_verdicts)

    def close(self) -> None:
        """Closes the connections."""
        if self._exporter is not None:
            self._exporter.close()

    def _send(self, batch: str) -> None:
        run = run_facts(self._instance, batch)
        if run is not None and self._tracing is not None:
            send_trace(self._home, run, self._policy, self._tracing, self._open())
            self.sent += 1

    def _send_verdicts(self) -> None:
        if self._tracing is not None:
            self.told += send_verdicts(self._home, self._policy, self._tracing, self._open)

    def _open(self) -> Exporter:
        if self._exporter is None:
            self._exporter = Exporter(receivers())
        return self._exporter

    def _safely(self, work: Callable[[], object]) -> None:
        if self.failed or (self._telling is not None and self._telling.exists()):
            return
        try:
            work()
        except OrchestrationError as error:
            self._tell(str(error))
        except Exception as error:  # noqa: BLE001 -- no run is lost for its trace
            self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, why: str) -> None:
        self.failed = True
        if self._telling is not None:
            try:
                self._telling.touch(exist_ok=False)
            except FileExistsError:
                return
        say(f"traces are not sent: {why}; `orchestrate traces` sends them later")


def run_facts(instance: "dg.DagsterInstance", batch: str) -> RunFacts | None:
    """The last run over the batch with its steps; None where there is none. One whose process was
    killed has no end: it ended with its last step."""
    import dagster as dg
    from dagster._core.execution.stats import StepEventStatus

    about = dg.RunsFilter(tags={_PARTITION: batch})
    record = next(iter(instance.get_run_records(about, limit=1)), None)
    if record is None or record.start_time is None:
        return None
    run = record.dagster_run
    steps = tuple(
        StepFacts(
            one.step_key,
            _ns(one.start_time),
            _ns(one.end_time or one.start_time),
            "failed" if one.status is StepEventStatus.FAILURE else None,
            one.attempts or 1,
        )
        for one in instance.get_run_step_stats(run.run_id)
        if one.start_time is not None
    )
    base = os.environ.get(DAGSTER_VARIABLE, "").rstrip("/")
    return RunFacts(
        run.run_id,
        run.job_name,
        batch,
        _ns(record.start_time),
        _ns(record.end_time) or max((one.end_ns for one in steps), default=_ns(record.start_time)),
        run.status is not dg.DagsterRunStatus.SUCCESS,
        steps,
        f"{base}/runs/{run.run_id}" if base else None,
    )


def _ns(seconds: float | None) -> int:
    return round((seconds or 0.0) * _NS)
