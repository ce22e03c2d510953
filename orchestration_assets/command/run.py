"""`orchestrate run`: list, make batches, materialize, summarise."""

import json
import math
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from orchestration_assets.command.batch_execution import (
    ExecutedBatches,
    carry_out,
    say,
)
from orchestration_assets.command.corpus_reports import mark_made, reports_are_due
from orchestration_assets.command.display import open_display
from orchestration_assets.command.instance_paths import check_home, ui_command
from orchestration_assets.command.job_count import job_count
from orchestration_assets.command.job_execution import end_lost, execute_job
from orchestration_assets.command.judging import judging
from orchestration_assets.command.left_standing import left_standing
from orchestration_assets.command.local_workers import forked_workers, takes_workers
from orchestration_assets.command.preparation import prepare_services
from orchestration_assets.command.run_account import RunAccounts, open_accounts
from orchestration_assets.command.run_work import (
    RunPlan,
    RunWork,
    is_finished,
    open_definitions,
)
from orchestration_assets.command.shortfalls import TEMPORARY_FAILURE
from orchestration_assets.command.summary import Summary, render, summarise
from orchestration_assets.content.batch_completion import is_complete
from orchestration_assets.content.deferred import DeferredBatch, deferred_batches
from orchestration_assets.content.intake import Intake, of_source, take_in, unfinished
from orchestration_assets.content.record_hints import hints_of_batches
from orchestration_assets.conversations.stale import StaleBatch, stale_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.memory import memory_tasks, remembered_tasks
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.settings import Settings
from resources.claims import Owner, claimed, owner_description
from resources.fork_server import can_fork
from resources.home import Home
from resources.machine import usable_cores, usable_memory
from resources.run_claims import CORPUS, report_version
from resources.series import Series

if TYPE_CHECKING:
    import dagster as dg

_STALE_PASSES: Final = 4
"""What is stale after so many is left to the next run."""


def run(
    settings: Settings,
    source: str,
    *,
    as_json: bool,
    again: bool,
    budget_usd: float | None = None,
    jobs: int | None = None,
) -> int:
    """Takes a source from listing to report; returns the exit code.

    So many ``jobs`` carry out batches side by side, by default as many as pay on this machine;
    tables are the same for every number of them.

    No more than ``budget_usd`` is spent over all batches; what it does not reach is over_budget.
    A batch of an earlier run that was stopped, or has deferred questions, goes on with that run's
    account: what was spent there counts. Each batch may spend its share of what is left by then,
    by the number of its entries.

    0 when everything went well, 1 when items or batches failed or a service was stopped, 2 when
    batches failed of nothing but what the caller must mend, 75 when nothing failed but questions
    were deferred, since a service was unavailable: the next run asks only them. A batch that fails
    does not keep the others from being carried out, and is tried again by the next run.

    Raises PolicyError and SourceError for what the caller must mend first, RunFailedError when the
    reports over all batches broke.
    """
    began, since = time.monotonic(), datetime.now(UTC)
    home = Home(settings.home)
    check_home(home)
    loaded = load_policy(settings.policy)
    policy = loaded.policy
    intake = take_in(home, source, policy.content, datetime.now(UTC))
    for note in (*loaded.notes, *intake.notes):
        say(note)
    _note_judged(home, policy)
    known = of_source(home.batches, home.batches.recorded(), intake.listing.source)
    deferred = {} if again else {one.batch: one for one in deferred_batches(home, known)}
    batches = _batches(home, known, deferred, again=again)
    carried = ExecutedBatches()
    begun = set(unfinished(home))
    anew = [batch for batch in batches if again and batch not in begun]
    accounts = open_accounts(home, policy.services, batches, budget_usd, anew)
    if batches or reports_are_due(home) or _stale(home, policy, known):
        carried = _materialize(
            settings, intake, batches, deferred, accounts, again=again, jobs=jobs
        )
    seconds = time.monotonic() - began
    summary = summarise(
        home,
        intake.listing,
        carried.done,
        ui_command(settings),
        seconds,
        budget_usd,
        accounts.spending(),
        since=since,
    )
    accounts.close_finished(lambda batch: is_complete(home, batch))
    summary = replace(
        summary,
        elsewhere=tuple(carried.elsewhere),
        failed_batches=dict(carried.failed),
        record_hints=hints_of_batches(home, carried.done, policy),
        judging=judging(home, policy, carried.done),
        environment=loaded.environment,
        policy_notes=loaded.notes,
        left_standing=() if batches else left_standing(home.tables, known, loaded.hash),
        asked_again=tuple(dict.fromkeys(carried.again)),
    )
    _show(summary, as_json=as_json)
    if carried.exit_codes == {2} and not summary.failed:
        return 2
    if summary.failed or carried.failed or summary.stopped:
        return 1
    return TEMPORARY_FAILURE if summary.deferred_readings else 0


