"""Carrying out batches of a run, in the process of the command or in one beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration_assets.command.batch_execution import say
from orchestration_assets.command.corpus_reports import mark_due
from orchestration_assets.command.job_execution import execute_job
from orchestration_assets.command.run_account import RunAccounts
from orchestration_assets.command.run_traces import run_traces
from orchestration_assets.content.batch_completion import finished_since, spending_pass
from orchestration_assets.content.deferred import DeferredBatch
from orchestration_assets.conversations.stale import StaleBatch
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENT_REPORT,
    PROCESSING_PLANS,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.run_claims import ReportVersion, report_version
from resources.series import read_series

if TYPE_CHECKING:
    import dagster as dg

_PLAN: Final = "run.json"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run is to do, as plain data for every process that takes part in it.

    ``sizes``: batch -> its entries, in the order of the run. ``before``: batch -> the version of
    the report that it had. ``series``: the folder of the run's series. ``accounts``: the batches
    that are on an account of the spending ledger. ``stale``: batches with messages whose
    conversation has changed before them.
    """

    settings: Settings
    again: bool
    budget_usd: float | None
    sizes: Mapping[str, int]
    before: Mapping[str, ReportVersion | None]
    deferred: Mapping[str, DeferredBatch]
    accounts: tuple[str, ...]
    series: str
    stale: Mapping[str, StaleBatch] = field(default_factory=dict[str, StaleBatch])

    def store(self) -> None:
        """Writes it into the folder of its series, for :func:`read_plan`."""
        facts = asdict(self)
        (Path(self.series) / _PLAN).write_text(json.dumps(facts, default=str), encoding="utf-8")


def read_plan(series: str) -> RunPlan:
    """The plan that is stored in the folder of a series."""
    facts = json.loads((Path(series) / _PLAN).read_text("utf-8"))
    settings = facts["settings"]
    policy = settings["policy"]
    return RunPlan(
        Settings(
            Path(settings["home"]),
            Path(policy) if policy is not None else None,
            tuple(settings["sources"]),
            settings["dask"],
            settings["tick_seconds"],
            settings["store"],
        ),
        facts["again"],
        facts["budget_usd"],
        facts["sizes"],
        {batch: tuple(one) if one else None for batch, one in facts["before"].items()},
        {batch: DeferredBatch(**one) for batch, one in facts["deferred"].items()},
        tuple(facts["accounts"]),
        series,
        {batch: StaleBatch(**one) for batch, one in facts["stale"].items()},
    )


class RunWork:
    """Carries out batches of the plan, one at a time."""

    def __init__(
        self,
        plan: RunPlan,
        accounts: RunAccounts,
        definitions: "dg.Definitions",
        instance: "dg.DagsterInstance",
    ) -> None:
        self._plan = plan
        self._accounts = accounts
        self._definitions = definitions
        self._instance = instance
        self._home = Home(plan.settings.home)
        loaded = load_policy(plan.settings.policy)
        self._policy, self._policy_hash = loaded.policy, loaded.hash
        told = Path(plan.series) / "traces-told"
        self.traces = run_traces(self._home, loaded.policy, instance, told)

    def execute(self, batch: str, due: Sequence[str]) -> None:
        """Carries out the batch within its share of what is left for all that are ``due``.

        Raises RunFailedError, and KeyboardInterrupt when it was stopped from outside.
        """
        sizes = {one: self._plan.sizes[one] for one in (*due, batch)}
        with self._accounts.limited_to_share(batch, sizes):
            self._execute(batch)
        if due:  # of the last one the reports over all batches tell
            self._look_at_alerts()

    def _look_at_alerts(self) -> None:
        """Tells of alerts that the batch has begun or ended; nothing of it stops the run."""
        alerts = self._policy.alerts
        if not (alerts.rules or alerts.budgets):
            return
        # most policies have none, and a run that finds nothing new does without
        from orchestration_assets.signals.watch import watch

        try:
            seen = watch(self._home, self._policy, datetime.now(UTC))
            problems: Sequence[str] = seen.problems
        except OrchestrationError as error:
            problems = [f"alerts: {error}"]
        for problem in problems:
            say(problem)

    def _execute(self, batch: str) -> None:
        home, tables, deferred = self._home, self._home.tables, self._plan.deferred
        mark_due(home)
        if batch in self._plan.stale:
            one = self._plan.stale[batch]
            say(
                f"batch {batch}: {one.messages:,} of its messages are asked about again: "
                f"{'; '.join(one.why)}"
            )
            if one.policy_hash == self._policy_hash:
                self._run("take_up_deferred", batch)
                return
        if batch in deferred:
            say(
                f"batch {batch}: {deferred[batch].readings:,} readings were deferred; they "
                "are asked for again"
            )
            if deferred[batch].policy_hash == self._policy_hash:
                # its report stands until the new one does
                self._run("take_up_deferred", batch)
                return
        # a batch without a report starts from its listing; a finished one from its profiles
        is_known = tables.exists(DISAGREEMENT_REPORT.name, batch)
        is_known = is_known and tables.is_whole(CONTENT_MANIFEST.name, batch)
        if self._accounts.batches:
            spending_pass(home, batch, anew=self._plan.again)
        # without its report it is not finished, should this run die before it is made again
        tables.forget(DISAGREEMENT_REPORT.name, batch)
        self._run("reprocess" if is_known else "process_batch", batch)

    def _run(self, job: str, batch: str) -> None:
        series = read_series(self._plan.series)
        for table in _STANDING[job]:
            series.note(batch, table)
        with self.traces.of(batch):
            execute_job(self._definitions, self._instance, job, batch, self._home.running)


_STANDING: Final[Mapping[str, tuple[str, ...]]] = {
    "process_batch": (),
    "reprocess": (CONTENT_MANIFEST.name,),
    "take_up_deferred": tuple(
        table.name
        for table in (CONTENT_MANIFEST, CONTENT_PROFILES, CONTENT_VECTORS, PROCESSING_PLANS)
    ),
}
"""The tables that each job leaves as they are: no later batch has to wait for them."""


def is_finished(plan: RunPlan, policy_hash: str, batch: str) -> bool:
    """Whether nothing is left to do for a batch, since another process has done it meanwhile."""
    tables = Home(plan.settings.home).tables
    if plan.again or batch in plan.deferred or batch in plan.stale:
        return finished_since(tables, batch, plan.before[batch], policy_hash)
    return report_version(tables, batch) is not None


def with_dask(plan: RunPlan, where: str) -> RunPlan:
    """The plan with CPU work sent elsewhere."""
    return replace(plan, settings=replace(plan.settings, dask=where))


def open_definitions(plan: RunPlan, overrides: Mapping[str, Any]) -> "dg.Definitions":
    """The definitions for the runs of the plan; ``overrides`` replace resources by name."""
    from orchestration_assets.definitions import build_definitions

    return build_definitions(plan.settings, resource_overrides=overrides, series=plan.series)
