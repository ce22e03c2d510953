"""The pages: one file each, no request, everything that is not ours escaped. That of a batch has a
script, which only searches and filters what stands in it."""

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from string import ascii_lowercase
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from orchestration_assets.disagreement.review_contents import QuestionContent
from orchestration_assets.evidence.weighted_estimates import ENOUGH_EFFECTIVE
from orchestration_assets.reporting.batch_delta import BatchDelta, delta_rows
from orchestration_assets.reporting.counts import CappedCounts, share
from orchestration_assets.reporting.figures import BatchFigures
from orchestration_assets.reporting.next_steps import next_steps
from orchestration_assets.reporting.question_list import OF_COMPARISON, question_list
from orchestration_assets.reporting.scorecard_figures import LearningFigures
from orchestration_assets.reporting.spending import NO_PAYMENTS, Payments
from orchestration_assets.reporting.template_environment import template_environment
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.tables import TABLES, ReportRow

BATCHES_SHOWN = 500
MOST_BYTES: Final = 1_000_000
_TREND = 60
_SUMMED = (
    *("listed", "accepted", "rejected", "other", "plans", "readings", "calls", "cached"),
    *("cost_usd", "paid_usd", "resolved", "abstained", "deferred", "failed"),
    *("disputed", "disputed_pairs", "without_consequence"),
)


@dataclass(frozen=True, slots=True)
class TableNote:
    """Where one of the page's tables is, and what its rows and columns are."""

    name: str
    path: str
    description: str
    rows: int | None
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure over the latest batches, oldest first."""

    title: str
    values: tuple[float, ...]
    form: str
    of_dispute: bool = False


def render_batch(row: ReportRow, figures: BatchFigures, *, generated_at: str | None = None) -> str:
    """The page of one batch, of at most some 1 MB as far as that is the questions' doing. Without
    ``generated_at`` equal figures give equal bytes."""
    page = _batch_page(row, figures, generated_at)
    while (excess := len(page.encode("utf-8", "replace")) - MOST_BYTES) > 0 and (
        held := len(figures.listed.rows)
    ):
        kept = max(0.0, 0.99 - excess / len(figures.listed.data))
        figures = replace(figures, listed=figures.listed.shortened(int(held * kept)))
        page = _batch_page(row, figures, generated_at)
    return page


def _batch_page(row: ReportRow, figures: BatchFigures, generated_at: str | None) -> str:
    return _render(
        "batch.html",
        script=_script(),
        row=row,
        figures=figures,
        steps=next_steps(
            row,
            figures.tasks,
            figures.troubles,
            figures.questions.total,
            figures.leading.misnamed,
            figures.over_budget,
        ),
        notes=_table_notes(row.batch, figures.rows),
        generated_at=generated_at,
    )


def render_delta(delta: BatchDelta) -> str:
    """The page of what differs between two batches, or between a batch and a policy."""
    listed = question_list(delta_rows(delta), len(delta.questions), OF_COMPARISON)
    return _render("delta.html", script=_script(), delta=delta, listed=listed)


def render_index(
    rows: Sequence[ReportRow],
    paid: Payments = NO_PAYMENTS,
    without_page: Collection[str] = (),
) -> str:
    """The page over all batches, newest first, each linked to its own page.

    ``paid``: by the whole home, probes and batches without a report included. Batches
    ``without_page`` are not linked.
    """
    newest = sorted(rows, key=lambda row: row.batch, reverse=True)
    return _render(
        "index.html",
        rows=newest[:BATCHES_SHOWN],
        without_page=without_page,
        batches=len(newest),
        total={name: sum(getattr(row, name) for row in newest) for name in _SUMMED},
        paid=paid,
        trends=_trends(newest[:_TREND][::-1]),
    )


def render_review(
    batch: str,
    questions: CappedCounts[ReviewRow],
    contents: Mapping[tuple[str, str], QuestionContent],
) -> str:
    """The page of what people are asked about a batch; ``contents``: by item and task, what of the
    content is shown."""
    return _render(
        "review.html", batch=batch, questions=questions, contents=contents, letters=ascii_lowercase
    )


def render_services(figures: LearningFigures) -> str:
    """The page of what is known of the services over all batches."""
    return _render("services.html", figures=figures, enough=ENOUGH_EFFECTIVE)


def _trends(rows: Sequence[ReportRow]) -> tuple[Trend, ...]:
    if len(rows) < 2:
        return ()
    return (
        Trend("Items accepted", tuple(float(row.accepted) for row in rows), "n"),
        Trend(
            "Disputed questions",
            tuple(share(row.disputed, row.plans) for row in rows),
            "pct",
            of_dispute=True,
        ),
        Trend("Failed", tuple(float(row.failed) for row in rows), "n"),
        Trend("Calls", tuple(float(row.calls) for row in rows), "n"),
        Trend(
            "Readings from the cache",
            tuple(share(row.cached, row.calls + row.cached) for row in rows),
            "pct",
        ),
        Trend("Paid", tuple(row.paid_usd for row in rows), "usd"),
    )


def _table_notes(batch: str, rows: Mapping[str, int]) -> tuple[TableNote, ...]:
    """Every table of the batch, in the order that data walks."""
    return tuple(
        TableNote(
            name,
            f"tables/{name}/{batch}.parquet",
            table.description,
            rows.get(name),
            {column: meant.meaning for column, meant in table.columns.items()},
        )
        for name, table in TABLES.items()
        if table.key[0] == "batch" and name not in ("corpus_report", "disagreement_report")
    )


def _render(template: str, *, script: Markup | None = None, **values: object) -> str:
    environment = _environment()
    # style and script are all that the content security policy admits, each by its hash
    style = environment.get_template("style.css").render()
    page = environment.get_template(template)
    return page.render(
        style=Markup(style),  # noqa: S704
        style_hash=_digest(style),
        script=script,
        script_hash=_digest(script) if script else "",
        **values,
    )


def _digest(source: str) -> str:
    """What a content security policy admits a script or a style by."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


@cache
def _script() -> Markup:
    """What searches and filters a page; the policy admits nothing else."""
    return Markup(_environment().get_template("report.js").render())  # noqa: S704


@cache
def _environment() -> Environment:
    return template_environment("orchestration_assets.reporting")
