"""Assets of features: what each item is close to."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.features.batch import (
    compute_vectors,
    relate,
    to_vectorise,
    vector_figures,
)
from orchestration_assets.features.index import NAME, earlier_content, promote_segment
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.progress import Progress
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
    source = home.batches.read(batch)["source"][0].as_py()
    work = to_vectorise(content_manifest, content_profiles, batch, source)
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
