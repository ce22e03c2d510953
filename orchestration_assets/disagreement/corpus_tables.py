"""The tables that disagreement makes of all batches."""

from dataclasses import replace

from orchestration_assets.disagreement.calibration import calibrate
from orchestration_assets.disagreement.calibration_registry import (
    promote,
    promote_thresholds,
    promoted_for,
    thresholds_in_use,
)
from orchestration_assets.disagreement.field_scores import field_scores, scores_in_words
from orchestration_assets.disagreement.label_history import label_readings
from orchestration_assets.disagreement.record_history import learn_record_tasks
from orchestration_assets.disagreement.scorecards import (
    SPENDING_COLUMNS,
    UNCOMPARED,
    families_of,
    scorecards,
    tally,
)
from orchestration_assets.disagreement.thresholds import calibrate_vectors, in_force, in_words
from orchestration_assets.disagreement.vector_history import VectorReadings, vector_readings
from orchestration_assets.evidence.verdict_history import gold_of, gold_rows, stored_weights
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
    FieldScore,
    ScorecardRow,
    VectorThresholdRow,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from resources.home import Home
from resources.machine import give_back_memory


def calibrate_tasks(home: Home, policy: Policy) -> TableResult:
    """What every label and record task has taught so far; what passes the gate is promoted."""
    in_use = promoted_for(home.models)
    verdicts = gold_rows(home.tables)
    gold, weights = gold_of(verdicts), stored_weights(home.tables, verdicts)
    rows = []
    judged = {content for of_task in gold.values() for content in of_task}
    for task, readings in label_readings(home.tables, judged).items():
        closed = policy.tasks[task].labels if task in policy.tasks else ()
        now = in_use(task)
        model, version = (now.model, now.version) if now else (None, None)
        result = calibrate(
            task,
            readings,
            gold.get(task, {}),
            model,
            version,
            closed,
            weights.get(task, VerdictWeights()),
            policy.disagreement.learn_from_items,
        )
        rows.append(promote(home.models, result))
    rows += learn_record_tasks(home, policy, verdicts, weights)
    rows.sort(key=lambda row: row.task)
    figures = {"promoted": sum(row.promoted for row in rows)}
    reasons = {f"{row.task}": row.reason for row in rows}
    return TableResult(rows_to_arrow(CALIBRATION, rows), {**figures, **reasons})


def calibrate_thresholds(home: Home, policy: Policy) -> TableResult:
    """What is usual between services that answer with vectors; what passes is promoted."""
    share, history = policy.disagreement.unusual_share, vector_readings(home)
    rows: list[VectorThresholdRow] = []
    for name, task in build_tasks(policy).items():
        if task.kind is AnswerKind.VECTOR:
            in_use = thresholds_in_use(home.models, name)
            readings = history.by_task.get(name, VectorReadings())
            result = calibrate_vectors(name, readings, task.disagree_at, share, in_use)
            if result.thresholds is not None:
                in_use = promote_thresholds(home.models, name, result.thresholds)
            rows += in_force(name, result.rows, in_use)
    figures = {
        "promoted": sum(row.promoted for row in rows),
        **in_words(rows),
        **{f"left out: {batch}": why for batch, why in history.skipped.items()},
    }
    return TableResult(rows_to_arrow(VECTOR_THRESHOLDS, rows), figures)


def score_services(home: Home) -> TableResult:
    """How reliable every service of every task is, what it costs, and what it is worth."""
    verdicts = gold_rows(home.tables)
    gold, weights = gold_of(verdicts), stored_weights(home.tables, verdicts)
    judged = {content for of_task in gold.values() for content in of_task}
    counted = tally(home.tables, home.spending.rows(SPENDING_COLUMNS))
    readings = label_readings(home.tables, judged, to_compare=True)
    families = families_of(home.tables, judged)
    of_fields = field_scores(home, verdicts)
    # the tables that they were read from
    give_back_memory()
    rows = [
        replace(row, fields=fields, verdict=_verdict(row, fields))
        for row in scorecards(counted, readings, gold, weights, families)
        for fields in (of_fields.get((row.task, row.service)),)
    ]
    figures = {
        "clones": sum(row.clone_of is not None for row in rows),
        "broken": sum(row.broken for row in rows),
        **{f"{row.task}: {row.service}": row.verdict for row in rows},
    }
    return TableResult(rows_to_arrow(SERVICE_SCORECARDS, rows), figures)


def _verdict(row: ScorecardRow, fields: tuple[FieldScore, ...] | None) -> str:
    """The service in one sentence; of records with how often its values are right."""
    said = scores_in_words(fields)
    if said is None:
        return row.verdict
    return said if row.verdict == UNCOMPARED else f"{said}; {row.verdict}"
