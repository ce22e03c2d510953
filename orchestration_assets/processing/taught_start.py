"""What a taught service knew when a batch began: carried out again, the batch begins alike.

Otherwise a batch that was stopped would find in force what its own first items taught, and the
service would answer the very items that it learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestration_assets.processing.taught_models import (
    artefact_name,
    load_state,
    stored_state,
    teacher_identity,
)
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from resources.damage import notice
from resources.home import Home
from resources.model_registry import ArtefactError


@dataclass(frozen=True)
class TaughtStart:
    """``state``: what was known. ``batches``: those whose lessons count beside the batch's own.

    ``in_force``: the version that was in force for new batches, and those that this batch put there
    since, which it may replace.
    """

    state: TaughtState
    batches: tuple[str, ...]
    in_force: tuple[str, ...]


def taught_start(home: Home, batch: str, service: TaughtService, task: Task) -> TaughtStart:
    """How the batch began when it was first carried out with this service and teacher.

    It is stored before anything is taught.
    """
    known = _stored(home, batch, service, task)
    if known is not None:
        return known
    registry = home.models
    state = load_state(registry, service, task)
    stored = home.series.not_later(batch, home.tables.batches(PROCESSING_PLANS.name))
    passes_on = state.taught is None or state.taught.threshold is None
    batches = tuple(one for one in stored if one != batch) if passes_on else ()
    now = registry.usable_version(artefact_name(service.name))
    start = TaughtStart(state, batches, (now,) if now else ())
    _store(home, batch, service, task, start)
    return start


def with_version(
    home: Home, batch: str, service: TaughtService, task: Task, start: TaughtStart, version: str
) -> TaughtStart:
    """The start, with one more version that the batch may replace."""
    if version in start.in_force:
        return start
    more = replace(start, in_force=(*start.in_force, version))
    _store(home, batch, service, task, more)
    return more


def _stored(home: Home, batch: str, service: TaughtService, task: Task) -> TaughtStart | None:
    registry, name, key = home.models, _name(service), _key(batch)
    if key not in registry.versions(name):
        return None
    try:
        facts = registry.facts(name, key)
        if facts["of"] != _identity(service, task):
            return None
        version, batches = str(facts["version"]), facts["batches"]
        if version:
            state = stored_state(registry, service, task, version)
        else:
            state = TaughtState(words=str(facts["words"]))
        return TaughtStart(state, _names(batches), _names(facts["in_force"]))
    except (ArtefactError, KeyError, TypeError) as error:
        notice(f"not used: {name} {key} ({error}); what is in force is taken instead")
        return None


def _store(home: Home, batch: str, service: TaughtService, task: Task, start: TaughtStart) -> None:
    facts = {
        "of": _identity(service, task),
        "version": start.state.version,
        "words": start.state.words,
        "batches": list(start.batches),
        "in_force": list(start.in_force),
    }
    home.models.store(_name(service), {}, facts, _key(batch))


def _names(stated: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(name) for name in stated)


def _identity(service: TaughtService, task: Task) -> str:
    """Whom the start is about: with another teacher or promise the batch begins anew."""
    return f"{service.fingerprint} {teacher_identity(service, task)}"


def _name(service: TaughtService) -> str:
    return f"taught_starts.{service.name}"


def _key(batch: str) -> str:
    return f"batch-{batch}"
