"""Assets of selection: how each item will be processed, and why."""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, SELECTION_MODEL
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import choose_models, plan_items, thresholds_in_force
from orchestration_assets.selection.strategies import describe_point
from orchestration_assets.selection.training_corpus import (
    all_frontier_rows,
    read_training_corpus,
    recent_prices,
    train_tasks,
)
from orchestration_assets.services.pool import build_services
from resources.home import HomeResource, PolicyFileResource

_LEARNING = "8_learning"


@dg.asset(
    partitions_def=content_batches,
    group_name="3_plans",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:selection"],
    code_version="2",
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
    """Hears directives, rules, what was learned and the default, and pins what decided."""
    loaded = load_policy(policy_file.path)
    pin_policy(home.policies, loaded)
    services = build_services(loaded.policy.services)
    prices = {name: Price(s.expected_ms, s.cost_usd) for name, s in services.items()}
    profiles = content_profiles.to_pylist()
    lately = recent_prices(home.tables, context.partition_key)
    known = choose_models(loaded.policy, services, home.models, profiles, prices, lately)
    limits = thresholds_in_force(loaded.policy, home.models)
    rows = plan_items(
        context.partition_key, profiles, loaded.policy, loaded.hash, prices, known, limits
    )
    plans = rows_to_arrow(PROCESSING_PLANS, rows)
    chosen = {
        model.value: pc.sum(pc.equal(plans["model"], model.value)).as_py() or 0
        for model in ProcessingModel
    }
    forecast = {
        "forecast_calls_max": pc.sum(plans["calls_max"]).as_py() or 0,
        "forecast_cost_usd_max": pc.sum(plans["cost_usd_max"]).as_py() or 0.0,
        "forecast_cost_usd": pc.sum(
            pc.coalesce(plans["expected_usd"], plans["cost_usd_max"])
        ).as_py()
        or 0.0,
    }
    policy = {"policy": loaded.source, "policy_hash": loaded.hash}
    learned = {
        f"learned/{task}": one
        if isinstance(one, str)
        else f"{one.model.version}, {describe_point(one)}"
        for task, one in known.items()
    }
    pinned = {f"thresholds/{task}": version for task, version in limits.items()}
    metadata = {**chosen, **forecast, **policy, **learned, **pinned}
    return dg.MaterializeResult(value=plans, metadata=metadata)


@dg.asset(
    deps=["gold_labels", "call_log", "resolutions"],
    group_name=_LEARNING,
    io_manager_key="tables",
    kinds={"parquet", "scikitlearn"},
    owners=["team:selection"],
    code_version="1",
    description=(
        "What decides the next step of tasks that are learned: trained on recorded readings and "
        "gold, tried on held-out gold against the model in force, promoted when it does not lose."
    ),
)
def selection_model(
    home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Trains every task that the policy wants learned; new batches pin what is promoted."""
    policy = load_policy(policy_file.path).policy
    services = build_services(policy.services)
    rows = train_tasks(policy, services, read_training_corpus(home.tables), home.models)
    words = {f"{row.task}": f"{row.outcome}: {row.words}" for row in rows}
    return dg.MaterializeResult(value=rows_to_arrow(SELECTION_MODEL, rows), metadata=words)


@dg.asset(
    deps=["gold_labels", "call_log", "resolutions"],
    group_name=_LEARNING,
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:selection"],
    code_version="1",
    description=(
        "Cost against accuracy of every policy on recorded readings, on gold that it has not "
        "seen: each service alone, random, majority, oracle, cascades, and what is learned; by "
        "number of labels; without each service; and the regret of each rule."
    ),
)
def selection_frontier(
    home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Measures every label task that has gold."""
    policy = load_policy(policy_file.path).policy
    services = build_services(policy.services)
    rows = list(all_frontier_rows(policy, services, read_training_corpus(home.tables)))
    prices = {f"price of {row.policy}": row.words for row in rows if row.view == "service"}
    return dg.MaterializeResult(value=rows_to_arrow(SELECTION_FRONTIER, rows), metadata=prices)
