"""`orchestrate run`: list, make batches, materialize, summarise."""

import json
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.command.display import open_display
from orchestration_assets.command.places import check_home, ui_command
from orchestration_assets.command.summary import Summary, render, summarise
from orchestration_assets.content.intake import Intake, take_in, unfinished
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.ai_services.resilience.purse import Purse
from resources.table_store import BatchStore

if TYPE_CHECKING:
    import dagster as dg

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(Exception):
    """A batch could not be materialized; the message names the step, the cause and the remedy."""


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

    0 when everything went well, 1 when items failed. Raises PolicyError and SourceError for
    what the caller must mend first, RunFailedError when a step broke.
    """
    began = time.monotonic()
    check_home(settings.home)
    content = load_policy(settings.policy).policy.content
    intake = take_in(settings.home, source, content, datetime.now(UTC))
    for note in intake.notes:
        sys.stderr.write(f"orchestrate: {note}\n")
    batches = _batches(settings.home, intake, again=again)
    if batches:
        _materialize(settings, intake, batches, Purse(budget_usd))
    seconds = time.monotonic() - began
    summary = summarise(
        settings.home, intake.listing, batches, ui_command(settings), seconds, budget_usd
    )
    _show(summary, as_json=as_json)
    return 1 if summary.failed else 0


def _batches(home: Path, intake: Intake, *, again: bool) -> list[str]:
    """Batches of this source that need work: new ones, ones a dead run left, all when ``again``."""
    store = BatchStore(home)
    candidates = store.recorded() if again else unfinished(home)
    return [key for key in candidates if store.source(key) == intake.listing.source]


def _materialize(settings: Settings, intake: Intake, batches: list[str], purse: Purse) -> None:
    # Dagster takes seconds to import: a run that finds nothing new does without it
    from orchestration_assets.command.instance import open_instance
    from orchestration_assets.definitions import build_definitions
    from orchestration_assets.partitions import content_batches
    from sensors.new_content import observation

    display = open_display()
    overrides = {"progress": display, "purse": purse}
    definitions = build_definitions(settings, resource_overrides=overrides)
    with ExitStack() as stack:
        instance = stack.enter_context(open_instance(settings.home))
        stack.enter_context(display)
        instance.report_runless_asset_event(observation(intake))
        instance.add_dynamic_partitions(content_batches.name or "", batches)
        finished = set(batches) - set(unfinished(settings.home))
        for batch in batches:
            # a batch without a report starts from its listing; a finished one from its profiles
            job = "reprocess" if batch in finished else "process_batch"
            _execute(definitions, instance, job, batch)
        _execute(definitions, instance, "corpus_reports", None)


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
