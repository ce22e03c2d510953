"""What another policy means for what is there already: answers that do not count any more, and
batches that would be computed again."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow.compute as pc

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from resources.damage import leaving_out_damage
from resources.table_store import TableStore


def answers_asked_again(before: Policy, after: Policy) -> dict[str, list[str]]:
    """Task -> the services of both policies that would be asked it again, since they or the task
    are others by now; tasks of which every answer still counts are left out."""
    identities = [_identities(policy) for policy in (before, after)]
    found: dict[str, list[str]] = {}
    for (task, service), identity in sorted(identities[1].items()):
        if identities[0].get((task, service), identity) != identity:
            found.setdefault(task, []).append(service)
    return found


def _identities(policy: Policy) -> dict[tuple[str, str], str]:
    """(task, service) -> what an answer of that service to that task holds for."""
    services, tasks = build_services(policy.services), build_tasks(policy)
    return {
        (name, service): service_identity(services[service], tasks[name])
        for name, config in policy.tasks.items()
        for choice in config.choices.values()
        for service in choice.admissible
    }


@dataclass(frozen=True, slots=True)
class RecomputedTask:
    """A task that batches would compute again under another policy: the plans that they hold of
    it, and which batches these are, oldest first."""

    task: str
    plans: int
    batches: tuple[str, ...]


def recomputed_tasks(tables: TableStore, tasks: Collection[str]) -> list[RecomputedTask]:
    """Of each of the tasks that any batch has plans of, how many, and in which batches.

    Damaged tables are left out, and said.
    """
    plans: dict[str, dict[str, int]] = {}
    for batch in tables.batches(PROCESSING_PLANS.name) if tasks else ():
        with leaving_out_damage():
            column = tables.read(PROCESSING_PLANS.name, batch, ["task"])["task"]
            for one in pc.value_counts(column).to_pylist():
                plans.setdefault(one["values"], {})[batch] = one["counts"]
    return [
        RecomputedTask(task, sum(plans[task].values()), tuple(plans[task]))
        for task in sorted({*tasks} & plans.keys())
    ]
