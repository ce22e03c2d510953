"""Questions that were deferred are asked again by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from jobs import reprocess, take_up_deferred
from orchestration_assets.content.deferred import (
    MAX_TAKE_UPS,
    DeferredBatch,
    TakeUps,
    deferred_batches,
    plan_take_ups,
)
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.claims import is_claimed
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.run_claims import report_version
from sensors.runs import PARTITION_TAG, batches_under_way

_RUNS_AT_ONCE: Final = 5
_TAKE_UP_TAG: Final = "orchestration/take_up"


@dg.sensor(
    name="deferred_questions_sensor",
    jobs=[take_up_deferred, reprocess],
    minimum_interval_seconds=Settings.from_environment().tick_seconds,
    description=(
        "Takes up batches whose services were unavailable: after a pause (deferred_pause_s of the "
        f"policy, doubling each time, to a day) and at most {MAX_TAKE_UPS} times. Only the missing "
        "questions are asked."
    ),
)
def deferred_questions_sensor(
    context: dg.SensorEvaluationContext,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
) -> dg.SensorResult:
    """One tick. A batch whose policy is no longer in force is planned again under the new one."""
    loaded, instance = load_policy(policy_file.path), context.instance
    under_way = batches_under_way(instance)
    deferred = [
        one
        for one in deferred_batches(home, home.batches.recorded())
        if one.batch not in under_way and not is_claimed(home.folder, one.batch)
    ]
    plan = plan_take_ups(
        deferred,
        lambda batch: _take_ups(home, instance, batch),
        datetime.now(UTC),
        timedelta(seconds=loaded.policy.execution.deferred_pause_s),
        _RUNS_AT_ONCE,
    )
    for one in plan.given_up:
        context.log.error(
            f"Batch {one.batch} was taken up {MAX_TAKE_UPS} times, and {one.readings} readings are "
            "still deferred. Mend the service, then use `orchestrate run` with the batch's source."
        )
    requests = [_request(home, one, count, loaded.hash) for one, count in plan.due]
    partitions = [one.batch for one, _ in plan.due]
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None
        if requests
        else f"Nothing to take up: {len(plan.waiting)} batches wait for their pause to be over, "
        f"{len(plan.given_up)} are given up.",
        dynamic_partitions_requests=[content_batches.build_add_request(partitions)]
        if partitions
        else None,
    )


def _request(home: Home, one: DeferredBatch, count: int, policy_hash: str) -> dg.RunRequest:
    job = take_up_deferred if one.policy_hash == policy_hash else reprocess
    written, _ = report_version(home.tables, one.batch) or (0, 0)
    return dg.RunRequest(
        run_key=f"{one.batch}:deferred:{written}:{count}",
        job_name=job.name,
        partition_key=one.batch,
        tags={_TAKE_UP_TAG: "true"},
    )


def _take_ups(home: Home, instance: dg.DagsterInstance, batch: str) -> TakeUps:
    """How often the sensor took the batch up, and when its report or its last run ended."""
    written, _ = report_version(home.tables, batch) or (0, 0)
    filters = dg.RunsFilter(tags={_TAKE_UP_TAG: "true", PARTITION_TAG: batch})
    records = instance.get_run_records(filters, limit=MAX_TAKE_UPS)
    ends = [record.end_time or record.create_timestamp.timestamp() for record in records]
    return TakeUps(len(records), datetime.fromtimestamp(max([written / 1e9, *ends]), UTC))
