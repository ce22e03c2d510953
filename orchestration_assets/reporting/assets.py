"""Assets of reporting: a page for each batch, and the index over all of them."""

from collections import Counter
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.item_states import replay
from orchestration_assets.schemas.disagreement import (
    DISPUTE_KINDS,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
)
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.rollout import ROLLOUT_ANSWERS, ROLLOUT_DECISIONS
from orchestration_assets.schemas.states import ITEM_STATES
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    CORPUS_REPORT,
    DECISION_LOG,
    DISAGREEMENT_REPORT,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from orchestration_assets.settings import explorer_address
from orchestration_assets.signals.batch_measures import batch_measures
from orchestration_assets.signals.figures import batch_figures_of
from orchestration_assets.table_assets import table_asset
from resources.home import Home

_asset = partial(table_asset, group="6_reports", team="reporting")


@_asset(
    ITEM_STATES,
    reads=INTERPRETATIONS.values(),
    kinds={"log"},
    description=(
        "The audit log of the batch: every state that each item went through from its listing to "
        "its end, why, and which asset decided it. A step that the state machine does not allow "
        "stops the run."
    ),
)
def item_states(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    resolutions: pa.Table,
    **interpretations: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Replays what the floors stored through the state machine."""
    states = replay(
        context.partition_key,
        content_manifest,
        content_profiles,
        processing_plans,
        {table.name: interpretations[table.name] for table in INTERPRETATIONS.values()},
        resolutions,
    )
    ends = Counter(states.filter(pc.field("final"))["to_state"].to_pylist())
    return dg.MaterializeResult(value=states, metadata=dict(ends))


@_asset(
    DISAGREEMENT_REPORT,
    reads=[
        CONTENT_MANIFEST,
        CONTENT_PROFILES,
        PROCESSING_PLANS,
        *INTERPRETATIONS.values(),
        DECISION_LOG,
        CALL_LOG,
        ROLLOUT_ANSWERS,
        ROLLOUT_DECISIONS,
        RESOLUTIONS,
        DISAGREEMENTS,
        DISPUTE_KINDS,
        REVIEW_QUEUE,
    ],
    # only counted
    reads_columns={ITEM_STATES.name: ITEM_STATES.key},
    # of batches of an earlier version there is none
    deps=[PART_READINGS.name],
    kinds={"html"},
    code_version="3",
    description=(
        "The page of the batch: what changed, what is disputed and what to do next; ten disputes "
        "to read, with their content and all readings side by side; then the figures. The row "
        "holds its totals."
    ),
)
def disagreement_report(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], **tables: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Renders reports/<batch>.html and <batch>-review.html from the batch's tables."""
    # what draws pages takes memory that the steps before do without
    from orchestration_assets.reporting.plots import batch_pictures
    from orchestration_assets.reporting.publication import publish_batch

    page = publish_batch(home, context.partition_key, tables)
    row, pictures = page.row, batch_pictures(page.figures)
    explorer = explorer_address()
    metadata: dict[str, Any] = {
        **batch_figures_of(batch_measures(home, context.partition_key)),
        "report": dg.MetadataValue.url(page.path.as_uri()),
        "accepted": row.accepted,
        "rejected": row.rejected,
        "resolved": row.resolved,
        "disputed": row.disputed,
        "disputed_pairs": row.disputed_pairs,
        "without_consequence": row.without_consequence,
        "questions_for_people": page.figures.questions.total,
        "calls": row.calls,
        "cost_usd": row.cost_usd,
        "paid_usd": row.paid_usd,
        **{name: dg.MetadataValue.md(picture) for name, picture in pictures.items()},
    }
    if explorer:
        metadata["explorer"] = dg.MetadataValue.url(f"{explorer}/batch/{context.partition_key}")
    return dg.MaterializeResult(value=rows_to_arrow(DISAGREEMENT_REPORT, [row]), metadata=metadata)


@_asset(
    CORPUS_REPORT,
    deps=[DISAGREEMENT_REPORT.name, SERVICE_SCORECARDS.name],
    kinds={"html"},
    code_version="2",
    per_batch=False,
    description=(
        "All batches together: one row of totals each, the index page over them, and the page of "
        "the services: scorecards, calibration, thresholds, drift."
    ),
)
def corpus_report(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[pa.Table]:
    """Collects the totals of every reported batch; renders reports/index.html, services.html."""
    from orchestration_assets.reporting.plots import as_markdown, trend
    from orchestration_assets.reporting.publication import publish_corpus

    pages = publish_corpus(home)
    metadata: dict[str, Any] = {
        "report": dg.MetadataValue.url(pages.index.as_uri()),
        "services": dg.MetadataValue.url(pages.services.as_uri()),
        "batches": pages.totals.num_rows,
        "trend": dg.MetadataValue.md(as_markdown(trend(pages.rows), "The latest batches")),
    }
    return dg.MaterializeResult(value=pages.totals.cast(CORPUS_REPORT.schema), metadata=metadata)
