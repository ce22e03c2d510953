"""Assets of features: what each item is close to."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.features.batch import (
    compute_vectors,
    relate,
    to_vectorise,
    vector_figures,
)
from orchestration_assets.features.cache_report import cache_rows
from orchestration_assets.features.index import NAME, earlier_content, promote_segment
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.batch import ProfileChunk
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from resources.dask_cluster import DaskClusterResource
from resources.home import HomeResource, PolicyFileResource


@dg.asset(
    partitions_def=content_batches,
    group_name="2_profiles",
    io_manager_key="tables",
    kinds={"parquet", "numpy"},
    owners=["team:content"],
    code_version="1",
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
    home: HomeResource,
    policy_file: PolicyFileResource,
    dask_cluster: DaskClusterResource,
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult[pa.Table]:
    """Computes what the cache lacks, and relates the batch to the index as it was pinned."""
    policy, batch = load_policy(policy_file.path).policy, context.partition_key
    place = ProfileChunk(str(home.folder), batch, home.batches.source(batch), ())
    work = to_vectorise(content_manifest, content_profiles, place)
    earlier = earlier_content(home.artefacts, batch, policy.features.window)
    cache = home.features(policy.execution.cache)
    progress.stage("vectors", len(work.rows))
    vectors = compute_vectors(
        work,
        cache,
        policy.execution,
        policy.features.semantic,
        dask_cluster.map_chunks,
        dask_cluster.memory_bytes,
        progress.advance,
    )
    related = relate(vectors, earlier, policy.features)
    digest = promote_segment(
        home.artefacts, batch, policy.features.window, earlier, related.representatives
    )
    home.cache_uses.write(batch, CONTENT_VECTORS.name, cache)
    figures = vector_figures(related, earlier) | cache.figures()
    index = {"index": f"{NAME}/{batch}", "index_digest": digest}
    return dg.MaterializeResult(value=related.table, metadata={**figures, **index})


@dg.asset(
    deps=["content_profiles", content_vectors, "call_log"],
    group_name="6_reports",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
    code_version="1",
    description=(
        "What the cache did: for profiles, vectors and answers the hits of each tier, what was "
        "evicted, corrupt or out of reach, and what each tier holds now."
    ),
)
def feature_cache_report(
    home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Adds up the counts of every batch's latest run, and asks each tier what it holds."""
    cache = home.features(load_policy(policy_file.path).policy.execution.cache)
    store = home.tables
    logs = store.intact(CALL_LOG.name, ["origin"])
    rows = cache_rows(home.cache_uses.read(), cache.tiers, logs, home.answers)
    figures: dict[str, int | float] = {}
    for row in rows:
        figures[f"{row.used_for}_{row.tier}_hit_rate"] = row.hit_rate or 0.0
        figures[f"{row.used_for}_{row.tier}_bytes"] = row.bytes or 0
    figures["corrupt"] = sum(row.corrupt or 0 for row in rows)
    figures["errors"] = sum(row.errors for row in rows)
    return dg.MaterializeResult(value=rows_to_arrow(FEATURE_CACHE_REPORT, rows), metadata=figures)
