"""Everything that a batch's page shows, computed from the batch's tables and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.changes import Earlier, ReportChanges, changes
from orchestration_assets.reporting.choices import ChoiceFigures, choice_figures
from orchestration_assets.reporting.counts import CappedCounts, where
from orchestration_assets.reporting.dispute_cards import CardSources
from orchestration_assets.reporting.dispute_regions import Region
from orchestration_assets.reporting.disputed import disputed_questions, disputes_of
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
    families_of,
    outcome_figures,
)
from orchestration_assets.reporting.item_features import item_features
from orchestration_assets.reporting.leading_disputes import (
    LeadingDisputes,
    leading_disputes,
    region_figures,
)
from orchestration_assets.reporting.models import ModelFigures, model_figures
from orchestration_assets.reporting.next_steps import ServiceTrouble, service_troubles
from orchestration_assets.reporting.question_list import QuestionList, question_list
from orchestration_assets.reporting.question_rows import question_rows
from orchestration_assets.reporting.rollout import RolloutFigures, rollout_figures
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
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import DISPUTE_KINDS, REVIEW_QUEUE, ReviewRow
from orchestration_assets.schemas.enums import (
    EntryOutcome,
    ProfileStatus,
    ResolutionStatus,
    Status,
)
from orchestration_assets.schemas.tables import ReportRow, weighed_counts
from orchestration_assets.signals.measures import SignalMeasure
from resources.machine import give_back_memory

_NO_SOURCES: Final = CardSources()


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """The figures of one batch, in the order of its page."""

    changes: ReportChanges | None
    leading: LeadingDisputes
    troubles: tuple[ServiceTrouble, ...]
    over_budget: int
    findings: Findings
    outcomes: tuple[OutcomeFigures, ...]
    content: ContentFigures
    models: tuple[ModelFigures, ...]
    choices: tuple[ChoiceFigures, ...]
    steps: StepFigures
    tasks: tuple[TaskFigures, ...]
    regions: tuple[Region, ...]
    kinds: tuple[KindFigures, ...]
    risks: tuple[RiskFigures, ...]
    questions: CappedCounts[ReviewRow]
    spending: tuple[ServiceSpending, ...]
    forecasts: tuple[ForecastFigures, ...]
    stages: tuple[StageClock, ...]
    rows: Mapping[str, int]
    listed: QuestionList
    rollout: RolloutFigures | None = None
    right: SignalMeasure | None = None
    """How often answers are right by what the content declares."""


def batch_figures(
    tables: Mapping[str, pa.Table],
    sources: CardSources = _NO_SOURCES,
    earlier: Earlier | None = None,
) -> BatchFigures:
    """The figures of the batch whose tables these are.

    ``sources``: the content and the questions of what is shown; ``earlier``: what was reported
    before.

    ``tables`` holds content_manifest, content_profiles, processing_plans, interpretations
    (of all processing models), decision_log, call_log, resolutions, disagreements,
    dispute_kinds, review_queue; while a policy is tried, rollout_answers and rollout_decisions.
    """
    manifest, profiles = tables["content_manifest"], tables["content_profiles"]
    interpretations, resolutions = tables["interpretations"], tables["resolutions"]
    disagreements, calls = tables["disagreements"], tables["call_log"]
    # a round that a later one took over is history: it takes no part in agreement
    final = where(interpretations, interpretations.column("final"))
    families = families_of(profiles)
    disputes = disputes_of(disagreements)
    content = content_figures(manifest, profiles, resolutions, disputes)
    # each of these takes columns of whole tables apart, which the next one would come on top of
    give_back_memory()
    plans, decisions = tables["processing_plans"], tables["decision_log"]
    choices = choice_figures(plans, interpretations, decisions, calls)
    give_back_memory()
    tasks = task_figures(final, resolutions, disagreements, families)
    give_back_memory()
    shown = {**tables, "interpretations": final}
    features = item_features(manifest, profiles, sources.hidden_metadata)
    return BatchFigures(
        changes=changes(manifest, resolutions, earlier),
        leading=leading_disputes(shown, disputes, features, sources),
        troubles=service_troubles(interpretations),
        over_budget=_having(interpretations, "status", Status.OVER_BUDGET),
        findings=findings(tasks, choices, disputes),
        outcomes=outcome_figures(manifest),
        content=content,
        models=model_figures(plans, interpretations, calls),
        choices=choices,
        steps=step_figures(decisions, resolutions),
        tasks=tasks,
        regions=region_figures(final, disputed_questions(disputes), features),
        kinds=kind_figures(tables[DISPUTE_KINDS.name], quotes=sources.shows_content),
        risks=risk_figures(resolutions),
        questions=questions_for_people(tables[REVIEW_QUEUE.name]),
        spending=service_spending(calls),
        forecasts=forecasts(choices),
        stages=stage_clocks(profiles),
        rows={name: table.num_rows for name, table in tables.items()},
        listed=question_list(question_rows(shown, families), resolutions.num_rows),
        rollout=rollout_figures(tables),
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
    disputes = disputes_of(tables["disagreements"])
    outcomes = weighed_counts(manifest, "outcome")
    listed = sum(outcomes.values())
    accepted = outcomes.get(EntryOutcome.ACCEPTED, 0)
    rejected = outcomes.get(EntryOutcome.REJECTED, 0)
    return ReportRow(
        batch=batch,
        source=source,
        policy_hash=policy_hash,
        listed=listed,
        accepted=accepted,
        rejected=rejected,
        other=listed - accepted - rejected,
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
        skipped=_having(resolutions, "status", ResolutionStatus.SKIPPED),
        disputed=len(disputed_questions(disputes)),
        disputed_pairs=disputes.num_rows,
        without_consequence=tables["disagreements"].num_rows - disputes.num_rows,
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
