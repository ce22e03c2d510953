"""Traces of runs that no command started: those of the daemon, the UI and other tools."""

import os
import time
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from jobs import process_batch, reprocess, take_up_deferred
from orchestration_assets.namespace import ALONE, Namespace, with_resources_of
from orchestration_assets.policy.load import load_policy
from orchestration_assets.tracing.batch_trace import RunFacts, StepFacts
from orchestration_assets.tracing.marks import TraceMarks
from orchestration_assets.tracing.sampling import tracing_in_force
from orchestration_assets.tracing.sender import TraceSender
from resources.claims import is_claimed
from resources.home import Home
from resources.home_resource import PolicyFileResource
from sensors.runs import PARTITION_TAG

DAGSTER_VARIABLE: Final = "ORCHESTRATION_DAGSTER_URL"
_JOBS: Final = (process_batch, reprocess, take_up_deferred)
_ENDED: Final = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_RUNS_AT_ONCE: Final = 20
_NS: Final = 1_000_000_000


def trace_sensor_in(space: Namespace) -> dg.SensorDefinition:
    """The sensor of one home."""

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.SkipReason:
        return _tick(context, home, policy_file, space)

    return dg.sensor(
        name=space.name("trace_sensor"),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Sends the traces of batches that were carried out to the receiver that the OTEL_* "
            "variables name, once each, and what people said of their answers since, where the "
            "policy has a section tracing."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
) -> dg.SkipReason:
    policy = load_policy(policy_file.path).policy
    traced = tracing_in_force(policy.tracing) is not None
    # what ends while nothing is traced is not told once something is
    since = float(context.cursor) if context.cursor and traced else time.time()
    context.update_cursor(repr(since))
    if not traced:
        return dg.SkipReason("the policy asks for no traces")
    instance, marks = context.instance, TraceMarks(home)
    sender = TraceSender(
        home, policy, lambda batch: run_facts(instance, batch), context.log.warning
    )
    try:
        for record in _ended_since(instance, since):
            run = record.dagster_run
            batch = run.tags.get(PARTITION_TAG)
            ours = run.job_name in {space.name(one.name) for one in _JOBS}
            # a command that has claimed the batch sends it itself
            if batch and ours and not is_claimed(home.folder, batch):
                _send_once(sender, marks, batch, run.run_id)
            since = record.update_timestamp.timestamp()
        sender.send_rest()
    finally:
        sender.close()
    # what could not be sent is due, and not looked for again
    context.update_cursor(repr(since))
    return dg.SkipReason(f"{sender.sent} traces sent, {sender.told} events about verdicts")


def _send_once(sender: TraceSender, marks: TraceMarks, batch: str, run_id: str) -> None:
    if marks.of(batch).run_id != run_id:
        with sender.of(batch):
            pass


def _ended_since(instance: dg.DagsterInstance, since: float) -> list[dg.RunRecord]:
    ended = dg.RunsFilter(statuses=_ENDED, updated_after=datetime.fromtimestamp(since, UTC))
    return list(
        instance.get_run_records(
            ended, limit=_RUNS_AT_ONCE, order_by="update_timestamp", ascending=True
        )
    )


def run_facts(instance: dg.DagsterInstance, batch: str) -> RunFacts | None:
    """The last run over the batch with its steps; None where there is none. One whose process was
    killed has no end: it ended with its last step."""
    from dagster._core.execution.stats import StepEventStatus

    about = dg.RunsFilter(tags={PARTITION_TAG: batch})
    record = next(iter(instance.get_run_records(about, limit=1)), None)
    if record is None or record.start_time is None:
        return None
    run = record.dagster_run
    steps = tuple(
        StepFacts(
            one.step_key,
            _ns(one.start_time),
            _ns(one.end_time or one.start_time),
            "failed" if one.status is StepEventStatus.FAILURE else None,
            one.attempts or 1,
        )
        for one in instance.get_run_step_stats(run.run_id)
        if one.start_time is not None
    )
    base = os.environ.get(DAGSTER_VARIABLE, "").rstrip("/")
    return RunFacts(
        run.run_id,
        run.job_name,
        batch,
        _ns(record.start_time),
        _ns(record.end_time) or max((one.end_ns for one in steps), default=_ns(record.start_time)),
        run.status is not dg.DagsterRunStatus.SUCCESS,
        steps,
        f"{base}/runs/{run.run_id}" if base else None,
    )


def _ns(seconds: float | None) -> int:
    return round((seconds or 0.0) * _NS)


trace_sensor: Final = trace_sensor_in(ALONE)
