"""The audits of taught services, batch by batch, and what they show."""

from collections.abc import Mapping

from orchestration_assets.services.taught.audit import AuditResult, audit
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.services.taught.teaching import Taught
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


def batch_audits(
    registry: ModelRegistry, batch: str, service: str, version: str
) -> dict[float, bool]:
    """The audits of one batch and version so far, by the places of the items, in their order."""
    name, key = _name(service), _key(batch, version)
    if key not in registry.versions(name):
        return {}
    stored = registry.load(name, key).arrays
    return dict(zip(stored["places"].tolist(), stored["differs"].tolist(), strict=True))


def record_audits(
    registry: ModelRegistry,
    batch: str,
    service: TaughtService,
    taught: Taught,
    audits: Mapping[float, bool],
) -> AuditResult:
    """Keeps a batch's audits of the version in force, and judges all of that version."""
    version = service.state.version
    arrays = {"places": list(audits), "differs": list(audits.values())}
    # a batch that is carried out again is audited again, and counts once
    key = _key(batch, version)
    registry.store(_name(service.name), arrays, {"taught": version, "batch": batch}, key)
    return audit(audits_of(registry, service.name, version), taught.allowed)


def _name(service: str) -> str:
    return f"taught_audits.{service}"


def _key(batch: str, version: str) -> str:
    return f"batch-{batch}-{version}"
