"""The one place where everything meets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from jobs import JOBS, SCHEDULES
from orchestration_assets.content import assets as content_assets
from orchestration_assets.content import checks as content_checks
from orchestration_assets.conversations import assets as conversations_assets
from orchestration_assets.conversations import checks as conversations_checks
from orchestration_assets.disagreement import assets as disagreement_assets
from orchestration_assets.disagreement import checks as disagreement_checks
from orchestration_assets.features import assets as features_assets
from orchestration_assets.features import checks as features_checks
from orchestration_assets.knowledge import assets as knowledge_assets
from orchestration_assets.knowledge import checks as knowledge_checks
from orchestration_assets.namespace import AssetJob, Namespace, asset_in, job_in, source_in
from orchestration_assets.policy import assets as policy_assets
from orchestration_assets.policy import checks as policy_checks
from orchestration_assets.processing import assets as processing_assets
from orchestration_assets.processing import checks as processing_checks
from orchestration_assets.profiling import assets as profiling_assets
from orchestration_assets.profiling import checks as profiling_checks
from orchestration_assets.progress import SilentProgress
from orchestration_assets.reporting import assets as reporting_assets
from orchestration_assets.reporting import checks as reporting_checks
from orchestration_assets.schemas.policy import Webhook
from orchestration_assets.selection import assets as selection_assets
from orchestration_assets.selection import checks as selection_checks
from orchestration_assets.settings import Settings
from orchestration_assets.signals import assets as signals_assets
from orchestration_assets.signals import checks as signals_checks
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.dask_cluster import DaskClusterResource
from resources.home_resource import HomeResource, PolicyFileResource
from resources.table_io_manager import ParquetTableIOManager
from sensors import SENSORS
from sensors.alerts import alerts_sensor_in
from sensors.deferred_questions import deferred_questions_sensor_in
from sensors.new_content import new_content_sensor_in
from sensors.policy import policy_sensor_in
from sensors.review_feedback import review_feedback_sensor_in
from sensors.run_failures import run_failure_sensor_in
from sensors.traces import trace_sensor_in

_ASSETS = (
    policy_assets,
    content_assets,
    profiling_assets,
    features_assets,
    knowledge_assets,
    conversations_assets,
    selection_assets,
    processing_assets,
    disagreement_assets,
    reporting_assets,
    signals_assets,
)
_CHECKS = (
    policy_checks,
    content_checks,
    profiling_checks,
    features_checks,
    knowledge_checks,
    conversations_checks,
    selection_checks,
    processing_checks,
    disagreement_checks,
    reporting_checks,
    signals_checks,
)


def build_definitions(
    settings: Settings,
    *,
    resource_overrides: Mapping[str, Any] | None = None,
    series: str | None = None,
    watches: bool = False,
) -> dg.Definitions:
    """Fresh definitions for one home and policy; overrides replace resources by name.

    ``series``: the folder of the series that the batches of its runs belong to, if they do.
    ``watches``: the policy of the settings is a file that ``policy_sensor`` watches, and in force
    only as long as no policy of the home is active.
    """
    return dg.Definitions(
        assets=dg.load_assets_from_modules(_ASSETS, include_specs=True),
        asset_checks=dg.load_asset_checks_from_modules(_CHECKS),
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**_resources(settings, series, watches=watches), **(resource_overrides or {})},
    )


def _resources(
    settings: Settings, series: str | None = None, *, watches: bool = False
) -> dict[str, Any]:
    policy = str(settings.policy) if settings.policy else None
    return {
        "home": HomeResource(path=str(settings.home), store=settings.store, series=series),
        "policy_file": PolicyFileResource(
            path=None if watches else policy,
            home=str(settings.home),
            watched=policy if watches else None,
        ),
        "tables": ParquetTableIOManager(home=str(settings.home), series=series),
        "dask_cluster": DaskClusterResource(where=settings.dask),
        "progress": SilentProgress(),
        "budget": SpendBudget(),
    }


@dataclass(frozen=True, slots=True)
class Automation:
    """What starts work by itself in a namespace, and whom it tells.

    ``schedules`` are cron expressions by the plain names of schedules, None for one that is left
    out; the others stay as they are written. ``started``: sensors and schedules run from the first
    load on, without being switched on. ``webhook`` is told of failed runs where the policy names
    none. ``group`` takes all assets in.
    """

    schedules: Mapping[str, str | None] = field(default_factory=dict)
    started: bool = False
    webhook: Webhook | None = None
    group: str | None = None


def build_definitions_in(
    space: Namespace, settings: Settings, automation: Automation
) -> dg.Definitions:
    """The definitions of one home among several in a code location, all under their own names.

    Raises KeyError for a schedule that does not exist.
    """
    written = build_definitions(settings)
    assets = dg.load_assets_from_modules(_ASSETS, include_specs=True)
    jobs = {job.name: job_in(space, job, written) for job in JOBS}
    started = automation.started
    sensors = (
        new_content_sensor_in(space, jobs, settings.sources, settings.tick_seconds, started),
        deferred_questions_sensor_in(space, jobs, settings.tick_seconds, started),
        policy_sensor_in(
            space, jobs, settings.tick_seconds, started, "that policy in defs.yaml names"
        ),
        review_feedback_sensor_in(space, jobs, started),
        run_failure_sensor_in(space, automation.webhook),
        alerts_sensor_in(space, settings.tick_seconds, started, automation.webhook),
        trace_sensor_in(space),
    )
    return dg.Definitions(
        assets=[
            source_in(space, one, automation.group)
            if isinstance(one, dg.AssetSpec)
            else asset_in(space, one, automation.group)
            for one in assets
            if isinstance(one, dg.AssetSpec | dg.AssetsDefinition)
        ],
        asset_checks=[asset_in(space, one) for one in dg.load_asset_checks_from_modules(_CHECKS)],
        jobs=list(jobs.values()),
        schedules=list(_schedules_in(space, jobs, automation)),
        sensors=sensors,
        resources={space.name(key): one for key, one in _resources(settings, watches=True).items()},
    )


def _schedules_in(
    space: Namespace, jobs: Mapping[str, AssetJob], automation: Automation
) -> Iterator[dg.ScheduleDefinition]:
    known = {one.name for one in SCHEDULES}
    for name in automation.schedules:
        if name not in known:
            raise KeyError(name)
    status = dg.DefaultScheduleStatus.RUNNING if automation.started else None
    for one in SCHEDULES:
        cron = automation.schedules.get(one.name, one.cron_schedule)
        if cron is not None:
            changed = one.name in automation.schedules
            yield dg.ScheduleDefinition(
                name=space.name(one.name),
                job=jobs[one.job_name],
                cron_schedule=cron,
                execution_timezone=one.execution_timezone,
                description=None if changed else one.description,
                default_status=status or dg.DefaultScheduleStatus.STOPPED,
            )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions that the Dagster UI loads, for the home that the environment names."""
    return build_definitions(Settings.from_environment(), watches=True)
