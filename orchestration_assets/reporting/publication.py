"""The pages of a home: those of each batch, and those over all batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.disagreement.batch_tables import InterpretedBatch
from orchestration_assets.disagreement.item_contents import ItemContents, gold_columns
from orchestration_assets.disagreement.part_differences import PartDifference, part_differences
from orchestration_assets.disagreement.review_contents import question_contents, votes_about
from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.policy.hidden_content import hides_content
from orchestration_assets.reporting.dispute_cards import CardSources, TaskWording
from orchestration_assets.reporting.disputed import DISPUTE_COLUMNS
from orchestration_assets.reporting.earlier_reports import read_earlier
from orchestration_assets.reporting.figures import BatchFigures, batch_figures, report_row
from orchestration_assets.reporting.page import (
    render_batch,
    render_index,
    render_review,
    render_services,
)
from orchestration_assets.reporting.reported_totals import reported_totals
from orchestration_assets.reporting.scorecard_figures import (
    BATCHES,
    DRIFT_COLUMNS,
    DriftMeans,
    LearningFigures,
    drift_means,
    learning_figures,
)
from orchestration_assets.reporting.spending import PAYMENT_COLUMNS, payments
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.selection import SELECTION_FRONTIER
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tables import (
    DISAGREEMENT_REPORT,
    DISAGREEMENTS,
    INTERPRETATIONS,
    RESOLUTIONS,
    ReportRow,
)
from orchestration_assets.signals.gold_accuracy import declared_accuracy
from orchestration_assets.text.redaction import redact
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.home import Home
from resources.machine import give_back_memory
from resources.table_store import TableStore, write_atomically

_NO_PLANS: Final = "none"
# another number where batches are measured in another way
_DRIFT: Final = "drift_means_1"


@dataclass(frozen=True, slots=True)
class BatchPage:
    """The page of a batch: where it is, its totals, and its figures."""

    path: Path
    row: ReportRow
    figures: BatchFigures


def publish_batch(home: Home, batch: str, tables: Mapping[str, pa.Table]) -> BatchPage:
    """Writes the page of a batch and that of its questions; ``tables`` are its tables by name.

    The content of the disputes and questions that are shown is read again.
    """
    names = [table.name for table in INTERPRETATIONS.values()]
    whole = {name: table for name, table in tables.items() if name not in names}
    whole["interpretations"] = pa.concat_tables([tables[name] for name in names])
    source = home.batches.read(batch)["source"][0].as_py()
    hashes = tables["processing_plans"]["policy_hash"].unique().to_pylist()
    paid = payments(home.spending.rows(PAYMENT_COLUMNS), batch)
    row = report_row(batch, source, hashes[0] if hashes else _NO_PLANS, whole, paid)
    home.series.await_earlier(batch, DISAGREEMENT_REPORT.name)
    earlier = read_earlier(home, batch, source, tables["resolutions"])
    asked = InterpretedBatch(home, tables["processing_plans"], tables)
    with ContentReader(home, home.batches.source(batch)) as reader:
        contents = ItemContents(
            asked.policies, tables["content_manifest"], tables["content_profiles"], reader
        )
        hidden = hidden_metadata(asked.policies)
        # what was counted of whole tables is free again, before and after most of the work
        give_back_memory()
        differing = _differing(_part_readings(home, batch), asked.tasks, hides=hidden is None)
        sources = CardSources(_wordings(asked.tasks), contents, hidden, differing)
        figures = batch_figures(whole, sources, earlier)
        if asked.policy is not None:
            manifest, answers = tables["content_manifest"], tables["resolutions"]
            right = declared_accuracy(batch, manifest, answers, asked.policy)
            figures = replace(figures, right=right)
        give_back_memory()
        questions = figures.questions
        votes = votes_about(questions.shown, [tables[name] for name in names])
        conversations = EarlierMessages(home, batch)
        shown = question_contents(questions.shown, contents, votes, earlier=conversations)
    path = home.reports / f"{batch}.html"
    _write(path, render_batch(row, figures))
    _write(home.reports / f"{batch}-review.html", render_review(batch, questions, shown))
    return BatchPage(path, row, figures)


def hidden_metadata(policies: Sequence[Policy]) -> frozenset[str] | None:
    """What nobody is shown: gold, and by policy everything."""
    return None if hides_content(policies) else gold_columns(policies)


def _part_readings(home: Home, batch: str) -> pa.Table:
    """What was said of parts; none in a batch of an earlier version."""
    if home.tables.exists(PART_READINGS.name, batch):
        with leaving_out_damage():
            return home.tables.read(PART_READINGS.name, batch)
    return PART_READINGS.schema.empty_table()


def _differing(
    parts: pa.Table, tasks: Mapping[str, Task], *, hides: bool
) -> Callable[[str, str], Sequence[PartDifference]]:
    """The parts of a question on which services differ; their headings are content."""
    if not parts.num_rows:
        return lambda item, task: ()

    def of(item: str, task: str) -> Sequence[PartDifference]:
        about = pc.and_(pc.equal(parts["item_id"], item), pc.equal(parts["task"], task))
        rows = PART_READINGS.rows(parts.filter(about))
        found = part_differences(rows, tasks[task]) if task in tasks else []
        return [replace(one, heading=_shown_heading(one.heading, hides)) for one in found]

    return of


def _shown_heading(heading: str, hides: bool) -> str:
    return "" if hides else redact(heading, tuple(SensitiveKind)).text


def _wordings(tasks: Mapping[str, Task]) -> dict[str, TaskWording]:
    return {name: TaskWording(task.question, allowed_answers(task)) for name, task in tasks.items()}


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
    totals = reported_totals(store)
    rows = list(DISAGREEMENT_REPORT.rows(totals))
    gone = {row.batch for row in rows if not (home.reports / f"{row.batch}.html").exists()}
    _write(index, render_index(rows, payments(home.spending.rows(PAYMENT_COLUMNS)), gone))
    _write(services, render_services(_learning_figures(store)))
    return CorpusPages(index, services, totals, rows)


def _write(path: Path, page: str) -> None:
    write_atomically(path, page.encode("utf-8", "replace"))


def _learning_figures(store: TableStore) -> LearningFigures:
    """What is known of the services; what was learned is there once it was materialized."""
    cards = store.read(SERVICE_SCORECARDS.name)
    calibrations, thresholds, frontier = (
        store.read(table.name) if store.exists(table.name) else None
        for table in (CALIBRATION, VECTOR_THRESHOLDS, SELECTION_FRONTIER)
    )
    return learning_figures(cards, calibrations, _latest(store), thresholds, frontier)


def _latest(store: TableStore) -> Iterator[tuple[str, DriftMeans]]:
    compared = set(store.batches(DISAGREEMENTS.name))
    for batch in [one for one in store.batches(RESOLUTIONS.name) if one in compared][-BATCHES:]:
        with leaving_out_damage():
            yield batch, _means_of(store, batch)


def _means_of(store: TableStore, batch: str) -> DriftMeans:
    """How a batch went, kept beside its tables. Raises DamagedFileError."""

    def derive() -> dict[str, Any]:
        resolutions = store.read(RESOLUTIONS.name, batch, DRIFT_COLUMNS)
        disagreements = store.read(DISAGREEMENTS.name, batch, DISPUTE_COLUMNS)
        return {"means": drift_means(resolutions, disagreements)}

    found = kept_facts(store, batch, _DRIFT, (RESOLUTIONS.name, DISAGREEMENTS.name), derive)
    means: DriftMeans = found["means"]
    return means
