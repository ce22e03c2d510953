"""Assets of disagreement: the answer that stands, and who contradicts whom."""

from collections import Counter

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.pairs import disagreements as find_disagreements
from orchestration_assets.disagreement.readings import group_readings, independent
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.pinned import pinned
from orchestration_assets.processing.batch import build_tasks, deciders
from orchestration_assets.schemas.enums import ResolutionStatus
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DISAGREEMENTS, RESOLUTIONS
from resources.home import HomeResource


@dg.asset(
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="2",
    description=(
        "The answer that stands for each item and task, the probability that it is wrong, who "
        "supports it and who dissents. Every reading is kept beside it."
    ),
)
def resolutions(
    processing_plans: pa.Table,
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Weighs the readings of each plan against each other."""
    policy = pinned(home.policies, processing_plans)
    readings = group_readings(
        [
            sequential_interpretations,
            parallel_interpretations,
            iterative_interpretations,
            hybrid_interpretations,
        ]
    )
    plans = iter(processing_plans.to_pylist())
    rows = resolve_plans(plans, readings, build_tasks(policy), deciders(policy))
    table = rows_to_arrow(RESOLUTIONS, rows)
    statuses = {
        status.value: pc.sum(pc.equal(table["status"], status.value)).as_py() or 0
        for status in ResolutionStatus
    }
    disputed = pc.sum(pc.greater(pc.list_value_length(table["dissenters"]), 0)).as_py() or 0
    return dg.MaterializeResult(value=table, metadata={**statuses, "disputed": disputed})


@dg.asset(
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="2",
    description=(
        "Every pair of services whose answers about the same item and task lie too far apart: both "
        "answers, how sure each was, what only one of them says, and what each rests on."
    ),
)
def disagreements(
    processing_plans: pa.Table,
    resolutions: pa.Table,
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Compares the independent readings of each resolution pair by pair; a judge is none."""
    policy = pinned(home.policies, processing_plans)
    readings = group_readings(
        [
            sequential_interpretations,
            parallel_interpretations,
            iterative_interpretations,
            hybrid_interpretations,
        ]
    )
    resolved = resolutions.select(["batch", "item_id", "content_hash", "path", "task"])
    heard = independent(readings, processing_plans.to_pylist())
    rows = find_disagreements(resolved.to_pylist(), heard, build_tasks(policy))
    table = rows_to_arrow(DISAGREEMENTS, rows)
    kinds = Counter(table["kind"].to_pylist())
    items = len(pc.unique(table["item_id"]))
    strongest = pc.max(table["severity"]).as_py() or 0.0
    return dg.MaterializeResult(
        value=table,
        metadata={**kinds, "items_in_dispute": items, "highest_severity": strongest},
    )
