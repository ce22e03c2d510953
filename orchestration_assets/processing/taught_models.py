"""What taught services know, as the registry of a home keeps it."""

from collections.abc import Collection, Mapping

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import changed_parts, service_identity
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from orchestration_assets.services.taught.teaching import (
    Taught,
    pack_taught,
    promise_of,
    unpack_taught,
)
from resources.damage import notice
from resources.model_registry import Artefact, ModelRegistry


def artefact_name(service: str) -> str:
    """Under which name the registry keeps what a taught service knows."""
    return f"taught.{service}"


def taught_services(services: Mapping[str, Service]) -> dict[str, TaughtService]:
    """Those of the services that are taught, by name."""
    return {name: one for name, one in services.items() if isinstance(one, TaughtService)}


def teacher_identity(service: TaughtService, task: Task) -> str:
    """Whose answers it must have been taught by to be in force."""
    return service_identity(service.teacher, task)


def knowing_all(
    services: Mapping[str, Service], policy: Policy, registry: ModelRegistry
) -> dict[str, Service]:
    """The services, each taught one with what it knows now."""
    tasks = build_tasks(policy)
    states = {
        name: load_state(registry, service, tasks[service.config.task])
        for name, service in taught_services(services).items()
    }
    return {
        name: one.knowing(states[name]) if isinstance(one, TaughtService) else one
        for name, one in services.items()
    }


def load_state(registry: ModelRegistry, service: TaughtService, task: Task) -> TaughtState:
    """What is in force of it, as far as its teacher and its promise are still the same."""
    return _state(registry.usable(artefact_name(service.name)), service, task)


def stored_state(
    registry: ModelRegistry, service: TaughtService, task: Task, version: str
) -> TaughtState:
    """What a version of it knows, whichever is in force. Raises ArtefactError."""
    return _state(registry.load(artefact_name(service.name), version), service, task)


def _state(artefact: Artefact | None, service: TaughtService, task: Task) -> TaughtState:
    if artefact is None:
        return TaughtState(words=f"{service.config.by} has taught it nothing yet")
    now = teacher_identity(service, task)
    try:
        taught = unpack_taught(artefact.arrays, artefact.facts)
        promise = artefact.facts["promise"]
    except (KeyError, TypeError, ValueError) as error:
        notice(f"not used: {artefact.name} {artefact.version} is of another version ({error!r})")
        return TaughtState(words="what it knew cannot be read; it is taught again")
    if taught.teacher != now:
        return TaughtState(words=f"its teacher {changed_parts(taught.teacher, now)}")
    if promise != promise_of(service.config):
        return TaughtState(words="it was taught for another promise")
    return TaughtState(taught, artefact.version)


def store_taught(
    registry: ModelRegistry,
    service: TaughtService,
    taught: Taught,
    instead_of: Collection[str] | None = None,
) -> TaughtState:
    """Keeps what a service knows, and puts it in force, as it will be read again.

    ``instead_of``: versions that it takes the place of; where another one is in force meanwhile,
    that stays. What is stored is rounded: it must not answer otherwise before than after.
    """
    arrays, facts = pack_taught(taught)
    stated = {**facts, "promise": promise_of(service.config), "task": service.config.task}
    name = artefact_name(service.name)
    version = registry.store(name, arrays, stated).version
    in_force = registry.usable_version(name)
    if instead_of is None or in_force is None or in_force in instead_of:
        registry.promote(name, version)
    return TaughtState(unpack_taught(arrays, facts), version)