def _batches(
    home: Home, known: Sequence[str], deferred: Collection[str], *, again: bool
) -> list[str]:
    """Those of the known batches that need work: new ones, ones that a dead run left, ones with
    deferred questions, and all when ``again``."""
    open_ones = {*unfinished(home), *deferred}
    return [batch for batch in known if again or batch in open_ones]


def _materialize(
    settings: Settings,
    intake: Intake,
    batches: list[str],
    deferred: Mapping[str, DeferredBatch],
    accounts: RunAccounts,
    *,
    again: bool,
    jobs: int | None,
) -> ExecutedBatches:
    home = Home(settings.home)
    tables = home.tables
    sizes = {batch: _entries(home, batch) for batch in batches}
    if jobs is None:
        jobs = job_count(list(sizes.values()), usable_cores(), usable_memory())
    side_by_side = min(jobs, len(batches)) > 1
    policy = load_policy(settings.policy).policy
    with ExitStack() as stack:
        workers, preparation = None, None
        if not side_by_side and takes_workers(home, batches, policy.execution.tiers):
            # before anything starts a thread
            workers = stack.enter_context(forked_workers(settings.dask, policy.services.values()))
        if workers is not None and not again:
            # they do what there is to do
            workers.prepare()
        elif batches and (can_fork() or not side_by_side):
            preparation = prepare_services(policy.services.values())
        # Dagster takes seconds to import: a run that finds nothing new does without it
        from orchestration_assets.command.instance import instance_errors, open_instance
        from orchestration_assets.command.side_by_side import processes
        from resources.dask_cluster import DaskCluster
        from sensors.new_content import observation

        display = open_display()
        folder = stack.enter_context(TemporaryDirectory(prefix="orchestration-"))
        Series(tuple(batches), Path(folder), side_by_side).store()
        cap = accounts.budget.cap_usd
        plan = RunPlan(
            settings,
            again,
            None if math.isinf(cap) else cap,
            sizes,
            {batch: report_version(tables, batch) for batch in batches},
            deferred,
            accounts.batches,
            folder,
        )
        stack.enter_context(instance_errors(home))
        with ExitStack() as beside:
            pool = None
            if side_by_side:
                # they start while this process opens the instance
                pool = beside.enter_context(processes(plan, jobs, display, preparation))
            stack.enter_context(display)
            instance = stack.enter_context(open_instance(home))
            end_lost(instance)
            instance.report_runless_asset_event(observation(intake))
            # for all batches: starting workers takes as long as some thousand items
            cluster = workers or stack.enter_context(DaskCluster(settings.dask))
            overrides = {
                "progress": display,
                "budget": accounts.budget,
                "dask_cluster": cluster,
            }
            definitions = open_definitions(plan, overrides)
            if policy.knowledge:
                with claimed(home.folder, CORPUS, "orchestrate run", _wait_for_corpus):
                    execute_job(definitions, instance, "refresh_knowledge", None, home.running)
            work = RunWork(plan, accounts, definitions, instance)
            stack.callback(work.traces.close)
            carried = _one_after_the_other(plan, work) if pool is None else pool.run()
            # who answers anew may make those before it in its conversations stale once more
            for _ in range(_STALE_PASSES):
                source = intake.listing.source
                if not _carry_out_stale(plan, source, accounts, overrides, instance, carried):
                    break
        with claimed(home.folder, CORPUS, "orchestrate run", _wait_for_corpus):
            if carried.done or reports_are_due(home):
                execute_job(definitions, instance, "corpus_reports", None, home.running)
                mark_made(home)
        work.traces.send_rest()
    return carried


