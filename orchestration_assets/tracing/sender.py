"""Sends the traces of batches as they are done, and never fails what it is told about."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.tracing.batch_trace import RunFacts
from orchestration_assets.tracing.export import Exporter, receivers
from orchestration_assets.tracing.marks import TraceMarks
from orchestration_assets.tracing.sampling import tracing_in_force
from orchestration_assets.tracing.sending import send_trace, send_verdicts
from resources.claims import is_claimed
from resources.home import Home


class TraceSender:
    """The traces of the batches that one process hears of; nothing where the policy asks for none.

    ``facts_of`` gives the last run over a batch, ``say`` tells a problem: once, also where several
    processes share the file ``told``. After that none tries again, and what was not sent stays due.
    ``otherwise``: what is traced where neither policy nor environment says.
    """

    def __init__(
        self,
        home: Home,
        policy: Policy,
        facts_of: Callable[[str], RunFacts | None],
        say: Callable[[str], None],
        told: Path | None = None,
        otherwise: Tracing | None = None,
    ) -> None:
        self._home, self._policy = home, policy
        self._facts_of, self._say = facts_of, say
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
        # also where nothing can be sent any more: what is due is sent later
        self._telling_problems(lambda: TraceMarks(self._home).begin(batch))
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
        run = self._facts_of(batch)
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
        self._telling_problems(work)

    def _telling_problems(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OrchestrationError as error:
            self._tell(str(error))
        except Exception as error:  # noqa: BLE001 -- no run is lost for its trace
            self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, why: str) -> None:
        if self.failed:
            return
        self.failed = True
        if self._telling is not None:
            try:
                self._telling.touch(exist_ok=False)
            except FileExistsError:
                return
        self._say(f"traces are not sent: {why}; `orchestrate traces` sends them later")
