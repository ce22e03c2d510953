"""What another policy means for what is there already: answers that do not count any more, and
batches that would be computed again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.memory import remembered_tasks, shows_memory
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from resources.active_policy import kept_policy_file
from resources.damage import leaving_out_damage
from resources.home import Home


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
    plain = {
        (name, service): service_identity(services[service], tasks[name])
        for name, config in policy.tasks.items()
        for choice in config.choices.values()
        for service in choice.admissible
    }
    # with other facts of the messages before, or another choice of them, it is another question
    facts = sorted(one for one in plain.items() if one[0][0] in remembered_tasks(policy))
    remembered = f"{policy.conversation.model_dump_json()} {facts}"
    return {
        (name, service): f"{identity} {remembered}"
        if policy.tasks[name].memory and shows_memory(policy, service, name)
        else identity
        for (name, service), identity in plain.items()
    }


@dataclass(frozen=True, slots=True)
class RecomputedTask:
    """A task of which batches hold answers that would be asked again: the plans that they hold of
    it, and which batches these are, oldest first."""

    task: str
    plans: int
    batches: tuple[str, ...]


def recomputed_tasks(
    home: Home, after: LoadedPolicy, tasks: Collection[str]
) -> list[RecomputedTask]:
    """Those of the tasks of which batches hold answers that would not count under a policy: each
    batch is held against the policy that it was made under.

    Batches whose plans or policy cannot be read are left out; damaged tables are said.
    """
    plans: dict[str, dict[str, int]] = {}
    again: dict[str, Collection[str]] = {after.hash: ()}
    for batch in home.tables.batches(PROCESSING_PLANS.name) if tasks else ():
        with leaving_out_damage():
            made = home.tables.read(PROCESSING_PLANS.name, batch, ["task", "policy_hash"])
            for under in pc.unique(made["policy_hash"]).to_pylist():
                if under not in again:
                    again[under] = _asked_again_since(home, under, after.policy)
            for one in pc.value_counts(made["task"]).to_pylist():
                if one["values"] in tasks and one["values"] in _of_all(again, made):
                    plans.setdefault(one["values"], {})[batch] = one["counts"]
    return [
        RecomputedTask(task, sum(plans[task].values()), tuple(plans[task]))
        for task in sorted(plans)
    ]


def _of_all(again: Mapping[str, Collection[str]], made: pa.Table) -> set[str]:
    hashes = pc.unique(made["policy_hash"]).to_pylist()
    return {task for under in hashes for task in again[under]}


def _asked_again_since(home: Home, policy_hash: str, after: Policy) -> Collection[str]:
    try:
        before = load_policy(kept_policy_file(home, policy_hash))
    except PolicyError:
        return ()
    return answers_asked_again(before.policy, after)
