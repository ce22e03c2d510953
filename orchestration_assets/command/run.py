"""`orchestrate run`: list, make batches, materialize, summarise."""

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.command.carrying_out import Carried, RunFailedError, carry_out, say
from orchestration_assets.command.display import open_display
from orchestration_assets.command.places import ui_command
from orchestration_assets.command.summary import Summary, render, summarise
from orchestration_assets.content.finished import finished_since
from orchestration_assets.content.intake import Intake, take_in, unfinished
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.disagreement import SERVICE_SCORECARDS
from orchestration_assets.schemas.tables import CORPUS_REPORT, DISAGREEMENT_REPORT
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.settings import Settings
from resources.ai_services.resilience.purse import Purse
from resources.claims import Owner, claimed
from resources.run_claims import CORPUS, report_version
from resources.table_store import BatchStore, TableStore

if TYPE_CHECKING:
    import dagster as dg

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


# what the job corpus_reports makes: as old as the oldest of them
_CORPUS_TABLES = (
    *(GOLD_LABELS.name, SERVICE_SCORECARDS.name, CORPUS_REPORT.name),
    *("content_ledger", FEATURE_CACHE_REPORT.name),
)


def run(
    settings: Settings,
    source: str,
    *,
    as_json: bool,
    again: bool,
    budget_usd: float | None = None,
) -> int:
    """Takes a source from listing to report; returns the exit code.

    No more than ``budget_usd`` is spent over all batches; what it does not reach is over_budget.

    0 when everything went well, 1 when items or batches failed. A batch that fails does not keep
    the others from being carried out, and is tried again by the next run. Raises PolicyError and
    SourceError for what the caller must mend first, RunFailedError when the reports over all
    batches broke.
    """
    began = time.monotonic()
    content = load_policy(settings.policy).policy.content
    intake = take_in(settings.home, source, content, datetime.now(UTC))
    batches = _batches(settings.home, intake, again=again)
    carried = Carried()
    if batches:
        carried = _materialize(settings, intake, batches, Purse(budget_usd), again=again)
    seconds = time.monotonic() - began
    summary = summarise(
        settings.home, intake.listing, carried.done, ui_command(settings), seconds, budget_usd
    )
    summary = replace(
        summary, elsewhere=tuple(carried.elsewhere), failed_batches=dict(carried.failed)
    )
    _show(summary, as_json=as_json)
    return 1 if summary.failed or summary.failed_batches else 0


def _batches(home: Path, intake: Intake, *, again: bool) -> list[str]:
    """Batches of this source that need work: new ones, ones a dead run left, all when ``again``."""
    store = BatchStore(home)
    candidates = store.recorded() if again else unfinished(home)
    return [key for key in candidates if store.source(key) == intake.listing.source]


def _materialize(
    settings: Settings, intake: Intake, batches: list[str], purse: Purse, *, again: bool
) -> Carried:
    # Dagster takes seconds to import: a run that finds nothing new does without it
    from orchestration_assets.command.instance import open_instance
    from orchestration_assets.definitions import build_definitions
    from orchestration_assets.partitions import content_batches
    from sensors.new_content import observation

    display = open_display()
    overrides = {"progress": display, "purse": purse}
    definitions = build_definitions(settings, resource_overrides=overrides)
    home = settings.home
    before = {batch: report_version(home, batch) for batch in batches}
    policy_hash = load_policy(settings.policy).hash

    def is_finished(batch: str) -> bool:
        if again:
            return finished_since(home, batch, before[batch], policy_hash)
        return report_version(home, batch) is not None

    with ExitStack() as stack:
        instance = stack.enter_context(open_instance(home))
        stack.enter_context(display)

        def execute(batch: str) -> None:
            _add_partition(instance, content_batches.name or "", batch)
            # a batch without a report starts from its listing; a finished one from its profiles
            job = "reprocess" if report_version(home, batch) is not None else "process_batch"
            _execute(definitions, instance, job, batch)

        instance.report_runless_asset_event(observation(intake))
        carried = carry_out(home, batches, is_finished, execute)
        with claimed(home, CORPUS, "orchestrate run", _wait_for_corpus):
            if carried.done or not _corpus_is_current(home):
                _execute(definitions, instance, "corpus_reports", None)
    return carried


def _wait_for_corpus(owner: Owner | None) -> None:
    who = owner.words() if owner else "another process"
    say(f"waiting for the reports over all batches, which {who} makes")


def _corpus_is_current(home: Path) -> bool:
    """Whether the reports over all batches are no older than the newest report of a batch."""
    tables = TableStore(home)
    made = [tables.path(name) for name in _CORPUS_TABLES]
    if not all(path.exists() for path in made):
        return False
    reports = [
        tables.path(DISAGREEMENT_REPORT.name, batch) for batch in BatchStore(home).recorded()
    ]
    newest = max((path.stat().st_mtime_ns for path in reports if path.exists()), default=0)
    return min(path.stat().st_mtime_ns for path in made) >= newest


def _add_partition(instance: "dg.DagsterInstance", partitions: str, batch: str) -> None:
    """The batch as a partition; others may add it at the same moment."""
    if instance.has_dynamic_partition(partitions, batch):
        return
    try:
        instance.add_dynamic_partitions(partitions, [batch])
    except Exception:
        if not instance.has_dynamic_partition(partitions, batch):
            raise


def _execute(
    definitions: "dg.Definitions", instance: "dg.DagsterInstance", job: str, batch: str | None
) -> None:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=batch, run_config=_QUIET, raise_on_error=False
    )
    if not result.success:
        causes = [
            f"{event.step_key}: {_cause(event)}"
            for event in result.all_events
            if event.is_step_failure
        ]
        failed_checks = [
            f"check {e.check_name} of {e.asset_key.to_user_string()}: {e.description}"
            for e in result.get_asset_check_evaluations()
            if not e.passed and e.severity.value == "ERROR"
        ]
        what = "; ".join(failed_checks or causes) or "see the run in the Dagster UI"
        where = f"batch {batch}: " if batch else ""
        raise RunFailedError(f"{where}{job} failed (run {result.run_id}): {what}")


def _cause(event: "dg.DagsterEvent") -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error is not None else "no reason recorded"


def _show(summary: Summary, *, as_json: bool) -> None:
    text = json.dumps(summary.plain(), indent=1) if as_json else render(summary)
    sys.stdout.write(text + "\n")
