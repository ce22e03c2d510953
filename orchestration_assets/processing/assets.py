"""Assets of processing: what every service said, the decisions taken, and every call."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.reader import ContentReader
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.pinned import pinned
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import (
    build_work,
    item_loader,
    learned_models,
    limits_of,
    tables_of,
)
from orchestration_assets.processing.run import process_plans
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.tables import CALL_LOG, DECISION_LOG
from resources.ai_services.resilience.purse import Purse
from resources.home import HomeResource

_DESCRIPTIONS = {
    "sequential_interpretations": (
        "What services said about items that are processed one service after the other, cheapest "
        "first, until the answer is sure enough. Every reading is kept, abstentions and failures "
        "too."
    ),
    "parallel_interpretations": (
        "What services said about items for which all of them are asked at once. Every reading is "
        "kept, abstentions and failures too."
    ),
    "iterative_interpretations": (
        "What services said about items that are read in rounds, more of them each time, until the "
        "answer settles. Every round is kept; the last is final."
    ),
    "hybrid_interpretations": (
        "What services said about items that go through a graph of services, some of which see the "
        "answers of others: routers, judges, merges."
    ),
    DECISION_LOG.name: "The steps really taken for each item and task, and why each was taken.",
    CALL_LOG.name: "Every attempt at a service: called or from the cache, its cost, its clock.",
}


def _out(name: str) -> dg.AssetOut:
    return dg.AssetOut(
        io_manager_key="tables",
        is_required=False,
        group_name="4_interpretations",
        description=_DESCRIPTIONS[name],
        kinds={"parquet", "log"} if name.endswith("_log") else {"parquet", "ai"},
        owners=["team:processing"],
        code_version="1",
    )


@dg.multi_asset(
    outs={name: _out(name) for name in _DESCRIPTIONS},
    can_subset=True,
    partitions_def=content_batches,
)
def interpretations(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    home: HomeResource,
    progress: dg.ResourceParam[Progress],
    purse: dg.ResourceParam[Purse],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Carries out every plan in one event loop; yields the tables that were asked for.

    All plans run even when few tables are asked for: finished answers come from the cache, and
    the logs stay whole.
    """
    policy = pinned(home.policies, processing_plans)
    plans = processing_plans.sort_by([("item_id", "ascending"), ("task", "ascending")])
    progress.stage("asking services", len(set(plans["item_id"].to_pylist())))
    with ContentReader(home.folder, home.batches.source(context.partition_key)) as reader:
        processed = process_plans(
            plans.to_pylist(),
            build_work(policy, learned_models(plans, home.artefacts)),
            AnswerCache(home.answers),
            item_loader(content_manifest, content_profiles, reader),
            limits_of(policy, purse),
            progress.advance,
        )
    for message in processed.stopped.values():
        context.log.error(message)
    for name, table, metadata in tables_of(processed):
        if name in context.op_execution_context.selected_output_names:
            yield dg.MaterializeResult(asset_key=name, value=table, metadata=metadata)
