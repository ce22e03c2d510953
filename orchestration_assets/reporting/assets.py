"""Assets of reporting: a page for each batch, and the index over all of them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.partitions import content_batches
from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.item_states import replay
from orchestration_assets.reporting.page import (
    render_batch,
    render_index,
    render_review,
    render_services,
)
from orchestration_assets.reporting.plots import as_markdown, batch_pictures, trend_png
from orchestration_assets.reporting.scorecard_figures import (
    BATCHES,
    LearningFigures,
    learning_figures,
)
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.states import ITEM_STATES
from orchestration_assets.schemas.tables import (
    CORPUS_REPORT,
    DISAGREEMENT_REPORT,
    RESOLUTIONS,
)
from resources.damage import leaving_out_damage
from resources.home import HomeResource
from resources.table_store import TableStore, write_atomically

_GROUP = "6_reports"
_NO_PLANS = "none"


@dg.asset(
    partitions_def=content_batches,
    group_name=_GROUP,
    io_manager_key="tables",
    kinds={"parquet", "log"},
    owners=["team:reporting"],
    code_version="1",
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
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    resolutions: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Replays what the floors stored through the state machine."""
    interpretations = {
        "sequential_interpretations": sequential_interpretations,
        "parallel_interpretations": parallel_interpretations,
        "iterative_interpretations": iterative_interpretations,
        "hybrid_interpretations": hybrid_interpretations,
    }
    rows = replay(
        context.partition_key,
        content_manifest,
        content_profiles,
        processing_plans,
        interpretations,
        resolutions,
    )
    states = rows_to_arrow(ITEM_STATES, rows)
    ends = Counter(states.filter(pc.field("final"))["to_state"].to_pylist())
    return dg.MaterializeResult(value=states, metadata=dict(ends))


@dg.asset(
    partitions_def=content_batches,
    group_name=_GROUP,
    io_manager_key="tables",
    kinds={"parquet", "html"},
    owners=["team:reporting"],
    code_version="2",
    description=(
        "The page of the batch: what came in, how it was processed and why, where services "
        "disagree with all readings side by side, and what it took. The row holds its totals."
    ),
)
def disagreement_report(
    context: dg.AssetExecutionContext,
    content_manifest: pa.Table,
    content_profiles: pa.Table,
    processing_plans: pa.Table,
    sequential_interpretations: pa.Table,
    parallel_interpretations: pa.Table,
    iterative_interpretations: pa.Table,
    hybrid_interpretations: pa.Table,
    decision_log: pa.Table,
    call_log: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    dispute_kinds: pa.Table,
    review_queue: pa.Table,
    item_states: pa.Table,
    home: HomeResource,
) -> dg.MaterializeResult[pa.Table]:
    """Renders reports/<batch>.html and <batch>-review.html from the batch's tables."""
    batch = context.partition_key
    tables = {
        "content_manifest": content_manifest,
        "content_profiles": content_profiles,
        "processing_plans": processing_plans,
        "interpretations": pa.concat_tables(
            [
                sequential_interpretations,
                parallel_interpretations,
                iterative_interpretations,
                hybrid_interpretations,
            ]
        ),
        "decision_log": decision_log,
        "call_log": call_log,
        "resolutions": resolutions,
        "disagreements": disagreements,
        "dispute_kinds": dispute_kinds,
        "review_queue": review_queue,
        "item_states": item_states,
    }
    source = home.batches.read(batch)["source"][0].as_py()
    hashes = processing_plans["policy_hash"].unique().to_pylist()
    row = report_row(batch, source, hashes[0] if hashes else _NO_PLANS, tables)
    figures = batch_figures(tables)
    page = render_batch(row, figures)
    path = home.reports / f"{batch}.html"
    write_atomically(path, page.encode("utf-8", "replace"))
    review = render_review(batch, figures.questions)
    write_atomically(home.reports / f"{batch}-review.html", review.encode("utf-8", "replace"))
    metadata: dict[str, Any] = {
        "report": dg.MetadataValue.url(path.as_uri()),
        "accepted": row.accepted,
        "rejected": row.rejected,
        "resolved": row.resolved,
        "disagreement_pairs": row.disagreements,
        "disputed_answers": row.disputed,
        "questions_for_people": figures.questions.total,
        "calls": row.calls,
        "cost_usd": row.cost_usd,
        **{name: dg.MetadataValue.md(picture) for name, picture in batch_pictures(figures).items()},
    }
    return dg.MaterializeResult(value=rows_to_arrow(DISAGREEMENT_REPORT, [row]), metadata=metadata)


@dg.asset(
    deps=[disagreement_report, SERVICE_SCORECARDS.name],
    group_name=_GROUP,
    io_manager_key="tables",
    kinds={"parquet", "html"},
    owners=["team:reporting"],
    code_version="2",
    description=(
        "All batches together: one row of totals each, the index page over them, and the page of "
        "the services: scorecards, calibration, thresholds, drift."
    ),
)
def corpus_report(home: HomeResource) -> dg.MaterializeResult[pa.Table]:
    """Collects the totals of every reported batch; renders reports/index.html, services.html."""
    store = home.tables
    table = store.read_batches(DISAGREEMENT_REPORT, store.batches(DISAGREEMENT_REPORT.name))
    path = home.reports / "index.html"
    rows = list(DISAGREEMENT_REPORT.rows(table))
    page = render_index(rows)
    write_atomically(path, page.encode("utf-8", "replace"))
    services = home.reports / "services.html"
    write_atomically(services, render_services(_learnt(store)).encode("utf-8", "replace"))
    return dg.MaterializeResult(
        value=table.cast(CORPUS_REPORT.schema),
        metadata={
            "report": dg.MetadataValue.url(path.as_uri()),
            "services": dg.MetadataValue.url(services.as_uri()),
            "batches": table.num_rows,
            "trend": dg.MetadataValue.md(as_markdown(trend_png(rows), "The latest batches")),
        },
    )


def _learnt(store: TableStore) -> LearningFigures:
    """What is known of the services; what was learnt is there once it was materialized."""
    cards = store.read(SERVICE_SCORECARDS.name)
    calibrations, thresholds = (
        store.read(table.name) if store.exists(table.name) else None
        for table in (CALIBRATION, VECTOR_THRESHOLDS)
    )
    columns = ["task", "error_risk", "triage", "dissenters"]
    return learning_figures(cards, calibrations, _latest(store, columns), thresholds)


def _latest(store: TableStore, columns: list[str]) -> Iterator[tuple[str, pa.Table]]:
    for batch in store.batches(RESOLUTIONS.name)[-BATCHES:]:
        with leaving_out_damage():
            yield batch, store.read(RESOLUTIONS.name, batch, columns)
