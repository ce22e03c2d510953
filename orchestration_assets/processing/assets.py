"""Assets of processing: what every service said, the decisions taken, and every call."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.content.deferred import ONLY_DEFERRED_TAG
from orchestration_assets.partitions import BATCH_POOL, content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.batch import result_tables
from orchestration_assets.processing.health import check_services
from orchestration_assets.processing.interpretation import PlannedTables, interpret_batch
from orchestration_assets.processing.rollout_batch import rollout_tables
from orchestration_assets.processing.taught_training import train_taught
from orchestration_assets.processing.tools.log import tool_log_of
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.rollout import ROLLOUT_ANSWERS, ROLLOUT_DECISIONS, Cohort
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    PlanRow,
)
from orchestration_assets.schemas.taught import TAUGHT_SERVICES
from orchestration_assets.schemas.tool_use import TOOL_LOG
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.table_assets import materialize, table_asset
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.lmdb_database import close_unused
from resources.machine import give_back_memory

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
    PART_READINGS.name: (
        "What services said about each part of an item, of tasks that are asked of sections, "
        "pages, chunks, functions or entries: the interpretation of the item is joined of these."
    ),
    ROLLOUT_ANSWERS.name: (
        "While a policy is tried: what it said about its share of the items, whose answer stands, "
        "and why. Also what was undone, and what only a shadow was asked."
    ),
    ROLLOUT_DECISIONS.name: (
        "While a policy is tried: each look at it beside the policy in force, metric by metric, "
        "with figures, interval, verdict, and what followed."
    ),
}


@table_asset(
    SERVICE_HEALTH,
    group="0_services",
    team="processing",
    kinds={"ai"},
    per_batch=False,
    output_required=False,
    description=(
        "Every service of the policy: whether its address answers, whether it answers a real, "
        "tiny question, and how its calls went in the latest batches, with the timeout that they "
        "suggest. Services over HTTP are probed each time; embedded ones need no probe."
    ),
)
def service_health(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
    budget: dg.ResourceParam[SpendBudget],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Probes the services of the policy in force; none in the run of a batch that is finished."""
    if not nothing_left(home, policy_file.path):
        result = check_services(home, load_policy(policy_file.path), budget)
        yield materialize(context, result)


@table_asset(
    TAUGHT_SERVICES,
    group="8_learning",
    team="processing",
    kinds={"scikitlearn"},
    deps=[CALL_LOG.name],
    per_batch=False,
    description=(
        "What each taught service learned of its teacher's stored answers: the share of items that "
        "it may answer, the loss that it promises by held-out answers, its audits, and in words "
        "why it is refused or suspended where it is."
    ),
)
def taught_services(
    home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Teaches every taught service of the policy again; new batches use what is in force."""
    rows = list(train_taught(load_policy(policy_file.path).policy, home))
    words = {row.service: f"{row.outcome}: {row.words}" for row in rows}
    return dg.MaterializeResult(value=rows_to_arrow(TAUGHT_SERVICES, rows), metadata=words)


_LOGS = {DECISION_LOG.name, CALL_LOG.name, ROLLOUT_DECISIONS.name}


def _out(name: str) -> dg.AssetOut:
    return dg.AssetOut(
        io_manager_key="tables",
        is_required=False,
        group_name="4_interpretations",
        description=_DESCRIPTIONS[name],
        kinds={"parquet", "log"} if name in _LOGS else {"parquet", "ai"},
        owners=["team:processing"],
        code_version="2",
    )


@dg.multi_asset(
    outs={name: _out(name) for name in _DESCRIPTIONS},
    can_subset=True,
    partitions_def=content_batches,
    pool=BATCH_POOL,
    # health is not read: its deep check decides whether anything is paid for in this run. Of the
    # vectors and conversations only what the policy asks for is
    deps=[service_health, CONTENT_VECTORS.name, THREAD_MESSAGES.name],
)
def interpretations(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    home: dg.ResourceParam[Home],
    progress: dg.ResourceParam[Progress],
    budget: dg.ResourceParam[SpendBudget],
    dask_cluster: dg.ResourceParam[Workers],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Carries out every plan; yields the tables that were asked for.

    All plans run even when few tables are asked for: finished answers come from the cache, and
    the logs stay whole. Where only deferred questions are taken up, all other rows stand.
    """
    tables = PlannedTables(content_manifest, content_profiles, processing_plans)
    only_deferred = ONLY_DEFERRED_TAG in context.run.tags
    interpreted = interpret_batch(
        home,
        context.partition_key,
        tables,
        budget,
        progress,
        dask_cluster,
        only_deferred=only_deferred,
    )
    # the answers that were kept and what reading took; the tables are yet to be made
    close_unused()
    give_back_memory()
    result, rollout = interpreted.result, interpreted.rollout
    for warning in interpreted.warnings:
        context.log.warning(warning)
    for message in result.stopped.values():
        context.log.error(message)
    if rollout is not None and rollout.plans is not None:
        _take_back_plans(context, home, processing_plans, rollout.plans)
    rollout_rows = rollout_tables(home, context.partition_key, rollout, watched=not only_deferred)
    for name, table, figures in (*result_tables(result), *rollout_rows):
        if name in context.op_execution_context.selected_output_names:
            key = context.asset_key_for_output(name)
            yield dg.MaterializeResult(asset_key=key, value=table, metadata=figures)


def _take_back_plans(
    context: dg.AssetExecutionContext, home: Home, planned: pa.Table, followed: Sequence[PlanRow]
) -> None:
    """Puts the plans in place that were followed in the end, and says so in the plans' history."""
    by_pair = {(plan.item_id, plan.task): plan for plan in followed}
    pairs = list(values(planned, "item_id", "task"))
    place = {item: number for number, (item, _) in enumerate(dict.fromkeys(pairs))}
    by_item: dict[str, list[str]] = {}
    for item, task in pairs:
        by_item.setdefault(item, []).append(task)
    # the order of tasks is that of the policy, of which one item may have all
    most = max((len(tasks) for tasks in by_item.values()), default=0)
    whole = next((tasks for tasks in by_item.values() if len(tasks) == most), [])
    order = {task: number for number, task in enumerate(whole)}
    in_order = [
        by_pair[pair]
        for pair in sorted(
            by_pair, key=lambda one: (place[one[0]], order.get(one[1], len(order)), one[1])
        )
    ]
    path = home.tables.write(
        PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, in_order), context.partition_key
    )
    items = len({plan.item_id for plan in followed if plan.cohort is Cohort.RETURNED})
    words = f"{items} items went back from the policy on trial to the one in force"
    context.log.warning(words)
    context.log_event(
        dg.AssetMaterialization(
            context.asset_key_for_input(PROCESSING_PLANS.name),
            description=words,
            partition=context.partition_key,
            metadata={
                "dagster/partition_row_count": len(in_order),
                "path": dg.MetadataValue.path(str(path)),
                "items_taken_back": items,
            },
        )
    )


@table_asset(
    TOOL_LOG,
    group="4_interpretations",
    team="processing",
    kinds={"log"},
    deps=[*(table.name for table in INTERPRETATIONS.values()), PART_READINGS.name],
    description=(
        "Every call of a tool by a service before it answered: arguments, outcome, and what the "
        "service was told, reply by reply."
    ),
)
def tool_log(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]
) -> dg.MaterializeResult[pa.Table]:
    """Gathers the steps that are kept beside the answers of the batch."""
    return materialize(context, tool_log_of(home, context.partition_key))
