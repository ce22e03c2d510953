"""Assets of disagreement: the answer that stands, and who contradicts whom."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.disagreement.batch import (
    copies_of,
    judged_in,
    known_thresholds,
    label_weights,
    rules_of,
    search_of,
    service_versions,
)
from orchestration_assets.disagreement.calibration import calibrate
from orchestration_assets.disagreement.calibration_registry import (
    promote,
    promote_thresholds,
    promoted_for,
    thresholds_in_use,
)
from orchestration_assets.disagreement.kinds.search import dispute_kinds as find_kinds
from orchestration_assets.disagreement.label_history import gold_of, label_readings
from orchestration_assets.disagreement.neighbour_history import (
    look_up,
    lookup_of,
    neighbours_of,
    with_nearby,
)
from orchestration_assets.disagreement.pairs import disagreements as find_disagreements
from orchestration_assets.disagreement.readings import group_readings, independent
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.disagreement.review import as_csv, as_jsonl
from orchestration_assets.disagreement.review import review_queue as queue_up
from orchestration_assets.disagreement.scorecards import scorecards, tally
from orchestration_assets.disagreement.selector_weights import learned_weights
from orchestration_assets.disagreement.thresholds import calibrate_vectors, in_force, in_words
from orchestration_assets.disagreement.vector_history import VectorReadings, vector_readings
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.processing.batch import build_tasks, deciders, learned_models
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
    VectorThresholdRow,
)
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus, Triage
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import DISAGREEMENTS, RESOLUTIONS
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.damage import leaving_out_damage
from resources.home import HomeResource, PolicyFileResource
from resources.model_store import ModelStore
from resources.table_store import TableStore, write_atomically


@dg.asset(
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="3",
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
    policy = read_pinned_policy(home.policies, processing_plans)
    tables = [
        sequential_interpretations,
        parallel_interpretations,
        iterative_interpretations,
        hybrid_interpretations,
    ]
    readings = group_readings(tables)
    plans = iter(processing_plans.to_pylist())
    tasks = build_tasks(policy)
    heard = independent(readings, processing_plans.to_pylist())
    store = ModelStore(home.folder)
    weighed = label_weights(heard, tasks, service_versions(tables), policy, promoted_for(store))
    models = learned_models(processing_plans, home.models)
    learned = learned_weights(processing_plans.to_pylist(), heard, models)
    rows = resolve_plans(
        plans,
        readings,
        tasks,
        deciders(policy),
        rules_of(policy),
        weighed.by_question | learned,
        weighed.basis,
    )
    table = rows_to_arrow(RESOLUTIONS, rows)
    statuses = {
        status.value: pc.sum(pc.equal(table["status"], status.value)).as_py() or 0
        for status in ResolutionStatus
    }
    disputed = pc.sum(pc.greater(pc.list_value_length(table["dissenters"]), 0)).as_py() or 0
    bands = {
        f"triage_{band.value}": pc.sum(pc.equal(table["triage"], band.value)).as_py() or 0
        for band in Triage
    }
    used = {f"calibration: {task}": version for task, version in weighed.versions.items()}
    return dg.MaterializeResult(
        value=table, metadata={**statuses, **bands, **used, "disputed": disputed}
    )


@dg.asset(
    deps=[CONTENT_VECTORS.name],
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="4",
    description=(
        "Every pair of services whose answers about the same item and task lie too far apart: both "
        "answers, how sure each was, what only one of them says, what each rests on, and how the "
        "two stood on the nearest earlier items."
    ),
)
def disagreements(
    context: dg.AssetExecutionContext,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Compares the independent readings of each resolution pair by pair; a judge is none."""
    policy = read_pinned_policy(home.policies, processing_plans)
    tables = [
        sequential_interpretations,
        parallel_interpretations,
        iterative_interpretations,
        hybrid_interpretations,
    ]
    readings = group_readings(tables)
    resolved = resolutions.select(["batch", "item_id", "content_hash", "path", "task"])
    heard = independent(readings, processing_plans.to_pylist())
    in_use = partial(thresholds_in_use, home.models)
    known = known_thresholds(processing_plans, tables, policy, in_use)
    tasks = build_tasks(policy)
    broken: dict[str, str] = {}
    rows = list(find_disagreements(resolved.to_pylist(), heard, tasks, known, broken))
    _warn(context, "not compared", broken)
    columns = ["batch", "item_id", "neighbours"]
    vectors = home.tables.read(CONTENT_VECTORS.name, context.partition_key, columns)
    near = neighbours_of(vectors, {row.item_id for row in rows})
    earlier = look_up(home.tables, near, service_versions(tables), lookup_of(policy))
    table = rows_to_arrow(DISAGREEMENTS, with_nearby(rows, near, earlier, tasks))
    kinds = Counter(table["kind"].to_pylist())
    items = len(pc.unique(table["item_id"]))
    strongest = pc.max(table["severity"]).as_py() or 0.0
    used = {f"thresholds: {task}": one.in_words() for task, one in known.items()}
    nearby = {f"earlier batch {batch} not read": why for batch, why in earlier.left_out.items()}
    figures = {"items_in_dispute": items, "highest_severity": strongest}
    figures["not_compared"] = len(broken)
    figures["with_nearby"] = table.num_rows - table["near_items"].null_count
    return dg.MaterializeResult(value=table, metadata={**kinds, **used, **figures, **nearby})


