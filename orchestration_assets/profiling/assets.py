"""Assets of profiling: one row an accepted item."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.added import with_added_features
from orchestration_assets.profiling.batch import accepted_work, profile_accepted
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from orchestration_assets.table_assets import materialize, table_asset
from resources.home import Home
from resources.home_resource import PolicyFileResource


@table_asset(
    CONTENT_PROFILES,
    group="2_profiles",
    team="content",
    code_version="2",
    output_required=False,
    description=(
        "What each accepted item looks like: size, text, structure, code and derived scores, with "
        "the clock of each profiling stage. The choice of processing rests on these features."
    ),
)
def content_profiles(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
    dask_cluster: dg.ResourceParam[Workers],
    progress: dg.ResourceParam[Progress],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Profiles what is new; what was profiled before comes from the cache, verified by hash.

    Yields nothing, and so ends the run, where another process has finished the batch meanwhile.
    """
    if nothing_left(home, policy_file.path):
        context.log.info("the batch was finished by another process: nothing is left to do")
        return
    policy = load_policy(policy_file.path).policy
    batch, workers = context.partition_key, dask_cluster
    result = with_added_features(
        profile_accepted(home, batch, content_manifest, policy.execution, workers, progress),
        accepted_work(home, batch, content_manifest),
        policy.features.added,
        policy.execution.tiers,
        workers,
    )
    dashboard = dask_cluster.dashboard
    shown = {"dask_dashboard": dg.MetadataValue.url(dashboard)} if dashboard else {}
    yield materialize(context, result, shown)
