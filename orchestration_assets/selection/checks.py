"""Checks of selection: one plan an item and applicable task, none beside."""

import pyarrow as pa

from orchestration_assets.policy.pinned import pinned
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.tables import CONTENT_PROFILES, PROCESSING_PLANS
from orchestration_assets.selection.conditions import holds
from resources.table_checks import Balance, Stored, table_checks


def _every_applicable_task(stored: Stored, plans: pa.Table) -> list[Balance]:
    policy = pinned(stored.home / "policies", plans)
    applicable = {
        (profile["item_id"], name)
        for profile in stored.table(CONTENT_PROFILES.name).to_pylist()
        for name, task in (policy.tasks.items() if policy else ())
        if profile["status"] == ProfileStatus.OK and holds(task.applies_to, profile)
    }
    planned = set(zip(plans["item_id"].to_pylist(), plans["task"].to_pylist(), strict=True))
    return [
        Balance(len(applicable), len(applicable & planned), "applicable tasks with a plan"),
        Balance(0, len(planned - applicable), "plans for tasks that do not apply"),
    ]


processing_plans_checks = table_checks(PROCESSING_PLANS, _every_applicable_task)
