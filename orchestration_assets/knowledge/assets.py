"""The asset of knowledge: which documents questions are answered from."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.knowledge.tables import refresh_knowledge
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.knowledge import KNOWLEDGE
from orchestration_assets.table_assets import materialize, table_asset
from resources.home import Home
from resources.home_resource import PolicyFileResource


@table_asset(
    KNOWLEDGE,
    group="8_learning",
    team="content",
    per_batch=False,
    description=(
        "The documents of every corpus that the policy declares under knowledge: which are new or "
        "changed, how many passages each has, and the version that plans pin."
    ),
)
def knowledge(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Lists every corpus, and indexes what is new or changed."""
    return materialize(context, refresh_knowledge(home, load_policy(policy_file.path).policy))
