"""Assets of profiling: one row an accepted item."""

from itertools import chain

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling.batch import Chunk, profile_chunk
from orchestration_assets.profiling.tiers import Tier, choose_tier, chunks
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import Outcome, ProfileStatus
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from resources.dask_cluster import DaskClusterResource
from resources.home import HomeResource, PolicyFileResource


@dg.asset(
    partitions_def=content_batches,
    group_name="2_profiles",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
    code_version="1",
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
) -> dg.MaterializeResult[pa.Table]:
    """Reads accepted items again, verified by hash, and profiles them where their number fits."""
    accepted = content_manifest.filter(pc.equal(content_manifest["outcome"], Outcome.ACCEPTED))
    tiers = load_policy(policy_file.path).policy.execution.tiers
    sizes = accepted["size_bytes"].to_pylist()
    choice = choose_tier(len(sizes), sum(sizes), tiers)
    if choice.tier is not Tier.IN_PROCESS:
        choice = choose_tier(len(sizes), sum(sizes), tiers, dask_cluster.memory_bytes())
    if choice.tier is Tier.BEYOND:
        context.log.warning(choice.reason)
    batch, source = context.partition_key, home.batches.source(context.partition_key)
    pieces = [
        Chunk(str(home.folder), batch, source, tuple(rows))
        for rows in chunks(accepted.to_pylist(), sizes, tiers)
    ]
    progress.stage("profiling", len(sizes))
    rows = []
    if choice.tier is Tier.IN_PROCESS:
        for piece in pieces:
            rows += profile_chunk(piece)
            progress.advance(len(piece.rows))
    else:
        done = dask_cluster.map_chunks(
            profile_chunk, pieces, lambda piece: progress.advance(len(piece.rows))
        )
        rows += chain.from_iterable(done)
    profiles = rows_to_arrow(CONTENT_PROFILES, rows)
    ok = pc.sum(pc.equal(profiles["status"], ProfileStatus.OK)).as_py() or 0
    clocks = [c for c in profiles.schema.names if c.endswith("_ms")]
    total_ms = sum(pc.sum(profiles[clock]).as_py() or 0.0 for clock in clocks)
    metadata = {
        "profiled": ok,
        "not_profiled": profiles.num_rows - ok,
        "mean_ms_per_item": total_ms / max(ok, 1),
        "tier": choice.tier.value,
        "tier_reason": choice.reason,
        "memory_estimate_bytes": choice.estimate_bytes,
    }
    return dg.MaterializeResult(value=profiles, metadata=metadata)
