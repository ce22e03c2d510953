"""Everything that a batch's page shows, computed from the batch's tables and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.choices import ChoiceFigures, choice_figures
from orchestration_assets.reporting.counts import CappedCounts
from orchestration_assets.reporting.disputes import (
    KindFigures,
    RiskFigures,
    kind_figures,
    questions_for_people,
    risk_figures,
)
from orchestration_assets.reporting.findings import Findings, findings
from orchestration_assets.reporting.intake import (
    ContentFigures,
    OutcomeFigures,
    content_figures,
    disputed,
    families_of,
    outcome_figures,
)
from orchestration_assets.reporting.models import ModelFigures, model_figures
from orchestration_assets.reporting.spending import (
    NO_PAYMENTS,
    ForecastFigures,
    Payments,
    ServiceSpending,
    StageClock,
    forecasts,
    service_spending,
    stage_clocks,
)
from orchestration_assets.reporting.steps import StepFigures, step_figures
from orchestration_assets.reporting.tasks import TaskFigures, task_figures
from orchestration_assets.reporting.top_disputes import TaskDisputes, strongest
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import DISPUTE_KINDS, REVIEW_QUEUE, ReviewRow
from orchestration_assets.schemas.enums import (
    EntryOutcome,
    ProfileStatus,
    ResolutionStatus,
    Status,
)
from orchestration_assets.schemas.tables import ReportRow


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """The figures of one batch, in the order of its page."""

    findings: Findings
    outcomes: tuple[OutcomeFigures, ...]
    content: ContentFigures
    models: tuple[ModelFigures, ...]
    choices: tuple[ChoiceFigures, ...]
    steps: StepFigures
    tasks: tuple[TaskFigures, ...]
    strongest: tuple[TaskDisputes, ...]
    kinds: tuple[KindFigures, ...]
    risks: tuple[RiskFigures, ...]
    questions: CappedCounts[ReviewRow]
    spending: tuple[ServiceSpending, ...]
    forecasts: tuple[ForecastFigures, ...]
    stages: tuple[StageClock, ...]
    rows: Mapping[str, int]


def batch_figures(tables: Mapping[str, pa.Table]) -> BatchFigures:
    """The figures of the batch whose tables these are.

    ``tables`` holds content_manifest, content_profiles, processing_plans, interpretations
    (of all processing models), decision_log, call_log, resolutions, disagreements,
    dispute_kinds, review_queue.
    """
    manifest, profiles = tables["content_manifest"], tables["content_profiles"]
    interpretations, resolutions = tables["interpretations"], tables["resolutions"]
    disagreements, calls = tables["disagreements"], tables["call_log"]
    # a round that a later one took over is history: it takes no part in agreement
    final = interpretations.filter(interpretations.column("final"))
    families = families_of(profiles)
    content = content_figures(manifest, profiles, resolutions)
    plans, decisions = tables["processing_plans"], tables["decision_log"]
    choices = choice_figures(plans, interpretations, decisions, calls)
    tasks = task_figures(final, resolutions, disagreements, families)
    return BatchFigures(
        findings=findings(tasks, content.families, choices, disagreements),
        outcomes=outcome_figures(manifest),
        content=content,
        models=model_figures(plans, interpretations, calls),
        choices=choices,
        steps=step_figures(decisions, resolutions),
        tasks=tasks,
        strongest=strongest(final, resolutions, disagreements, decisions, families),
        kinds=kind_figures(tables[DISPUTE_KINDS.name]),
        risks=risk_figures(resolutions),
        questions=questions_for_people(tables[REVIEW_QUEUE.name]),
        spending=service_spending(calls),
        forecasts=forecasts(choices),
        stages=stage_clocks(profiles),
        rows={name: table.num_rows for name, table in tables.items()},
    )


def report_row(
    batch: str,
    source: str,
    policy_hash: str,
    tables: Mapping[str, pa.Table],
    paid: Payments = NO_PAYMENTS,
) -> ReportRow:
    """The totals of the batch, as they enter the corpus report; ``paid`` every time it was done."""
    manifest, resolutions = tables["content_manifest"], tables["resolutions"]
    calls, profiles = tables["call_log"], tables["content_profiles"]
    accepted = _having(manifest, "outcome", EntryOutcome.ACCEPTED)
    rejected = _having(manifest, "outcome", EntryOutcome.REJECTED)
    return ReportRow(
        batch=batch,
        source=source,
        policy_hash=policy_hash,
        listed=manifest.num_rows,
        accepted=accepted,
        rejected=rejected,
        other=manifest.num_rows - accepted - rejected,
        plans=tables["processing_plans"].num_rows,
        readings=tables["interpretations"].num_rows,
        calls=_having(calls, "origin", "called"),
        cached=_having(calls, "origin", "cache"),
        cost_usd=float(pc.sum(calls.column("cost_usd")).as_py() or 0.0),
        paid_usd=paid.usd,
        paid_estimated_usd=paid.estimated_usd,
        resolved=_having(resolutions, "status", ResolutionStatus.RESOLVED),
        abstained=_having(resolutions, "status", ResolutionStatus.ABSTAINED)
        + _having(resolutions, "status", ResolutionStatus.PRESERVED),
        deferred=_having(resolutions, "status", ResolutionStatus.DEFERRED),
        deferred_readings=deferred_readings(tables["interpretations"]),
        failed=_having(resolutions, "status", ResolutionStatus.FAILED)
        + profiles.num_rows
        - _having(profiles, "status", ProfileStatus.OK),
        disagreements=tables["disagreements"].num_rows,
        disputed=int(disputed(resolutions).sum()),
    )


def deferred_readings(interpretations: pa.Table) -> int:
    """Readings that are still to be had: a service's latest one about a question is deferred.

    A router's counts too, which is never final.
    """
    if not _having(interpretations, "status", Status.DEFERRED):
        return 0
    columns = ("item_id", "task", "service", "step", "status")
    latest = {
        (item, task, service): status
        for item, task, service, _, status in sorted(values(interpretations, *columns))
    }
    return list(latest.values()).count(Status.DEFERRED.value)


def _having(table: pa.Table, column: str, value: str) -> int:
    return int(pc.sum(pc.equal(table.column(column), str(value))).as_py() or 0)
