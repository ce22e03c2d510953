"""One plan an item and applicable task: a pure function of profile, policy and forecasts."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.tables import FeatureInput, PlanRow, RejectedOption
from orchestration_assets.selection.conditions import first_failure, holds, show
from orchestration_assets.selection.forecast import Price, forecast

_DEFAULT = "default"


def plan_items(
    batch: str,
    profiles: Iterator[Mapping[str, Any]],
    policy: Policy,
    policy_hash: str,
    prices: Mapping[str, Price],
) -> Iterator[PlanRow]:
    """The plans of every profiled item, one a task that applies to it."""
    for profile in profiles:
        if profile["status"] != ProfileStatus.OK:
            continue
        for name, task in policy.tasks.items():
            if holds(task.applies_to, profile):
                yield plan_item(batch, profile, name, task, policy_hash, prices)


def plan_item(
    batch: str,
    profile: Mapping[str, Any],
    task_name: str,
    task: TaskConfig,
    policy_hash: str,
    prices: Mapping[str, Price],
) -> PlanRow:
    """The first rule whose condition holds decides, else the task's default."""
    taken = next((rule for rule in task.rules if holds(rule.when, profile)), None)
    name, choice = (taken.name, taken.choose) if taken else (_DEFAULT, task.default)
    looked_at = list(taken.when) if taken else [f for rule in task.rules for f in rule.when]
    inputs = tuple(FeatureInput(f, show(profile.get(f))) for f in dict.fromkeys(looked_at))
    ahead = forecast(choice, prices)
    return PlanRow(
        batch=batch,
        item_id=profile["item_id"],
        content_hash=profile["content_hash"],
        path=profile["path"],
        task=task_name,
        kind=task.kind,
        model=choice.model,
        option=name,
        services=choice.admissible,
        judge=choice.judging,
        stop_at=choice.stop_at,
        strategy="rules" if taken else _DEFAULT,
        rule=taken.name if taken else None,
        inputs=inputs,
        reason=taken.because if taken else "no rule holds, so the task's default applies",
        calls_min=ahead.calls_min,
        calls_max=ahead.calls_max,
        expected_ms=ahead.expected_ms,
        cost_usd_max=ahead.cost_usd_max,
        rejected=tuple(_rejected(task, name, profile, prices)),
        policy_hash=policy_hash,
    )


def _rejected(
    task: TaskConfig, taken: str, profile: Mapping[str, Any], prices: Mapping[str, Price]
) -> Iterator[RejectedOption]:
    conditions = {rule.name: rule.when for rule in task.rules}
    for option, choice in task.choices.items():
        if option == taken:
            continue
        if option == _DEFAULT:
            reason = f"rule {taken} holds"
        else:
            failed = first_failure(conditions[option], profile)
            if failed is None:
                reason = f"rule {taken} comes first"
            else:
                reason = f"{failed} is {show(profile.get(failed))}"
        ahead = forecast(choice, prices)
        yield RejectedOption(
            option, choice.model, reason, ahead.calls_max, ahead.expected_ms, ahead.cost_usd_max
        )
