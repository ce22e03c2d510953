"""Assets of selection: how each item will be processed, and why."""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned import pin
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items
from resources.ai_services.pool import build_services
from resources.home import HomeResource, PolicyFileResource


@dg.asset(
    partitions_def=content_batches,
    group_name="3_plans",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:selection"],
    code_version="1",
    description=(
        "How each item is processed for each task that applies to it: the processing model, the "
        "services in order, the rule that decided with the features it saw, the forecast, and the "
        "options that were not taken."
    ),
)
def processing_plans(
    context: dg.AssetExecutionContext,
    content_profiles: pa.Table,
    home: HomeResource,
    policy_file: PolicyFileResource,
) -> dg.MaterializeResult[pa.Table]:
    """Applies the policy's rules to every profile, and pins the policy by its hash."""
    loaded = load_policy(policy_file.path)
    pin(home.policies, loaded)
    services = build_services(loaded.policy.services)
    prices = {name: Price(s.expected_ms, s.cost_usd) for name, s in services.items()}
    profiles = iter(content_profiles.to_pylist())
    rows = plan_items(context.partition_key, profiles, loaded.policy, loaded.hash, prices)
    plans = rows_to_arrow(PROCESSING_PLANS, rows)
    chosen = {
        model.value: pc.sum(pc.equal(plans["model"], model.value)).as_py() or 0
        for model in ProcessingModel
    }
    forecast = {
        "forecast_calls_max": pc.sum(plans["calls_max"]).as_py() or 0,
        "forecast_cost_usd_max": pc.sum(plans["cost_usd_max"]).as_py() or 0.0,
    }
    policy = {"policy": loaded.source, "policy_hash": loaded.hash}
    return dg.MaterializeResult(value=plans, metadata={**chosen, **forecast, **policy})