@dg.asset(
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="1",
    description=(
        "What sets readings apart, where services disagree: an outlier among services, another "
        "entity or type of answer, figures of speech, opposed tone; each with what was seen."
    ),
)
def dispute_kinds(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Looks through the questions that the services of the batch disagree on."""
    policy = read_pinned_policy(home.policies, processing_plans)
    readings = group_readings(
        [
            sequential_interpretations,
            parallel_interpretations,
            iterative_interpretations,
            hybrid_interpretations,
        ]
    )
    heard = independent(readings, processing_plans.to_pylist())
    questions = [disagreements[name].to_pylist() for name in ("item_id", "task")]
    resolved = resolutions.select(["batch", "item_id", "content_hash", "path", "task"]).to_pylist()
    disputed = set(zip(*questions, strict=True))
    with ContentReader(home.folder, home.batches.source(context.partition_key)) as reader:
        search = search_of(policy, content_manifest, content_profiles, reader)
        broken: dict[str, str] = {}
        rows = find_kinds(resolved, heard, disputed, build_tasks(policy), search, broken)
        table = rows_to_arrow(DISPUTE_KINDS, rows)
    _warn(context, "not looked through", broken)
    figures = {**Counter(table["kind"].to_pylist()), "not_looked_through": len(broken)}
    return dg.MaterializeResult(value=table, metadata=figures)


def _warn(context: dg.AssetExecutionContext, what: str, broken: Mapping[str, str]) -> None:
    for place, why in broken.items():
        context.log.warning(f"{place}: {what}: {whole_text(why)}")


@dg.asset(
    partitions_def=content_batches,
    group_name="5_disagreement",
    io_manager_key="tables",
    kinds={"parquet", "csv", "json"},
    owners=["team:disagreement"],
    code_version="1",
    description=(
        "The questions that people should look at, the most valuable verdict first, also as files "
        "to fill in: review/<batch>.csv and .jsonl. Filled in and dropped into verdicts/, they "
        "become gold."
    ),
)
def review_queue(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    dispute_kinds: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Orders what is neither accepted nor judged yet, and writes the files."""
    policy = read_pinned_policy(home.policies, processing_plans)
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in dispute_kinds.select(["item_id", "task", "kind"]).to_pylist():
        kinds.setdefault((row["item_id"], row["task"]), []).append(row["kind"])
    rows = queue_up(
        resolutions.to_pylist(),
        kinds,
        copies_of(content_manifest),
        {name: task.impact for name, task in policy.tasks.items()} if policy else {},
        judged_in(_gold(home.tables)),
        policy.disagreement.review.max_rows if policy else 0,
    )
    files = {"csv": as_csv(rows), "jsonl": as_jsonl(rows)}
    metadata: dict[str, Any] = {"questions": len(rows)}
    for suffix, data in files.items():
        path = home.review / f"{context.partition_key}.{suffix}"
        write_atomically(path, data)
        metadata[suffix] = dg.MetadataValue.path(str(path))
    return dg.MaterializeResult(value=rows_to_arrow(REVIEW_QUEUE, rows), metadata=metadata)


@dg.asset(
    deps=[resolutions, GOLD_LABELS.name],
    group_name="8_learning",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="1",
    description=(
        "What agreement and verdicts have taught about the services of each label task, and "
        "whether it passed the gate: on verdicts that it has not seen, its risk must be no worse "
        "than what is in use. What passes is promoted, and later batches use it."
    ),
)
def calibration(
    home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Learns from every stored batch; promotes what passes."""
    store = ModelStore(home.folder)
    in_use = promoted_for(store)
    gold = gold_of(_gold(home.tables))
    tasks = load_policy(policy_file.path).policy.tasks
    rows = []
    judged = {content for of_task in gold.values() for content in of_task}
    for task, readings in label_readings(home.tables, judged).items():
        closed = tasks[task].labels if task in tasks else ()
        now = in_use(task)
        model, version = (now.model, now.version) if now else (None, None)
        found = calibrate(task, readings, gold.get(task, {}), model, version, closed)
        rows.append(promote(store, found))
    table = rows_to_arrow(CALIBRATION, rows)
    return dg.MaterializeResult(
        value=table,
        metadata={
            "promoted": sum(row.promoted for row in rows),
            **{f"{row.task}": row.reason for row in rows},
        },
    )


@dg.asset(
    deps=[resolutions],
    group_name="8_learning",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="1",
    description=(
        "What is usual between every two services that answer with vectors, by the number of items "
        "compared at once: from where on they disagree. It holds for these models only, and is "
        "promoted when it errs no more on contents that it has not seen than what is in use."
    ),
)
def vector_thresholds(
    home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Compares the recorded vectors of every pair, as they are and shuffled."""
    policy = load_policy(policy_file.path).policy
    tasks, share = build_tasks(policy), policy.disagreement.unusual_share
    recorded = vector_readings(home.tables, home.policies)
    rows: list[VectorThresholdRow] = []
    for name, task in tasks.items():
        if task.kind is AnswerKind.VECTOR:
            in_use = thresholds_in_use(home.models, name)
            readings = recorded.by_task.get(name, VectorReadings())
            found = calibrate_vectors(name, readings, task.disagree_at, share, in_use)
            if found.thresholds is not None:
                in_use = promote_thresholds(home.models, name, found.thresholds)
            rows += in_force(name, found.rows, in_use)
    metadata: dict[str, Any] = {"promoted": sum(row.promoted for row in rows)}
    metadata |= in_words(rows)
    metadata |= {f"left out: {batch}": why for batch, why in recorded.left_out.items()}
    return dg.MaterializeResult(value=rows_to_arrow(VECTOR_THRESHOLDS, rows), metadata=metadata)


@dg.asset(
    deps=[resolutions, GOLD_LABELS.name],
    group_name="7_corpus",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:disagreement"],
    code_version="1",
    description=(
        "Every service of every task over all batches: how reliable it is, whether it repeats "
        "another or is broken, what it costs, and what would be lost without it."
    ),
)
def service_scorecards(home: HomeResource) -> dg.MaterializeResult[pa.Table]:
    """Counts, compares, and leaves out each service in turn."""
    gold = gold_of(_gold(home.tables))
    judged = {content for of_task in gold.values() for content in of_task}
    rows = list(scorecards(tally(home.tables), label_readings(home.tables, judged), gold))
    table = rows_to_arrow(SERVICE_SCORECARDS, rows)
    return dg.MaterializeResult(
        value=table,
        metadata={
            "clones": sum(row.clone_of is not None for row in rows),
            "broken": sum(row.broken for row in rows),
            **{f"{row.task}: {row.service}": row.verdict for row in rows},
        },
    )


def _gold(store: TableStore) -> list[dict[str, Any]]:
    """The verdicts of people so far; none before anybody gave one."""
    if not store.exists(GOLD_LABELS.name):
        return []
    rows: list[dict[str, Any]] = []
    with leaving_out_damage():  # it is made again from the accepted files of verdicts
        rows = store.read(GOLD_LABELS.name).to_pylist()
    return rows
