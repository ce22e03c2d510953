"""Assets of profiling: one row an accepted item."""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.partitions import content_batches
from orchestration_assets.profiling.batch import profile_items
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import Outcome, ProfileStatus
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from resources.content_source import open_batch_source
from resources.home import HomeResource


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
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult[pa.Table]:
    """Reads accepted items again, verified by hash, and profiles them."""
    accepted = content_manifest.filter(pc.equal(content_manifest["outcome"], Outcome.ACCEPTED))
    read = open_batch_source(home.batches.read(context.partition_key)).read
    progress.stage("profiling", accepted.num_rows)
    rows = []
    for row in profile_items(context.partition_key, accepted.to_pylist(), read):
        rows.append(row)
        progress.advance(1)
    profiles = rows_to_arrow(CONTENT_PROFILES, rows)
    ok = pc.sum(pc.equal(profiles["status"], ProfileStatus.OK)).as_py() or 0
    clocks = [c for c in profiles.schema.names if c.endswith("_ms")]
    total_ms = sum(pc.sum(profiles[clock]).as_py() or 0.0 for clock in clocks)
    metadata = {
        "profiled": ok,
        "not_profiled": profiles.num_rows - ok,
        "mean_ms_per_item": total_ms / max(ok, 1),
    }
    return dg.MaterializeResult(value=profiles, metadata=metadata)
