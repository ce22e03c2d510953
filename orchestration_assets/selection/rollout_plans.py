"""The plans of a batch while a policy is tried: whose answer each item gets, and the other plan."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import pyarrow as pa

from orchestration_assets.policy.rollout import is_in_share
from orchestration_assets.policy.rollout_state import Trial
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.rollout import Cohort
from orchestration_assets.schemas.tables import PROCESSING_PLANS, ItemProfile, PlanRow


def items_on_trial(
    trial: Trial, profiles: Iterable[ItemProfile], vectors: pa.Table
) -> frozenset[str]:
    """The items of a batch that the policy on trial is asked about.

    Where near-copies share answers, they go where the item goes that they are copies of: what is
    shared without a roll-out is shared with one.
    """
    drawn_by: Mapping[str, str] = {}
    if trial.in_force.policy.features.share_answers:
        drawn_by = dict(values(vectors, "item_id", "representative"))
    return frozenset(
        profile.item_id
        for profile in profiles
        if is_in_share(
            drawn_by.get(profile.item_id) or profile.content_hash,
            trial.state.rollout,
            trial.share,
        )
    )


def with_cohorts(
    plans: Iterable[PlanRow], trial_plans: Iterable[PlanRow], trial: Trial
) -> Iterator[PlanRow]:
    """The plans of the batch, one an item and task, each with its cohort.

    ``plans`` are those of the policy in force, of all items; ``trial_plans`` those of the policy on
    trial, of the items that it is asked about.
    """
    shadow, state = trial.config.shadow, trial.state
    others = {(plan.item_id, plan.task): plan for plan in trial_plans}
    for plan in plans:
        other = others.get((plan.item_id, plan.task))
        if other is None:
            yield replace(plan, rollout=state.rollout, cohort=Cohort.CONTROL)
            continue
        other = replace(other, policy_hash=state.in_force, trial_hash=state.trial)
        cohort = Cohort.SHADOW if shadow else Cohort.CANARY
        stands, set_aside = (plan, other) if shadow else (other, plan)
        yield replace(
            stands,
            rollout=state.rollout,
            cohort=cohort,
            other_plan=json.dumps(asdict(set_aside), ensure_ascii=False, sort_keys=True),
        )


def other_plans(plans: Sequence[PlanRow], cohort: Cohort) -> list[PlanRow]:
    """The plans of the other policy that are kept with these, as plans of ``cohort``."""
    kept = [(plan.rollout, json.loads(plan.other_plan)) for plan in plans if plan.other_plan]
    table = pa.Table.from_pylist([row for _, row in kept], schema=PROCESSING_PLANS.schema)
    rows = PROCESSING_PLANS.rows(table)
    return [
        replace(row, rollout=rollout, cohort=cohort)
        for row, (rollout, _) in zip(rows, kept, strict=True)
    ]
