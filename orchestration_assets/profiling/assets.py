"""Assets of profiling: one row an accepted item."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.batch import (
    ProfileChunk,
    profile_batch,
    profile_chunk,
    profile_figures,
    warm_up,
)
from orchestration_assets.profiling.tiers import SizeTier
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.tables import CONTENT_PROFILES, accepted_items
from resources.dask_cluster import DaskClusterResource
from resources.home import HomeResource, PolicyFileResource


@dg.asset(
    partitions_def=content_batches,
    group_name="2_profiles",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
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
    home: HomeResource,
    policy_file: PolicyFileResource,
    dask_cluster: DaskClusterResource,
    progress: dg.ResourceParam[Progress],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Profiles what is new; what was profiled before comes from the cache, verified by hash.

    Yields nothing, and so ends the run, where another process has finished the batch meanwhile.
    """
    if nothing_left(home.folder, home.claim, policy_file.path):
        context.log.info("the batch was finished by another process: nothing is left to do")
        return
    accepted = tuple(accepted_items(content_manifest))
    execution = load_policy(policy_file.path).policy.execution
    batch = context.partition_key
    cache = home.features(execution.cache)
    progress.stage("profiling", len(accepted))
    done = profile_batch(
        ProfileChunk(str(home.folder), batch, home.batches.source(batch), accepted),
        cache,
        execution,
        lambda pieces: dask_cluster.map_chunks(profile_chunk, pieces, warm_up),
        dask_cluster.memory_bytes,
        progress.advance,
    )
    home.cache_uses.write(batch, CONTENT_PROFILES.name, cache)
    # whoever else holds what could not be computed here computes it in a later batch
    superseded = done.profiles.filter(pc.equal(done.profiles["status"], ProfileStatus.SUPERSEDED))
    home.content_index.release(batch, superseded["content_hash"].to_pylist())
    if done.choice.tier is SizeTier.BEYOND:
        context.log.warning(done.choice.reason)
    metadata: dict[str, Any] = profile_figures(done) | cache.figures()
    if dask_cluster.dashboard:
        metadata["dask_dashboard"] = dg.MetadataValue.url(dask_cluster.dashboard)
    yield dg.MaterializeResult(value=done.profiles, metadata=metadata)
