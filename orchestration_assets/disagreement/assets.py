"""Assets of disagreement: the answer that stands, and who contradicts whom."""

from functools import partial

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.conversations.late_answers import note_late_answers
from orchestration_assets.disagreement.batch import search_of
from orchestration_assets.disagreement.batch_tables import (
    AnsweredBatch,
    InterpretedBatch,
    classify_disputes,
    compare_batch,
    contents_of_questions,
    queue_questions,
)
from orchestration_assets.disagreement.cohorts import resolve_cohorts
from orchestration_assets.disagreement.corpus_tables import (
    calibrate_tasks,
    calibrate_thresholds,
    score_services,
)
from orchestration_assets.disagreement.review_files import as_csv, as_jsonl
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.memory import remembered_tasks
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    RESOLUTIONS,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.table_assets import materialize, table_asset
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.table_store import write_atomically

_batch_asset = partial(table_asset, group="5_disagreement", team="disagreement")
_corpus_asset = partial(table_asset, team="disagreement", per_batch=False)


@_batch_asset(
    RESOLUTIONS,
    reads=[*INTERPRETATIONS.values(), DECISION_LOG],
    code_version="5",
    description=(
        "The answer that stands for each item and task, the probability that it is wrong, who "
        "supports it and who dissents. Every reading is kept beside it."
    ),
)
def resolutions(
    context: dg.AssetExecutionContext,
    processing_plans: pa.Table,
    home: dg.ResourceParam[Home],
    **tables: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Weighs the readings of each plan against each other."""
    batch = InterpretedBatch(home, processing_plans, tables)
    result = resolve_cohorts(batch)
    remembered = remembered_tasks(batch.policy) if batch.policy else ()
    note_late_answers(home, context.partition_key, remembered, result.table)
    return materialize(context, result)


@_batch_asset(
    DISAGREEMENTS,
    reads=INTERPRETATIONS.values(),
    deps=[CONTENT_VECTORS.name],
    code_version="6",
    description=(
        "Every pair of services whose answers about the same item and task lie far apart or "
        "exclude each other: what that would change and how severe it is, both answers, how sure "
        "each was, what each rests on, and how the two stood on the nearest earlier items. "
        "Differences that change nothing have the consequence none."
    ),
)
def disagreements(
    context: dg.AssetExecutionContext,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    home: dg.ResourceParam[Home],
    **interpretations: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Compares the readings of each resolution pair by pair, but none with what it was shown."""
    batch = InterpretedBatch(home, processing_plans, interpretations)
    return materialize(context, compare_batch(batch, resolutions, context.partition_key))


@_batch_asset(
    DISPUTE_KINDS,
    reads=INTERPRETATIONS.values(),
    description=(
        "What sets readings apart, whatever their distance: an outlier among services, another "
        "entity or type of answer, figures of speech, opposed tone; each with what was seen."
    ),
)
def dispute_kinds(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    home: dg.ResourceParam[Home],
    **interpretations: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Looks through the questions that several services of the batch answered."""
    batch = InterpretedBatch(home, processing_plans, interpretations)
    with ContentReader(home, home.batches.source(context.partition_key)) as reader:
        search = search_of(batch.policy, content_manifest, content_profiles, reader)
        return materialize(context, classify_disputes(batch, resolutions, search))


@_batch_asset(
    REVIEW_QUEUE,
    reads=INTERPRETATIONS.values(),
    kinds={"csv", "json"},
    code_version="2",
    description=(
        "The questions that people should look at, also as files to fill in, with the part of the "
        "content that decides them: review/<batch>.csv and .jsonl. Filled in and dropped into "
        "verdicts/, they become gold. They are a sample of known probabilities: the most valuable "
        "verdicts are the most probable, and an audit share is even over all answers."
    ),
)
def review_queue(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    dispute_kinds: pa.Table,
    home: dg.ResourceParam[Home],
    **interpretations: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Draws what is to be asked of all that is not judged yet, and writes the files."""
    batch = AnsweredBatch(
        home,
        context.partition_key,
        content_manifest,
        content_profiles,
        processing_plans,
        list(interpretations.values()),
        resolutions,
        disagreements,
        dispute_kinds,
    )
    rows = queue_questions(batch)
    contents = contents_of_questions(batch, rows)
    asked = [row for row in rows if row.probability is None]
    metadata: dict[str, dg.MetadataValue | int] = {
        "questions": len(asked),
        "for_audit": sum(row.audit for row in asked),
        "answered_before": sum(bool(row.probability) for row in rows),
    }
    for suffix, data in {
        "csv": as_csv(rows, contents),
        "jsonl": as_jsonl(rows, contents),
    }.items():
        path = home.review / f"{context.partition_key}.{suffix}"
        write_atomically(path, data)
        metadata[suffix] = dg.MetadataValue.path(str(path))
    return dg.MaterializeResult(value=rows_to_arrow(REVIEW_QUEUE, rows), metadata=metadata)


@_corpus_asset(
    CALIBRATION,
    group="8_learning",
    deps=[RESOLUTIONS.name, GOLD_LABELS.name],
    description=(
        "What agreement and verdicts have taught about the services of each label task, and "
        "verdicts about the fields of each record task; and whether it passed the gate: on "
        "verdicts that it has not seen, neither its risk nor its answers may be worse than what is "
        "in use. What passes is promoted, and later batches use it."
    ),
)
def calibration(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Learns from every stored batch; promotes what passes."""
    return materialize(context, calibrate_tasks(home, load_policy(policy_file.path).policy))


@_corpus_asset(
    VECTOR_THRESHOLDS,
    group="8_learning",
    deps=[RESOLUTIONS.name],
    description=(
        "What is usual between every two services that answer with vectors, by the number of items "
        "compared at once: from where on they disagree. It holds for these models only, and is "
        "promoted when it errs no more on contents that it has not seen than what is in use."
    ),
)
def vector_thresholds(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Compares the recorded vectors of every pair, as they are and shuffled."""
    return materialize(context, calibrate_thresholds(home, load_policy(policy_file.path).policy))


@_corpus_asset(
    SERVICE_SCORECARDS,
    group="7_corpus",
    deps=[RESOLUTIONS.name, GOLD_LABELS.name],
    description=(
        "Every service of every task over all batches: how reliable it is, whether it repeats "
        "another or is broken, what it costs, and what would be lost without it."
    ),
)
def service_scorecards(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]
) -> dg.MaterializeResult[pa.Table]:
    """Counts, compares, and leaves out each service in turn."""
    return materialize(context, score_services(home))
