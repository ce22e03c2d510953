"""`orchestrate run`: list, make batches, materialize, summarise."""

import json
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.command.corpus import mark_due, mark_made, reports_are_due
from orchestration_assets.command.display import open_display
from orchestration_assets.command.failure import failure_of
from orchestration_assets.command.places import check_home, ui_command
from orchestration_assets.command.summary import Summary, render, summarise
from orchestration_assets.content.intake import Intake, of_source, take_in, unfinished
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, DISAGREEMENT_REPORT
from orchestration_assets.settings import Settings
from resources.ai_services.resilience.purse import Purse
from resources.table_store import BatchStore, TableStore

if TYPE_CHECKING:
    import dagster as dg

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailedError(OrchestrationError):
    """A batch could not be materialized; the message names the step, the cause and the remedy.

    ``exit_code`` is 2 when the cause is for the caller to mend, else 1.
    """

    def __init__(self, words: str, exit_code: int = 1) -> None:
        super().__init__(words)
        self.exit_code = exit_code


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
    if batches or reports_are_due(settings.home):
        _materialize(settings, intake, batches, Purse(budget_usd))
    seconds = time.monotonic() - began
    summary = summarise(
        settings.home, intake.listing, batches, ui_command(settings), seconds, budget_usd
    )
    _show(summary, as_json=as_json)
    return 1 if summary.failed else 0


def _batches(home: Path, intake: Intake, *, again: bool) -> list[str]:
    """Batches of this source that need work: new ones, ones a dead run left, all when ``again``."""
    candidates = BatchStore(home).recorded() if again else unfinished(home)
    return of_source(home, candidates, intake.listing.source)


def _materialize(settings: Settings, intake: Intake, batches: list[str], purse: Purse) -> None:
    # Dagster takes seconds to import: a run that finds nothing new does without it
    from orchestration_assets.command.instance import instance_errors, open_instance
    from orchestration_assets.definitions import build_definitions
    from orchestration_assets.partitions import content_batches
    from sensors.new_content import observation

    display = open_display()
    overrides = {"progress": display, "purse": purse}
    definitions = build_definitions(settings, resource_overrides=overrides)
    with ExitStack() as stack:
        stack.enter_context(instance_errors(settings.home))
        instance = stack.enter_context(open_instance(settings.home))
        stack.enter_context(display)
        instance.report_runless_asset_event(observation(intake))
        if batches:
            instance.add_dynamic_partitions(content_batches.name or "", batches)
            mark_due(settings.home)
        finished = set(batches) - set(unfinished(settings.home))
        tables = TableStore(settings.home)
        for batch in batches:
            # a batch without a report starts from its listing; a finished one from its profiles
            again = batch in finished and tables.is_whole(CONTENT_MANIFEST.name, batch)
            # without its report it is not finished, should this run die before it is made again
            tables.forget(DISAGREEMENT_REPORT.name, batch)
            _execute(definitions, instance, "reprocess" if again else "process_batch", batch)
        _execute(definitions, instance, "corpus_reports", None)
        mark_made(settings.home)


def _execute(
    definitions: "dg.Definitions", instance: "dg.DagsterInstance", job: str, batch: str | None
) -> None:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=batch, run_config=_QUIET, raise_on_error=False
    )
    if not result.success:
        failure = failure_of(result)
        if failure.stopped:
            from orchestration_assets.command.instance import note_stopped

            note_stopped(instance, result.run_id)
            raise KeyboardInterrupt
        where = f"batch {batch}: " if batch else ""
        words = f"{where}{job} failed (run {result.run_id}): {failure.words}"
        raise RunFailedError(words, failure.exit_code)


def _show(summary: Summary, *, as_json: bool) -> None:
    text = json.dumps(summary.plain(), indent=1) if as_json else render(summary)
    sys.stdout.write(text + "\n")
