"""Failed runs leave a record with a remedy, and tell a webhook when the policy names one."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import dagster as dg

from jobs import JOBS
from orchestration_assets.namespace import ALONE, Namespace, with_resources_of
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.reporting.failures import (
    Cause,
    FailedRun,
    StepFailure,
    failure_rows,
    payload,
    with_delivery,
)
from orchestration_assets.schemas.failures import RUN_FAILURES, Delivery, FailureRow
from orchestration_assets.schemas.policy import Webhook
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import TABLES
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.run_locks import STOPPED_TAG
from resources.table_store import TableStore
from resources.webhook import WebhookError, post

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

_CHECK_FAILED = "DagsterAssetCheckFailedError"


def run_failure_sensor_in(space: Namespace, webhook: Webhook | None = None) -> dg.SensorDefinition:
    """The sensor of one home; ``webhook`` is told where the policy names none."""

    def sense(
        context: dg.RunFailureSensorContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> None:
        _record(context, home, policy_file, space, webhook)

    return dg.run_failure_sensor(
        name=space.name("run_failure_sensor"),
        # runs of the `orchestrate` command belong to no code location
        monitor_all_code_locations=True,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Keeps a record of every failed run of this project in tables/run_failures: what "
            "broke, why, and the remedy. When the policy names a webhook, it is told, without any "
            "content."
        ),
    )(with_resources_of(space, sense))


def _record(
    context: dg.RunFailureSensorContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
    default_webhook: Webhook | None,
) -> None:
    """One failed run. What becomes of the message stands in the record, whatever happens."""
    run = context.dagster_run
    if not _is_ours(run, space) or STOPPED_TAG in run.tags or _is_told(home.tables, run.run_id):
        return
    webhook, problem = _webhook(policy_file.path)
    webhook = webhook or default_webhook
    if default_webhook is not None:
        problem = None
    url = os.environ.get(webhook.url_env, "") if webhook else ""
    rows = failure_rows(_failed_run(context), secrets=[url])
    if problem is not None:
        rows = with_delivery(rows, Delivery.UNDELIVERED, problem)
    elif webhook is not None:
        # stored before anybody is told: a tick that dies here leaves the record behind
        _store(home.tables, with_delivery(rows, Delivery.PENDING))
        rows = _tell(rows, webhook, url)
    _store(home.tables, rows)
    for row in rows:
        context.log.error(f"{row.error_class} in {row.check or row.step or row.job}: {row.remedy}")
    if rows[0].delivery is Delivery.UNDELIVERED:
        context.log.error(
            f"the webhook was not told of run {run.run_id}: {rows[0].delivery_detail}"
        )


def _tell(rows: list[FailureRow], webhook: Webhook, url: str) -> list[FailureRow]:
    if not url:
        unset = f"the environment variable {webhook.url_env} is not set"
        return with_delivery(rows, Delivery.UNDELIVERED, unset)
    try:
        post(url, payload(rows), webhook.timeout_s, webhook.attempts)
    except WebhookError as error:
        return with_delivery(rows, Delivery.UNDELIVERED, str(error))
    return with_delivery(rows, Delivery.DELIVERED)


def _webhook(policy_path: str | None) -> tuple[Webhook | None, str | None]:
    """The webhook of the policy in force, or why the policy cannot say."""
    try:
        return load_policy(policy_path).policy.alerts.webhook, None
    except PolicyError:
        # its words stand in the record of the run that it broke
        return None, "the policy that would name the webhook is not valid"


def _store(tables: TableStore, rows: list[FailureRow]) -> None:
    tables.write(RUN_FAILURES, rows_to_arrow(RUN_FAILURES, rows), rows[0].run_id)


def _is_told(tables: TableStore, run_id: str) -> bool:
    """Whether an earlier tick already did everything for this run."""
    if not tables.exists(RUN_FAILURES.name, run_id):
        return False
    stored = tables.read(RUN_FAILURES.name, run_id, ["delivery"])
    return Delivery(stored["delivery"][0].as_py()) is Delivery.DELIVERED


def _is_ours(run: dg.DagsterRun, space: Namespace) -> bool:
    """Runs of the home's jobs, and materializations of its assets that were started by hand."""
    own = {space.name(job.name) for job in JOBS}
    return run.job_name in own or not {*map(space.key, TABLES)}.isdisjoint(
        run.asset_selection or ()
    )


def _failed_run(context: dg.RunFailureSensorContext) -> FailedRun:
    run = context.dagster_run
    record = context.instance.get_run_record_by_id(run.run_id)
    ended = (record.end_time if record else None) or 0.0
    return FailedRun(
        run_id=run.run_id,
        job=run.job_name,
        batch=run.tags.get("dagster/partition"),
        failed_at=datetime.fromtimestamp(ended, UTC),
        broken=tuple(_broken(context)),
    )


def _broken(context: dg.RunFailureSensorContext) -> Iterator[StepFailure]:
    checks = list(_failed_checks(context))
    yield from checks
    steps = context.get_step_failure_events()
    for event in steps:
        causes = tuple(_chain(event.step_failure_data.error))
        if not (checks and causes and causes[0].error_class == _CHECK_FAILED):
            yield StepFailure(event.step_key, causes or (Cause("Unknown", event.message or ""),))
    if not checks and not steps:
        failed = context.failure_event
        causes = tuple(_chain(failed.job_failure_data.error))
        yield StepFailure(None, causes or (Cause("RunFailed", failed.message or ""),))


def _failed_checks(context: dg.RunFailureSensorContext) -> Iterator[StepFailure]:
    of_type = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    for entry in context.instance.all_logs(context.dagster_run.run_id, of_type=of_type):
        event = entry.dagster_event
        evaluation = event.asset_check_evaluation_data if event else None
        if event and evaluation and evaluation.blocking and not evaluation.passed:
            name = f"{evaluation.check_name} of {evaluation.asset_key.to_user_string()}"
            cause = Cause(_CHECK_FAILED, evaluation.description or "it did not pass")
            yield StepFailure(event.step_key, (cause,), name)


def _chain(error: "SerializableErrorInfo | None") -> Iterator[Cause]:
    while error is not None:
        yield Cause(error.cls_name or "Unknown", error.message)
        error = error.cause


run_failure_sensor: Final = run_failure_sensor_in(ALONE)
