"""The plans of a batch while a policy is tried: whose answer each item gets, and the other plan."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa

from orchestration_assets.policy.rollout import is_in_share
from orchestration_assets.policy.rollout_state import RolloutState, Trial
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
    trial, of the items that it is asked about, each one after the other. An item that the policy on
    trial asks nothing of stays with the one in force, and so does what a shadow is not asked.
    """
    shadow, state = trial.config.shadow, trial.state
    tried = _by_item(trial_plans)
    for item, own in _by_item(plans).items():
        others = [_on_trial(plan, state) for plan in tried.get(item, ())]
        if not others:
            yield from (_with_cohort(plan, state, Cohort.CONTROL) for plan in own)
            continue
        theirs = {plan.task: plan for plan in others}
        if shadow:
            for plan in own:
                other = theirs.get(plan.task)
                cohort = Cohort.CONTROL if other is None else Cohort.SHADOW
                yield _with_cohort(plan, state, cohort, () if other is None else (other,))
        elif theirs.keys() == {plan.task for plan in own}:
            for plan in own:
                yield _with_cohort(theirs[plan.task], state, Cohort.CANARY, (plan,))
        else:
            # the first of them keeps all that were made for the item by the policy in force
            for number, plan in enumerate(others):
                yield _with_cohort(plan, state, Cohort.CANARY, () if number else own)


def _by_item(plans: Iterable[PlanRow]) -> dict[str, list[PlanRow]]:
    found: dict[str, list[PlanRow]] = {}
    for plan in plans:
        found.setdefault(plan.item_id, []).append(plan)
    return found


def _on_trial(plan: PlanRow, state: RolloutState) -> PlanRow:
    return replace(plan, policy_hash=state.in_force, trial_hash=state.trial)


def _with_cohort(
    plan: PlanRow, state: RolloutState, cohort: Cohort, aside: Sequence[PlanRow] = ()
) -> PlanRow:
    """A plan in its cohort, with those of the other policy that it keeps."""
    kept = [asdict(one) for one in aside]
    stated: object = kept[0] if len(kept) == 1 else kept
    text = json.dumps(stated, ensure_ascii=False, sort_keys=True) if kept else None
    return replace(plan, rollout=state.rollout, cohort=cohort, other_plan=text)


def other_plans(plans: Sequence[PlanRow], cohort: Cohort) -> list[PlanRow]:
    """The plans of the other policy that are kept with these, as plans of ``cohort``."""
    kept = [
        (plan.rollout, one)
        for plan in plans
        if plan.other_plan
        for one in _listed(json.loads(plan.other_plan))
    ]
    table = pa.Table.from_pylist([row for _, row in kept], schema=PROCESSING_PLANS.schema)
    rows = PROCESSING_PLANS.rows(table)
    return [
        replace(row, rollout=rollout, cohort=cohort)
        for row, (rollout, _) in zip(rows, kept, strict=True)
    ]


def _listed(stated: Any) -> list[Any]:
    return stated if isinstance(stated, list) else [stated]
