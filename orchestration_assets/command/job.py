"""`orchestrate job`: one job by its name, with a line for each asset that it materialized."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from orchestration_assets.command.batch_execution import say
from orchestration_assets.command.corpus_reports import mark_due, mark_made
from orchestration_assets.command.display import open_display
from orchestration_assets.command.instance_paths import check_home
from orchestration_assets.command.job_execution import end_lost, execute_job
from orchestration_assets.command.run_account import open_accounts
from orchestration_assets.command.run_traces import run_traces
from orchestration_assets.command.shortfalls import TEMPORARY_FAILURE
from orchestration_assets.content.batch_completion import is_complete, spending_pass
from orchestration_assets.content.deferred import ONLY_DEFERRED_TAG, deferred_batches
from orchestration_assets.conversations.stale import stale_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.processing.judged_messages import note_judged
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.states import ITEM_STATES
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.settings import Settings
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.claims import Owner, claimed, owner_description
from resources.home import Home
from resources.run_claims import CLAIM_TAG, report_version

if TYPE_CHECKING:
    import dagster as dg

_ROWS = ("dagster/row_count", "dagster/partition_row_count")


class JobUsageError(OrchestrationError):
    """The name of no job, or a batch that the job does not fit."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check that a job carried out; ``severity`` is ERROR or WARN."""

    check: str
    asset: str
    passed: bool
    severity: str
    description: str | None


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job did: the metadata of each asset that it materialized, and its checks."""

    job: str
    run: str
    batch: str | None
    assets: Mapping[str, Mapping[str, Any]]
    checks: tuple[CheckResult, ...]
    failed_items: int = 0
    deferred_readings: int = 0
    stale_batches: tuple[str, ...] = ()
    judged_conversations: int = 0

    @property
    def exit_code(self) -> int:
        """1 when items failed or a check found an error, 75 when readings were deferred, else 0."""
        broken = any(not one.passed and one.severity == "ERROR" for one in self.checks)
        if self.failed_items or broken:
            return 1
        return TEMPORARY_FAILURE if self.deferred_readings else 0


def show_jobs() -> int:
    """Prints every job with its description; returns the exit code."""
    width = max(len(name) for name in _descriptions())
    for name, description in _descriptions().items():
        sys.stdout.write(f"{name:<{width}}  {description}\n")
    return 0


def run_job(
    settings: Settings,
    name: str,
    *,
    batch: str | None,
    as_json: bool,
    budget_usd: float | None = None,
) -> int:
    """Runs a job and prints what it did; returns the exit code.

    Raises JobUsageError and PolicyError for what the caller must mend first, RunFailedError when
    a step broke.
    """
    descriptions = _descriptions()
    if name not in descriptions:
        known = "; ".join(f"{job}: {words}" for job, words in descriptions.items())
        raise JobUsageError(f"there is no job {name!r}; give one of these. {known}")
    home = Home(settings.home)
    check_home(home)
    result = _carry_out(settings, home, name, batch, budget_usd)
    text = json.dumps(asdict(result), indent=1, default=str) if as_json else render(result)
    sys.stdout.write(text + "\n")
    return result.exit_code


def _descriptions() -> dict[str, str]:
    from jobs import JOBS

    return {job.name: job.description or "" for job in JOBS}


def _carry_out(
    settings: Settings, home: Home, name: str, batch: str | None, budget_usd: float | None
) -> JobResult:
    from orchestration_assets.command.instance import instance_errors, open_instance
    from orchestration_assets.definitions import build_definitions

    policy = load_policy(settings.policy).policy
    display = open_display()
    budget = SpendBudget(budget_usd)
    overrides = {"progress": display, "budget": budget}
    definitions = build_definitions(settings, resource_overrides=overrides)
    job = definitions.resolve_job_def(name)
    _check_batch(home, name, batch, is_of_batch=job.partitions_def is not None)
    claim = batch if batch is not None else job.tags.get(CLAIM_TAG)
    with ExitStack() as stack:
        stack.enter_context(instance_errors(home))
        instance = stack.enter_context(open_instance(home))
        end_lost(instance)
        stack.enter_context(display)
        stack.enter_context(
            nullcontext()
            if claim is None
            else claimed(home.folder, claim, f"orchestrate job {name}", _wait)
        )
        traces = run_traces(home, policy, instance)
        stack.callback(traces.close)
        if batch is None:
            done = execute_job(definitions, instance, name, None, home.running)
            if GOLD_LABELS.name in _assets(done):
                traces.send_rest()
        else:
            mark_due(home)
            is_begun = report_version(home.tables, batch) is None
            goes_on = is_begun or ONLY_DEFERRED_TAG in job.tags
            anew = () if goes_on else (batch,)
            opened = open_accounts(home, policy.services, [batch], budget_usd, anew)
            accounts = replace(opened, budget=budget)
            if not goes_on and accounts.batches:
                spending_pass(home, batch, anew=True)
            if ONLY_DEFERRED_TAG not in job.tags:
                # without its report it is not finished, should this run die before it is made again
                home.tables.forget(DISAGREEMENT_REPORT.name, batch)
            with accounts.limited_to_share(batch, {batch: 1}), traces.of(batch):
                done = execute_job(definitions, instance, name, batch, home.running)
            accounts.close_finished(lambda one: is_complete(home, one))
    if name == "corpus_reports":
        mark_made(home)
    result = JobResult(name, done.run_id, batch, _assets(done), tuple(_checks(done)))
    if batch is None:
        judged = note_judged(home, policy) if name == "take_feedback" else 0
        return replace(result, judged_conversations=judged)
    deferred = sum(one.readings for one in deferred_batches(home, [batch]))
    stale: tuple[str, ...] = ()
    if home.threads.exists() and memory_tasks(policy):
        stale = tuple(one.batch for one in stale_batches(home, home.batches.recorded()))
    return replace(
        result,
        failed_items=_failed_items(home, batch),
        deferred_readings=deferred,
        stale_batches=stale,
    )


def _check_batch(home: Home, name: str, batch: str | None, *, is_of_batch: bool) -> None:
    if not is_of_batch:
        if batch is not None:
            raise JobUsageError(f"{name} is about no single batch: leave out --batch")
        return
    recorded = home.batches.recorded()
    known = f"the latest of {len(recorded)} is {recorded[-1]}" if recorded else "there is none yet"
    if batch is None:
        raise JobUsageError(f"{name} is about one batch: name it with --batch ({known})")
    if batch not in recorded:
        raise JobUsageError(f"no batch {batch!r} in {home.folder} ({known})")


def _wait(owner: Owner | None) -> None:
    say(f"waiting for {owner_description(owner)}, which changes the same tables")


def _assets(done: "dg.ExecuteInProcessResult") -> dict[str, dict[str, Any]]:
    """Asset -> the single values among the metadata of its materialization."""
    import dagster as dg

    single = (
        *(dg.TextMetadataValue, dg.IntMetadataValue, dg.FloatMetadataValue),
        *(dg.PathMetadataValue, dg.UrlMetadataValue),
    )
    found: dict[str, dict[str, Any]] = {}
    for event in done.get_asset_materialization_events():
        metadata = event.materialization.metadata
        values = {name: one.value for name, one in metadata.items() if type(one) in single}
        found[event.materialization.asset_key.to_user_string()] = {
            name: value for name, value in values.items() if name in _ROWS or "/" not in name
        }
    return found


def _checks(done: "dg.ExecuteInProcessResult") -> Iterator[CheckResult]:
    for one in done.get_asset_check_evaluations():
        asset = one.asset_key.to_user_string()
        yield CheckResult(
            one.check_name, asset, bool(one.passed), one.severity.value, one.description
        )


def _failed_items(home: Home, batch: str) -> int:
    states = home.tables.read(ITEM_STATES.name, batch, ["final", "to_state"])
    ended = pc.and_(states["final"], pc.equal(states["to_state"], "failed"))
    return int(pc.sum(ended).as_py() or 0)


def render(result: JobResult) -> str:
    """The outcome as lines for people: one an asset, then one for what was found by checks."""
    about = f" of batch {result.batch}" if result.batch else ""
    lines = [f"{result.job}{about} (run {result.run})"]
    lines += [f"  {name}: {_in_words(values)}" for name, values in result.assets.items()]
    passed = [f"{one.check} of {one.asset}" for one in result.checks if one.passed]
    if passed:
        lines.append(f"  checks passed: {', '.join(passed)}")
    lines += [
        f"  check {one.check} of {one.asset}: {one.severity.lower()}, {one.description}"
        for one in result.checks
        if not one.passed
    ]
    if result.failed_items:
        lines.append(f"  {result.failed_items} items failed: see the page of the batch")
    if result.deferred_readings:
        lines.append(
            f"  {result.deferred_readings} readings were deferred: run the job take_up_deferred "
            "when their services work again"
        )
    if result.judged_conversations:
        lines.append(
            f"  {result.judged_conversations} conversations: later messages are stale, as answers "
            "that they remember were judged: orchestrate run their source"
        )
    if result.stale_batches:
        batches = ", ".join(result.stale_batches)
        lines.append(
            "  conversations have changed before messages of earlier batches: run the job "
            f"take_up_deferred for each of them ({batches}), or orchestrate run their source"
        )
    return "\n".join(" ".join(line.splitlines()) for line in lines)


def _in_words(values: Mapping[str, Any]) -> str:
    counts = [values[name] for name in _ROWS if name in values]
    rows = {"rows": counts[0]} if counts else {}
    named = rows | {name: value for name, value in values.items() if name not in _ROWS}
    told = [
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in named.items()
        if value not in (0, "") or name == "rows"
    ]
    return ", ".join(told) or "materialized"
