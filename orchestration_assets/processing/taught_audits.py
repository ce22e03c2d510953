"""The audits of taught services, batch by batch, and what they show."""

from collections.abc import Mapping

from orchestration_assets.services.taught.audit import AuditResult, audit
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.services.taught.teaching import Taught
from resources.damage import notice
from resources.model_registry import Artefact, ArtefactError, ModelRegistry


def audits_of(registry: ModelRegistry, service: str, version: str) -> list[bool]:
    """Whether the teacher differed, of all audits of one version, in the order of batches.

    Those of a batch that cannot be read are left out, and that is said.
    """
    name = _name(service)
    audits: list[bool] = []
    for key in registry.versions(name):
        stored = _readable(registry, name, key)
        if stored is not None and stored.facts["taught"] == version:
            audits += (bool(differs) for differs in stored.arrays["differs"])
    return audits


def batch_audits(
    registry: ModelRegistry, batch: str, service: str, version: str
) -> dict[float, bool]:
    """The audits of one batch and version so far, by the places of the items, in their order."""
    name, key = _name(service), _key(batch, version)
    if key not in registry.versions(name):
        return {}
    artefact = _readable(registry, name, key)
    if artefact is None:
        return {}
    stored = artefact.arrays
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


def _readable(registry: ModelRegistry, name: str, key: str) -> Artefact | None:
    """No batch waits for what an earlier one has lost."""
    try:
        return registry.load(name, key)
    except ArtefactError as error:
        notice(f"left out: {error}")
        return None


def _name(service: str) -> str:
    return f"taught_audits.{service}"


def _key(batch: str, version: str) -> str:
    return f"batch-{batch}-{version}"
