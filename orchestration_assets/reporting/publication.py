"""The pages of a home: those of each batch, and those over all batches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from orchestration_assets.disagreement.batch_tables import AnsweredBatch, contents_of_questions
from orchestration_assets.reporting.figures import BatchFigures, batch_figures, report_row
from orchestration_assets.reporting.page import (
    render_batch,
    render_index,
    render_review,
    render_services,
)
from orchestration_assets.reporting.scorecard_figures import (
    BATCHES,
    LearningFigures,
    learning_figures,
)
from orchestration_assets.reporting.spending import PAYMENT_COLUMNS, payments
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    DISPUTE_KINDS,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENT_REPORT,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    ReportRow,
)
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableStore, write_atomically

_NO_PLANS: Final = "none"


@dataclass(frozen=True, slots=True)
class BatchPage:
    """The page of a batch: where it is, its totals, and its figures."""

    path: Path
    row: ReportRow
    figures: BatchFigures


def publish_batch(home: Home, batch: str, tables: Mapping[str, pa.Table]) -> BatchPage:
    """Writes the page of a batch and that of its questions; ``tables`` are its tables by name."""
    names = [table.name for table in INTERPRETATIONS.values()]
    whole = {name: table for name, table in tables.items() if name not in names}
    whole["interpretations"] = pa.concat_tables([tables[name] for name in names])
    source = home.batches.read(batch)["source"][0].as_py()
    hashes = tables["processing_plans"]["policy_hash"].unique().to_pylist()
    paid = payments(home.spending.rows(PAYMENT_COLUMNS), batch)
    row = report_row(batch, source, hashes[0] if hashes else _NO_PLANS, whole, paid)
    figures = batch_figures(whole)
    path = home.reports / f"{batch}.html"
    _write(path, render_batch(row, figures))
    contents = contents_of_questions(_answered(home, batch, tables), figures.questions.shown)
    _write(home.reports / f"{batch}-review.html", render_review(batch, figures.questions, contents))
    return BatchPage(path, row, figures)


def _answered(home: Home, batch: str, tables: Mapping[str, pa.Table]) -> AnsweredBatch:
    return AnsweredBatch(
        home,
        batch,
        tables[CONTENT_MANIFEST.name],
        tables[CONTENT_PROFILES.name],
        tables[PROCESSING_PLANS.name],
        [tables[table.name] for table in INTERPRETATIONS.values()],
        tables[RESOLUTIONS.name],
        tables[DISAGREEMENTS.name],
        tables[DISPUTE_KINDS.name],
    )


@dataclass(frozen=True, slots=True)
class CorpusPages:
    """The pages over all batches: where they are, and a row of totals for each batch."""

    index: Path
    services: Path
    totals: pa.Table
    rows: list[ReportRow]


def publish_corpus(home: Home) -> CorpusPages:
    """Writes the index over all reported batches, and the page of the services."""
    store = home.tables
    index, services = home.reports / "index.html", home.reports / "services.html"
    totals = store.read_batches(DISAGREEMENT_REPORT, store.batches(DISAGREEMENT_REPORT.name))
    rows = list(DISAGREEMENT_REPORT.rows(totals))
    _write(index, render_index(rows, payments(home.spending.rows(PAYMENT_COLUMNS))))
    _write(services, render_services(_learning_figures(store)))
    return CorpusPages(index, services, totals, rows)


def _write(path: Path, page: str) -> None:
    write_atomically(path, page.encode("utf-8", "replace"))


def _learning_figures(store: TableStore) -> LearningFigures:
    """What is known of the services; what was learned is there once it was materialized."""
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
