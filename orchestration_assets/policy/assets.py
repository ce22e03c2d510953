"""The asset of the policy registry: which policy is active, and how that came."""

from collections.abc import Sequence

import dagster as dg
import pyarrow as pa

from orchestration_assets.policy.activation_rows import activation_rows
from orchestration_assets.policy.plugin_states import unusable_plugins
from orchestration_assets.policy.recomputation import RecomputedTask, recomputed_tasks
from orchestration_assets.policy.registry import ACTIVE_NAME, PolicyRegistry
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.table_assets import table_asset
from resources.home import Home


@table_asset(
    ACTIVE_POLICY_TABLE,
    group="0_services",
    team="policy",
    per_batch=False,
    description=(
        "Every policy that became the active one of this home: version, hash, who, when and why, "
        "what it changed in words, and which tasks it would compute again. Runs that name no "
        "policy of their own begin with the last of them."
    ),
)
def active_policy(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]
) -> dg.MaterializeResult[pa.Table]:
    """Folds the activations of the home; says what batches there are would be computed again, and
    which installed plug-ins cannot be used."""
    rows = list(activation_rows(home))
    metadata: dict[str, str | int | dg.MetadataValue] = {}
    if rows:
        last = rows[-1]
        metadata = {
            "version": last.version,
            "policy_hash": last.policy_hash,
            "source": last.source,
            "who": last.who,
            "why": last.why,
            "changes": "; ".join(last.changes) or "nothing",
            **{
                f"would ask again/{one.task}": f"{one.plans} questions in {len(one.batches)} "
                f"batches, {one.batches[0]} to {one.batches[-1]}"
                for one in _recomputed(home, last.asked_again)
            },
        }
    for number, problem in enumerate(unusable_plugins(), 1):
        context.log.warning(problem)
        metadata[f"unusable plug-in/{number}"] = problem
    table = rows_to_arrow(ACTIVE_POLICY_TABLE, rows)
    return dg.MaterializeResult(value=table, metadata=metadata)


def _recomputed(home: Home, tasks: Sequence[str]) -> list[RecomputedTask]:
    """Of the active policy; it is not read where it asks nothing again, such as where it cannot be
    used any more."""
    if not tasks:
        return []
    return recomputed_tasks(home, PolicyRegistry(home).load(ACTIVE_NAME), tasks)
