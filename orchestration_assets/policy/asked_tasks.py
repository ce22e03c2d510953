"""The tasks that a home asks about: those of the policy in force, and those that batches were made
under and it does not name, so that no verdict on a question that was asked goes lost."""

from contextlib import suppress

import pyarrow as pa

from orchestration_assets.policy.kept_policies import (
    KeptPolicyError,
    kept_hashes,
    read_kept_policy,
)
from orchestration_assets.policy.pinned_policy import planned_under
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.damage import leaving_out_damage
from resources.home import Home


def asked_tasks(home: Home, policy: Policy) -> dict[str, TaskConfig]:
    """Task -> what is asked: as the policy has it, else as the newest batch that was planned under
    a policy with such a task had it. Kept policies that cannot be read back are left out.

    Batches are read from the newest on, and only where the home keeps a policy that names a task
    which the given one does not, until all of these are found.
    """
    kept = _others(home, policy)
    tasks = dict(policy.tasks)
    missing = {name for one in kept.values() for name in one.tasks} - set(tasks)
    batches = reversed(home.tables.batches(PROCESSING_PLANS.name))
    while missing and (batch := next(batches, None)) is not None:
        for policy_hash in _hashes(home, batch):
            if policy_hash in kept:
                of_batch = kept[policy_hash].tasks
                tasks |= {name: of_batch[name] for name in missing & set(of_batch)}
                missing -= set(of_batch)
    return tasks


def _others(home: Home, policy: Policy) -> dict[str, Policy]:
    """The kept policies with tasks that the given one does not name, by hash."""
    kept = {}
    for name in kept_hashes(home.policies):
        with suppress(KeptPolicyError):
            kept[name] = read_kept_policy(home.policies / f"{name}.json")
    return {name: one for name, one in kept.items() if set(one.tasks) - set(policy.tasks)}


def _hashes(home: Home, batch: str) -> list[str]:
    """The hashes of the policies that the plans of a batch were made under."""
    plans: pa.Table | None = None
    with leaving_out_damage():
        plans = home.tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])
    return [] if plans is None else planned_under(plans)
