"""Checks of selection: one plan an item and applicable task, and learned models that are there."""

from collections.abc import Collection

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.kept_policies import read_kept_policy
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.outcomes import OUTCOMES
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, SELECTION_MODEL
from orchestration_assets.schemas.tables import CONTENT_PROFILES, PROCESSING_PLANS, ProfiledItems
from orchestration_assets.selection.active_selector import artefact_name
from orchestration_assets.selection.content_drift import content_drifts
from orchestration_assets.selection.plan import applicable_tasks, features_of_tasks
from orchestration_assets.table_assets import PARTITION_TAG, Balance, Stored, table_checks
from resources.home import Home


def _check_tasks_planned(stored: Stored, plans: pa.Table) -> list[Balance]:
    policies = stored.home.policies
    policy = read_pinned_policy(policies, plans)
    # while a policy is tried, its items have the tasks that it asks
    tried = dict(values(plans.filter(pc.is_valid(plans["trial_hash"])), "item_id", "trial_hash"))
    by_policy: list[tuple[str | None, Policy | None]] = [(None, policy)]
    for name in sorted(set(tried.values())):
        by_policy.append((name, read_kept_policy(policies / f"{name}.json")))
    read = {name for _, one in by_policy if one is not None for name in features_of_tasks(one)}
    profiles = _with_features(stored.table(CONTENT_PROFILES.name), read)
    applicable = {
        (profile.item_id, task)
        for name, one in by_policy
        if one is not None
        for profile, task, _ in applicable_tasks(
            (item for item in profiles if tried.get(item.item_id) == name), one
        )
    }
    planned = set(values(plans, "item_id", "task"))
    return [
        Balance(len(applicable), len(applicable & planned), "applicable tasks with a plan"),
        Balance(0, len(planned - applicable), "plans for tasks that do not apply"),
    ]


def _with_features(profiles: pa.Table, read: Collection[str]) -> ProfiledItems:
    """The profiled items with no more features than are looked at, since a profile has many."""
    unread = [name for name in FEATURE_NAMES if name not in read and name in profiles.column_names]
    return ProfiledItems(profiles.drop_columns(unread))


def _check_scores(_: Stored, rows: pa.Table) -> list[Balance]:
    """Each score lies in 0..1."""
    inside = pc.and_(pc.greater_equal(rows["score"], 0.0), pc.less_equal(rows["score"], 1.0))
    return [Balance(rows.num_rows, pc.sum(inside).as_py() or 0, "scores between 0 and 1")]


def _check_models_stored(stored: Stored, rows: pa.Table) -> list[Balance]:
    """Each row is about a task whose version, where it has one, can be read."""
    registry = stored.home.models
    promoted = [one for one in values(rows, "task", "version") if one[1] is not None]
    kept = [one for one in promoted if one[1] in registry.versions(artefact_name(one[0]))]
    return [Balance(len(promoted), len(kept), "promoted models that are stored")]


def _check_intervals(stored: Stored, rows: pa.Table) -> list[Balance]:
    """Each accuracy lies within its own interval."""
    inside = pc.and_(
        pc.less_equal(rows["accuracy_low"], pc.add(rows["accuracy"], 1e-9)),
        pc.less_equal(pc.subtract(rows["accuracy"], 1e-9), rows["accuracy_high"]),
    )
    found = pc.sum(inside).as_py() or 0
    return [Balance(rows.num_rows, found, "accuracies within their interval")]


processing_plans_checks = table_checks(PROCESSING_PLANS, _check_tasks_planned)
outcomes_checks = table_checks(OUTCOMES, _check_scores, per_batch=False)
selection_model_checks = table_checks(SELECTION_MODEL, _check_models_stored, per_batch=False)
selection_frontier_checks = table_checks(SELECTION_FRONTIER, _check_intervals, per_batch=False)


@dg.asset_check(
    asset=PROCESSING_PLANS.name,
    name="content",
    description="The items of the batch are like those that learned models were trained on.",
)
def processing_plans_content(
    context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]
) -> dg.AssetCheckResult:
    """New kinds of content follow the default: that is said, and stops nothing.

    Looks at the batch of the run; started by itself, at the latest batch.
    """
    batch = context.run.tags.get(PARTITION_TAG) or max(
        home.tables.batches(PROCESSING_PLANS.name), default=None
    )
    drifts = [] if batch is None else content_drifts(home.tables.read(PROCESSING_PLANS.name, batch))
    words = "; ".join(one.words for one in drifts) or "no model that reads content is in force"
    return dg.AssetCheckResult(
        passed=not any(one.is_drift for one in drifts),
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={one.task: one.unfamiliar for one in drifts},
    )
