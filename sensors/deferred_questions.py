"""Questions that were deferred are asked again by themselves."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import dagster as dg

from jobs import process_batch, reprocess, take_up_deferred
from orchestration_assets.content.deferred import (
    MAX_TAKE_UPS,
    DeferredBatch,
    PolicyInForce,
    TakeUps,
    deferred_batches,
    plan_take_ups,
)
from orchestration_assets.conversations.stale import StaleBatch, stale_batches
from orchestration_assets.namespace import ALONE, AssetJob, Namespace, with_resources_of
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.processing.judged_messages import note_judged
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.settings import Settings
from resources.active_policy import active_policy_version, kept_policy_file
from resources.claims import is_claimed
from resources.home import Home
from resources.home_resource import HELD_POLICY_TAG, PolicyFileResource
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
            "missing questions are asked, under the policy that made the batch; one that was "
            "chosen since plans it again. Also batches with messages whose conversation changed "
            "before them: what services are shown of it is asked again."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
) -> dg.SensorResult:
    """A batch is taken up under the policy that made it, or planned again under one that was chosen
    since; where neither is possible it is left to a person."""
    loaded, instance = load_policy(policy_file.path), context.instance
    under_way = batches_under_way(instance)

    def is_free(batch: str) -> bool:
        return batch not in under_way and not is_claimed(home.folder, batch)

    in_force = PolicyInForce(loaded.hash, _in_force_since(home, policy_file))
    recorded = home.batches.recorded()
    deferred = [one for one in deferred_batches(home, recorded) if is_free(one.batch)]
    stale = _stale(home, loaded, in_force, [batch for batch in recorded if is_free(batch)])
    # a batch that is both is taken up once
    known = {one.batch for one in stale.values()}
    open_ones = [
        *(DeferredBatch(one.batch, 0, one.policy_hash) for one in stale.values()),
        *(one for one in deferred if one.batch not in known),
    ]
    blocked = _blocked(home, open_ones, in_force)
    plan = plan_take_ups(
        [one for one in open_ones if one.batch not in blocked],
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
    for batch, why in blocked.items():
        if said.get(batch) != loaded.hash:
            context.log.error(why)
    requests = [
        _request(home, one, count, in_force, space, stale.get(one.batch)) for one, count in plan.due
    ]
    partitions = [one.batch for one, _ in plan.due]
    waiting = f"{len(plan.waiting)} batches wait for their pause to be over"
    words = f"Nothing to take up: {waiting}, {len(plan.given_up)} are given up."
    return dg.SensorResult(
        cursor=json.dumps(given_up | dict.fromkeys(blocked, loaded.hash)),
        run_requests=requests or None,
        skip_reason=None if requests else " ".join((words, *blocked.values())),
        dynamic_partitions_requests=[space.batches.build_add_request(partitions)]
        if partitions
        else None,
    )


def _in_force_since(home: Home, policy_file: PolicyFileResource) -> float:
    """Since when the policy in force is so, as :class:`PolicyInForce` has it."""
    if policy_file.path is None:
        return -math.inf
    active = active_policy_version(home)
    if active is not None and policy_file.path == str(
        kept_policy_file(home, str(active.value["policy"]))
    ):
        return active.note.when.timestamp()
    return math.inf


def _stale(
    home: Home, loaded: LoadedPolicy, in_force: PolicyInForce, batches: list[str]
) -> dict[str, StaleBatch]:
    """Batches with messages whose conversation has changed before them, where the policy that they
    are taken up under shows that to any service."""
    if not home.threads.exists():
        return {}
    note_judged(home, loaded.policy)
    shows_memory = bool(memory_tasks(loaded.policy))
    return {
        one.batch: one
        for one in stale_batches(home, batches)
        if shows_memory or not in_force.replaces(one.policy_hash, _planned(home, one.batch))
    }


def _blocked(home: Home, batches: list[DeferredBatch], in_force: PolicyInForce) -> dict[str, str]:
    """The batches that can be taken up under no policy, and why, with the remedy."""
    blocked: dict[str, str] = {}
    problems: dict[str, str | None] = {in_force.hash: None}
    for one in batches:
        if in_force.replaces(one.policy_hash, _planned(home, one.batch)):
            continue
        if one.policy_hash not in problems:
            problems[one.policy_hash] = _problem(home, one.policy_hash)
        problem = problems[one.policy_hash]
        if problem is not None:
            blocked[one.batch] = (
                f"Batch {one.batch} was made under a policy that is not in force, and {problem}. "
                "Activate the policy that is to hold for it (`orchestrate policy activate FILE`), "
                "or use `orchestrate run` with the batch's source and --policy."
            )
    return blocked


def _problem(home: Home, policy_hash: str) -> str | None:
    """Why a run cannot be held to a policy that the home keeps, if it cannot."""
    path = kept_policy_file(home, policy_hash)
    if not path.exists():
        return f"the home does not keep it ({path.name})"
    try:
        means_the_same = load_policy(path).hash == policy_hash
    except PolicyError as error:
        return f"it cannot be used any more ({error})"
    return None if means_the_same else f"it means something else by now ({path.name})"


def _planned(home: Home, batch: str) -> float:
    """When the plans of a batch were made, in seconds since 1970: taking it up leaves them as they
    are, so that a policy which was activated meanwhile is a later one."""
    with suppress(FileNotFoundError):
        return home.tables.path(PROCESSING_PLANS.name, batch).stat().st_mtime
    return 0.0


def _request(
    home: Home,
    one: DeferredBatch,
    count: int,
    in_force: PolicyInForce,
    space: Namespace,
    stale: StaleBatch | None,
) -> dg.RunRequest:
    written, _ = report_version(home.tables, one.batch) or (0, 0)
    again = in_force.replaces(one.policy_hash, _planned(home, one.batch))
    held = not again and one.policy_hash != in_force.hash
    return dg.RunRequest(
        run_key=f"{one.batch}:deferred:{written}:{count}"
        + (f":{stale.since:.6f}" if stale else ""),
        job_name=space.name((reprocess if again else take_up_deferred).name),
        partition_key=one.batch,
        tags={_TAKE_UP_TAG: "true"} | ({HELD_POLICY_TAG: one.policy_hash} if held else {}),
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
