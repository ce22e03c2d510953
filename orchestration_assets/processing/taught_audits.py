"""The audits of taught services, batch by batch, and what follows from them."""

from collections.abc import Sequence

from orchestration_assets.processing.taught_models import store_taught
from orchestration_assets.services.taught.audit import audit
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from orchestration_assets.services.taught.teaching import Taught, suspend
from resources.model_registry import ModelRegistry


def audits_of(registry: ModelRegistry, service: str, version: str) -> list[bool]:
    """Whether the teacher differed, of all audits of one version, in the order of batches."""
    name = _name(service)
    stored = (registry.load(name, batch) for batch in registry.versions(name))
    return [
        bool(differs)
        for artefact in stored
        if artefact.facts["taught"] == version
        for differs in artefact.arrays["differs"]
    ]


def record_audits(
    registry: ModelRegistry,
    batch: str,
    service: TaughtService,
    taught: Taught,
    differs: Sequence[bool],
) -> TaughtState | None:
    """Keeps a batch's audits of the version in force, and judges all of that version.

    The state of the service once it is suspended; None while it keeps its promise.
    """
    version = service.state.version
    facts = {"taught": version, "batch": batch}
    # a batch that is carried out again is audited again, and counts once
    registry.store(_name(service.name), {"differs": list(differs)}, facts, f"batch-{batch}")
    result = audit(audits_of(registry, service.name, version), taught.allowed)
    if not result.suspended:
        return None
    return store_taught(registry, service, suspend(taught, result, service.config, batch))


def _name(service: str) -> str:
    return f"taught_audits.{service}"
