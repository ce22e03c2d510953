"""Questions that were deferred are asked again by themselves."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import dagster as dg

from jobs import process_batch, reprocess, take_up_deferred
from orchestration_assets.content.deferred import (
    MAX_TAKE_UPS,
    DeferredBatch,
    TakeUps,
    deferred_batches,
    plan_take_ups,
)
from orchestration_assets.conversations.stale import StaleBatch, stale_batches
from orchestration_assets.namespace import ALONE, AssetJob, Namespace, with_resources_of
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.settings import Settings
from resources.claims import is_claimed
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.run_claims import report_version
from sensors.runs import PARTITION_TAG, STARTED, STOPPED, batches_under_way

_RUNS_AT_ONCE: Final = 5
_TAKE_UP_TAG: Final = "orchestration/take_up"


def deferred_questions_sensor_in(
    space: Namespace,
    jobs: Mapping[str, AssetJob] = MappingProxyType({}),
    tick_seconds: int | None = None,
    started: bool = False,
) -> dg.SensorDefinition:
    """The sensor of one home; ``jobs`` are its jobs by their plain names, by default as written.

    It looks every ``tick_seconds``, by default as often as the environment says.
    """

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.SensorResult:
        return _tick(context, home, policy_file, space)

    return dg.sensor(
        name=space.name("deferred_questions_sensor"),
        jobs=[jobs.get(one.name, one) for one in (take_up_deferred, reprocess)],
        default_status=STARTED if started else STOPPED,
        minimum_interval_seconds=tick_seconds or Settings.from_environment().tick_seconds,
        description=(
            "Takes up batches whose services were unavailable: after a pause (deferred_pause_s of "
            f"the policy, doubling each time, to a day) and at most {MAX_TAKE_UPS} times. Only the "
            "missing questions are asked. Also batches with messages whose conversation changed "
            "before them: what services are shown of it is asked again."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
) -> dg.SensorResult:
    """A batch whose policy is no longer in force is planned again under the new one."""
    loaded, instance = load_policy(policy_file.path), context.instance
    under_way = batches_under_way(instance)

    def is_free(batch: str) -> bool:
        return batch not in under_way and not is_claimed(home.folder, batch)

    recorded = home.batches.recorded()
    deferred = [one for one in deferred_batches(home, recorded) if is_free(one.batch)]
    stale = _stale(home, loaded, [batch for batch in recorded if is_free(batch)])
    # a batch that is both is taken up once
    known = {one.batch for one in stale.values()}
    plan = plan_take_ups(
        [
            *(DeferredBatch(one.batch, 0, one.policy_hash) for one in stale.values()),
            *(one for one in deferred if one.batch not in known),
        ],
        lambda batch: _take_ups(home, instance, batch, space, stale.get(batch)),
        datetime.now(UTC),
        timedelta(seconds=loaded.policy.execution.deferred_pause_s),
        _RUNS_AT_ONCE,
    )
    said = json.loads(context.cursor or "{}")
    given_up = {one.batch: _made_at(instance, one.batch, space) for one in plan.given_up}
    for one in plan.given_up:
        if said.get(one.batch) == given_up[one.batch]:
            continue
        left = f"{one.readings} readings are still deferred"
        if one.batch in stale:
            left = f"{stale[one.batch].messages} messages are still to be asked about again"
        context.log.error(
            f"Batch {one.batch} was taken up {MAX_TAKE_UPS} times, and {left}. Mend the service, "
            "then use `orchestrate run` with the batch's source."
        )
    requests = [
        _request(home, one, count, loaded.hash, space, stale.get(one.batch))
        for one, count in plan.due
    ]
    partitions = [one.batch for one, _ in plan.due]
    return dg.SensorResult(
        cursor=json.dumps(given_up),
        run_requests=requests or None,
        skip_reason=None
        if requests
        else f"Nothing to take up: {len(plan.waiting)} batches wait for their pause to be over, "
        f"{len(plan.given_up)} are given up.",
        dynamic_partitions_requests=[space.batches.build_add_request(partitions)]
        if partitions
        else None,
    )


def _stale(home: Home, loaded: LoadedPolicy, batches: list[str]) -> dict[str, StaleBatch]:
    """Batches with messages whose conversation has changed before them, where any service is shown
    that."""
    if not home.threads.exists() or not memory_tasks(loaded.policy):
        return {}
    return {one.batch: one for one in stale_batches(home, batches)}


def _request(
    home: Home,
    one: DeferredBatch,
    count: int,
    policy_hash: str,
    space: Namespace,
    stale: StaleBatch | None,
) -> dg.RunRequest:
    job = take_up_deferred if one.policy_hash == policy_hash else reprocess
    written, _ = report_version(home.tables, one.batch) or (0, 0)
    return dg.RunRequest(
        run_key=f"{one.batch}:deferred:{written}:{count}"
        + (f":{stale.since:.6f}" if stale else ""),
        job_name=space.name(job.name),
        partition_key=one.batch,
        tags={_TAKE_UP_TAG: "true"},
    )


def _take_ups(
    home: Home,
    instance: dg.DagsterInstance,
    batch: str,
    space: Namespace,
    stale: StaleBatch | None,
) -> TakeUps:
    """How often the sensor took the batch up since another run made it, or since its messages are
    ``stale``, and when its report or its last run ended."""
    written, _ = report_version(home.tables, batch) or (0, 0)
    since = stale.since if stale else _made_at(instance, batch, space)
    filters = dg.RunsFilter(
        tags={_TAKE_UP_TAG: "true", PARTITION_TAG: batch},
        created_after=datetime.fromtimestamp(since, UTC),
    )
    records = instance.get_run_records(filters, limit=MAX_TAKE_UPS)
    ends = [record.end_time or record.create_timestamp.timestamp() for record in records]
    return TakeUps(len(records), datetime.fromtimestamp(max([written / 1e9, *ends]), UTC))


def _made_at(instance: dg.DagsterInstance, batch: str, space: Namespace) -> float:
    """When a run that was no take-up, and went well, last began the batch, in seconds since 1970;
    0 when none is known."""
    begun = [
        record.create_timestamp.timestamp()
        for job in (process_batch, reprocess)
        for record in instance.get_run_records(
            dg.RunsFilter(
                job_name=space.name(job.name),
                tags={PARTITION_TAG: batch},
                statuses=[dg.DagsterRunStatus.SUCCESS],
            )
        )
        if _TAKE_UP_TAG not in record.dagster_run.tags
    ]
    return max(begun, default=0.0)


deferred_questions_sensor: Final = deferred_questions_sensor_in(ALONE)
