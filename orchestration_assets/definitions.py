"""The one place where everything meets."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from jobs import JOBS, SCHEDULES
from orchestration_assets.content import assets as content_assets
from orchestration_assets.content import checks as content_checks
from orchestration_assets.disagreement import assets as disagreement_assets
from orchestration_assets.disagreement import checks as disagreement_checks
from orchestration_assets.features import assets as features_assets
from orchestration_assets.features import checks as features_checks
from orchestration_assets.policy import assets as policy_assets
from orchestration_assets.policy import checks as policy_checks
from orchestration_assets.processing import assets as processing_assets
from orchestration_assets.processing import checks as processing_checks
from orchestration_assets.profiling import assets as profiling_assets
from orchestration_assets.profiling import checks as profiling_checks
from orchestration_assets.progress import SilentProgress
from orchestration_assets.reporting import assets as reporting_assets
from orchestration_assets.reporting import checks as reporting_checks
from orchestration_assets.selection import assets as selection_assets
from orchestration_assets.selection import checks as selection_checks
from orchestration_assets.settings import Settings
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.dask_cluster import DaskClusterResource
from resources.home_resource import HomeResource, PolicyFileResource
from resources.table_io_manager import ParquetTableIOManager
from sensors import SENSORS

_ASSETS = (
    policy_assets,
    content_assets,
    profiling_assets,
    features_assets,
    selection_assets,
    processing_assets,
    disagreement_assets,
    reporting_assets,
)
_CHECKS = (
    policy_checks,
    content_checks,
    profiling_checks,
    features_checks,
    selection_checks,
    processing_checks,
    disagreement_checks,
    reporting_checks,
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
    policy = str(settings.policy) if settings.policy else None
    resources = {
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
    return dg.Definitions(
        assets=dg.load_assets_from_modules(_ASSETS, include_specs=True),
        asset_checks=dg.load_asset_checks_from_modules(_CHECKS),
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**resources, **(resource_overrides or {})},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions that the Dagster UI loads, for the home that the environment names."""
    return build_definitions(Settings.from_environment(), watches=True)
