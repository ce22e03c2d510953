"""Assets of features: what each item is close to."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.features.batch import vectorise_batch
from orchestration_assets.features.cache_report import report_cache
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.tables import CALL_LOG, CONTENT_PROFILES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.table_assets import materialize, table_asset
from resources.home import Home
from resources.home_resource import PolicyFileResource


@table_asset(
    CONTENT_VECTORS,
    group="2_profiles",
    team="content",
    kinds={"numpy"},
    description=(
        "What each item is close to: its vectors, the item whose near-copy it is, and its nearest "
        "neighbours among earlier content. Promotes the batch's representatives to the index that "
        "later batches are compared with."
    ),
)
def content_vectors(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
    dask_cluster: dg.ResourceParam[Workers],
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult[pa.Table]:
    """Computes what the cache lacks, and relates the batch to the index as it was pinned."""
    result = vectorise_batch(
        home,
        context.partition_key,
        content_manifest,
        content_profiles,
        load_policy(policy_file.path).policy,
        dask_cluster,
        progress,
    )
    return materialize(context, result)


@table_asset(
    FEATURE_CACHE_REPORT,
    group="6_reports",
    team="content",
    deps=[CONTENT_PROFILES.name, CONTENT_VECTORS.name, CALL_LOG.name],
    per_batch=False,
    description=(
        "What the cache did: for profiles, vectors and answers the hits of each tier, what was "
        "evicted, corrupt or out of reach, and what each tier holds now."
    ),
)
def feature_cache_report(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Adds up the counts of every batch's latest run, and asks each tier what it holds."""
    cache = load_policy(policy_file.path).policy.execution.cache
    return materialize(context, report_cache(home, cache))