def _note_judged(home: Home, policy: Policy) -> None:
    """Later messages are stale where a person judged what they remember."""
    if remembered_tasks(policy) and home.threads.exists():
        # most policies remember no answers, and their runs do without the evidence
        from orchestration_assets.processing.judged_messages import note_judged

        note_judged(home, policy)


def _stale(home: Home, policy: Policy, known: Sequence[str]) -> dict[str, StaleBatch]:
    """Batches with messages whose conversation has changed before them, where any service is shown
    that."""
    if not home.threads.exists():
        return {}
    # looked for under any policy: notes that nobody waits for are removed by it
    found = stale_batches(home, known)
    return {one.batch: one for one in found} if memory_tasks(policy) else {}


def _carry_out_stale(
    plan: RunPlan,
    source: str,
    accounts: RunAccounts,
    overrides: Mapping[str, Any],
    instance: "dg.DagsterInstance",
    carried: ExecutedBatches,
) -> bool:
    """Asks about stale messages again, once all batches of the run are carried out, and adds what
    came of it to ``carried``; whether there were any.

    One batch after the other, each of which sees whatever is stored of the others: the messages of
    a conversation may lie in batches in any order.
    """
    home, policy = Home(plan.settings.home), load_policy(plan.settings.policy).policy
    recorded = of_source(home.batches, home.batches.recorded(), source)
    stale = _stale(home, policy, [batch for batch in recorded if batch not in carried.failed])
    if not stale:
        return False
    spent = accounts.spending().this_run
    left = None if plan.budget_usd is None else max(plan.budget_usd - spent, 0.0)
    with TemporaryDirectory(prefix="orchestration-") as folder:
        Series((), Path(folder)).store()
        again = open_accounts(home, policy.services, list(stale), left)
        sizes = {batch: _entries(home, batch) for batch in stale}
        before = {batch: report_version(home.tables, batch) for batch in stale}
        second = replace(
            plan, again=False, sizes=sizes, before=before, deferred={}, series=folder,
            accounts=again.batches, stale=stale,
        )  # fmt: skip
        definitions = open_definitions(second, {**overrides, "budget": again.budget})
        work = RunWork(second, again, definitions, instance)
        try:
            carried.add(_one_after_the_other(second, work))
            carried.again += [
                f"{one.messages:,} messages of batch {one.batch}: {'; '.join(one.why)}"
                for one in stale.values()
                if one.batch not in carried.failed
            ]
        finally:
            work.traces.close()
        again.close_finished(lambda batch: is_complete(home, batch))
    return True


def _one_after_the_other(plan: RunPlan, work: RunWork) -> ExecutedBatches:
    policy_hash = load_policy(plan.settings.policy).hash
    begun: set[str] = set()

    def is_done(batch: str) -> bool:
        return is_finished(plan, policy_hash, batch)

    def execute(batch: str) -> None:
        begun.add(batch)
        # what others have finished needs no share any more; what they carry out does
        work.execute(batch, [one for one in plan.sizes if one not in begun and not is_done(one)])

    return carry_out(Home(plan.settings.home), list(plan.sizes), is_done, execute)


def _entries(home: Home, batch: str) -> int:
    """How many files or records a batch lists."""
    counts = home.batches.read(batch)["record_count"]
    return max(int(pc.sum(pc.fill_null(counts, 1)).as_py() or 0), 1)


def _wait_for_corpus(owner: Owner | None) -> None:
    say(f"waiting for the reports over all batches, which {owner_description(owner)} makes")


def _show(summary: Summary, *, as_json: bool) -> None:
    text = json.dumps(summary.plain(), indent=1) if as_json else render(summary)
    sys.stdout.write(text + "\n")
