"""New content becomes batches, and batches become runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import dagster as dg

from jobs import JOBS, process_batch
from orchestration_assets.content.intake import (
    UNPACKED_IN_A_TICK,
    Intake,
    IntakeOptions,
    take_in,
    unfinished,
)
from orchestration_assets.content.ledger import known_sources
from orchestration_assets.content.source_watcher import WatcherCursor, plan_runs
from orchestration_assets.namespace import ALONE, AssetJob, Namespace, with_resources_of
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.unnamed_policy import packaged_note
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.policy import Content
from orchestration_assets.settings import Settings
from resources.claims import is_claimed
from resources.content_source import ListingBudget, source_name
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.lost_runs import LOCK_TAG, end_lost_run, end_lost_runs
from resources.run_claims import UNLESS_FINISHED_TAG
from resources.run_locks import STOPPED_TAG, is_running
from sensors.runs import PARTITION_TAG, STARTED, STOPPED, batches_under_way

_RUNS_AT_ONCE: Final = 25
# Dagster ends a tick after 60 s
_SECONDS_A_TICK: Final = 35.0
_REQUESTS_A_TICK: Final = 20_000
_FAILED: Final = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def new_content_sensor_in(
    space: Namespace,
    jobs: Mapping[str, AssetJob] = MappingProxyType({}),
    sources: Sequence[str] | None = None,
    tick_seconds: int | None = None,
    started: bool = False,
) -> dg.SensorDefinition:
    """The sensor of one home; ``jobs`` are its jobs by their plain names, by default as written.

    It looks at ``sources`` every ``tick_seconds``; both are by default what the environment says.
    """

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.SensorResult:
        given = Settings.from_environment().sources if sources is None else sources
        return _tick(context, home, policy_file, space, given)

    return dg.sensor(
        name=space.name("new_content_sensor"),
        job=jobs.get(process_batch.name, process_batch),
        default_status=STARTED if started else STOPPED,
        minimum_interval_seconds=tick_seconds or Settings.from_environment().tick_seconds,
        description=(
            "Looks at every source that this home knows (and at the policy's and "
            f"{'ORCHESTRATION_SOURCES' if sources is None else 'those of defs.yaml'}), records "
            "what is new, changed or gone as batches, and starts a run for each batch without a "
            "report. A file that is still being written is left for later; a batch that is not "
            "full waits a while for more."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
    configured: Sequence[str],
) -> dg.SensorResult:
    """A source that cannot be listed is said so and keeps its known entries."""
    content = load_policy(policy_file.path).policy.content
    if policy_file.path is None and (note := packaged_note(home)):
        context.log.warning(note)
    named = [source_name(source) for source in (*content.sources, *configured)]
    sources = list(dict.fromkeys([*known_sources(home.batches), *named]))
    if not sources:
        return dg.SensorResult(
            skip_reason="No source is known. Run `orchestrate run SOURCE` once, name it under "
            "content.sources in the policy, or set ORCHESTRATION_SOURCES."
        )
    memory = WatcherCursor.parse(context.cursor)
    memory, events, problems = _look(context, home, content, sources, memory, space)
    pending = unfinished(home)
    memory = _fail_orphaned_runs(context, home, memory, space)
    under_way = batches_under_way(context.instance)
    # `orchestrate run` carries out batches too, without a run that is known to this instance
    under_way |= {batch for batch in pending if is_claimed(home.folder, batch)}
    starts, stuck = plan_runs(
        pending, under_way, lambda batch: _failures(context.instance, batch, space), _RUNS_AT_ONCE
    )
    for batch in stuck:
        context.log.error(
            f"Batch {batch} failed {_failures(context.instance, batch, space)} times and is not "
            "tried again. Mend what its runs say, then re-execute one, or use `orchestrate run`."
        )
    requests = [
        dg.RunRequest(
            run_key=f"{start.batch}:{start.attempt}",
            partition_key=start.batch,
            tags={UNLESS_FINISHED_TAG: "true"},
        )
        for start in starts
    ]
    skipped = f"Nothing to start: {len(pending)} batches without a report, {len(under_way)} under "
    skipped += f"way, {len(stuck)} given up. " + " ".join(problems)
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else skipped.strip(),
        dynamic_partitions_requests=[
            space.batches.build_add_request([start.batch for start in starts])
        ]
        if starts
        else None,
        asset_events=events,
        cursor=memory.render(),
    )


def _look(
    context: dg.SensorEvaluationContext,
    home: Home,
    content: Content,
    sources: list[str],
    memory: WatcherCursor,
    space: Namespace,
) -> tuple[WatcherCursor, list[dg.AssetObservation], list[str]]:
    """Looks at the sources, another one first each time, until the tick's budget is spent.

    Raises dagster.Failure when no source at all could be listed.
    """
    budget = ListingBudget(_SECONDS_A_TICK, _REQUESTS_A_TICK)
    events, problems, looked = [], [], 0
    for source in memory.rotated(sources):
        if looked and budget.spent():
            break
        now = datetime.now(UTC)
        watched = memory.of(source)
        options = IntakeOptions(
            budget,
            watched.start,
            timedelta(seconds=content.settle_s),
            watched.closes(now, timedelta(seconds=content.batch.wait_s)),
            UNPACKED_IN_A_TICK,
        )
        try:
            intake = take_in(home, source, content, now, options)
        except SourceError as error:
            problems.append(str(error))
            context.log.error(str(error))
            continue
        looked += 1
        for note in intake.notes:
            context.log.warning(note)
        version = intake.listing.version
        if intake.recorded or version not in (None, watched.version):
            events.append(observation(intake, space))
        memory = memory.remember(source, watched.after(intake, now, version))
    if problems and not looked:
        raise dg.Failure("; ".join(problems))
    return replace(memory, turn=memory.turn + 1), events, problems


def observation(intake: Intake, space: Namespace = ALONE) -> dg.AssetObservation:
    """What a listing found, as an observation of the source."""
    listing = intake.listing
    return dg.AssetObservation(
        space.key("content_source"),
        metadata={
            "source": listing.source,
            "entries": listing.entries,
            "excluded": listing.excluded,
            "complete": listing.complete,
            "new_batches": len(intake.recorded),
            "waiting": intake.waiting,
            "still_being_written": intake.unsettled,
        },
        # a part of a listing says nothing about the version of the whole
        tags={"dagster/data_version": listing.version} if listing.version is not None else None,
    )


def _fail_orphaned_runs(
    context: dg.SensorEvaluationContext, home: Home, memory: WatcherCursor, space: Namespace
) -> WatcherCursor:
    """Marks runs as failed whose process is gone: nobody else would, and they block their batch.

    Runs of the command say which lock their process holds. Of the others Dagster's default launcher
    starts runs on this machine and does not watch them; other launchers have their own watch.
    """
    instance = context.instance
    end_lost_runs(instance)
    if not isinstance(instance.run_launcher, dg.DefaultRunLauncher):
        return memory
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    own = {space.name(job.name) for job in JOBS}
    started = {
        run.run_id: run
        for run in instance.get_runs(filters)
        if run.job_name in own and LOCK_TAG not in run.tags
    }
    lifeless = [run_id for run_id in started if not is_running(home.running, run_id)]
    memory, dead = memory.suspect(lifeless)
    for run_id in dead:
        end_lost_run(instance, started[run_id])
    return memory


def _failures(instance: dg.DagsterInstance, batch: str, space: Namespace) -> int:
    filters = dg.RunsFilter(
        job_name=space.name(process_batch.name), tags={PARTITION_TAG: batch}, statuses=_FAILED
    )
    runs = instance.get_runs(filters)
    return sum(STOPPED_TAG not in run.tags for run in runs)


new_content_sensor: Final = new_content_sensor_in(ALONE)
