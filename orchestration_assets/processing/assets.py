"""Assets of processing: what every service said, the decisions taken, and every call."""

from collections.abc import Iterator
from functools import partial

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import pin_policy, read_pinned_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import (
    apart,
    build_tasks,
    build_work,
    heavy_items,
    item_loader,
    learned_models,
    limits_of,
    only,
    tables_of,
)
from orchestration_assets.processing.event_loop import process_plans
from orchestration_assets.processing.health import health_rows, probe_services
from orchestration_assets.processing.near_copy_sharing import leaders, process_sharing
from orchestration_assets.processing.near_items import NearItems
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, DECISION_LOG
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import HomeResource, PolicyFileResource

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


@dg.asset(
    group_name="0_services",
    io_manager_key="tables",
    kinds={"parquet", "ai"},
    owners=["team:processing"],
    code_version="1",
    output_required=False,
    description=(
        "Every service of the policy: whether its address answers, whether it answers a real, "
        "tiny question, and how its calls went in the latest batches, with the timeout that they "
        "suggest. Services over HTTP are probed each time; embedded ones need no probe."
    ),
)
def service_health(
    home: HomeResource, policy_file: PolicyFileResource, purse: dg.ResourceParam[SpendBudget]
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Probes the services of the policy in force; none in the run of a batch that is finished."""
    if nothing_left(home.folder, home.claim, policy_file.path):
        return
    loaded = load_policy(policy_file.path)
    pin_policy(home.policies, loaded)
    policy = loaded.policy
    probes = probe_services(policy, build_work(policy).services, build_tasks(policy), purse)
    rows = list(health_rows(policy, loaded.hash, probes, observed_usage(home.tables)))
    figures = {
        "probed": len(probes),
        "not_healthy": sum(row.deep_ok is False for row in rows),
        "probe_cost_usd": sum(row.probe_cost_usd for row in rows),
    }
    yield dg.MaterializeResult(value=rows_to_arrow(SERVICE_HEALTH, rows), metadata=figures)


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
    # not read: its deep check decides whether anything is paid for in this run
    deps=[service_health],
)
def interpretations(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    content_vectors: pa.Table,
    processing_plans: pa.Table,
    home: HomeResource,
    progress: dg.ResourceParam[Progress],
    purse: dg.ResourceParam[SpendBudget],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Carries out every plan in one event loop; yields the tables that were asked for.

    All plans run even when few tables are asked for: finished answers come from the cache, and
    the logs stay whole.
    """
    policy = read_pinned_policy(home.policies, processing_plans)
    plans = processing_plans.sort_by([("item_id", "ascending"), ("task", "ascending")])
    progress.stage("asking services", len(set(plans["item_id"].to_pylist())))
    sharing = policy is not None and policy.features.share_answers
    leader_of = leaders(content_vectors) if sharing else {}
    seconds = policy.features.neighbour_seconds if policy else 0.0
    heavy, source = heavy_items(content_manifest), home.batches.source(context.partition_key)
    with (
        ContentReader(home.folder, source) as reader,
        ContentReader(home.folder, source) as beside,
        NearItems(content_vectors, home.folder, seconds) as near,
    ):
        work = build_work(policy, learned_models(plans, home.models))
        if any("neighbours" in one.reads for one in work.services.values()):
            near.prepare()
        cache = AnswerCache(home.answers)
        process = partial(
            process_plans,
            work=work,
            cache=cache,
            load_item=apart(
                heavy,
                item_loader(content_manifest, content_profiles, reader),
                item_loader(only(content_manifest, heavy), only(content_profiles, heavy), beside),
            ),
            limits=limits_of(policy, purse, home.tables),
            advance=progress.advance,
            near=near,
            is_heavy=heavy.__contains__,
        )
        processed = process_sharing(plans.to_pylist(), leader_of, process)
    for earlier, why in near.unreadable.items():
        context.log.warning(f"services are shown less of batch {earlier}: {why}")
    if cache.ignored:
        words = "kept answers could not be used; their questions were asked again"
        context.log.warning(f"{cache.ignored} {words}")
    for message in processed.stopped.values():
        context.log.error(message)
    for name, times in processed.circuits_opened.items():
        if times:
            context.log.warning(f"the circuit of {name} opened {times} times: it failed too often")
    for name, table, metadata in tables_of(processed):
        if name in context.op_execution_context.selected_output_names:
            yield dg.MaterializeResult(asset_key=name, value=table, metadata=metadata)
