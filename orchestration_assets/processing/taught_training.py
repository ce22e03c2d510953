"""Teaching from all that is stored: learns, certifies and puts in force what it can promise."""

from collections.abc import Iterator

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.taught_audits import audits_of
from orchestration_assets.processing.taught_lessons import stored_lessons
from orchestration_assets.processing.taught_models import (
    knowing_all,
    store_taught,
    taught_services,
    teacher_identity,
)
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.schemas.taught import TaughtServiceRow
from orchestration_assets.services.pool import build_services
from orchestration_assets.services.taught.audit import audit
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from orchestration_assets.services.taught.teaching import describe, teach
from resources.home import Home

PROMOTED, UNCHANGED, REFUSED, SUSPENDED, NONE = (
    *("promoted", "unchanged", "refused"),
    *("suspended", "none"),
)


def train_taught(policy: Policy, home: Home) -> Iterator[TaughtServiceRow]:
    """One row a taught service of the policy.

    Whatever was certified on more lessons is put in force, whether it promises more or less:
    it rests on more. After a suspension only lessons since then count.
    """
    services = knowing_all(build_services(policy.services), policy, home.models)
    tasks = build_tasks(policy)
    for service in taught_services(services).values():
        yield _trained(home, service, tasks[service.config.task])


def _trained(home: Home, service: TaughtService, task: Task) -> TaughtServiceRow:
    config, before = service.config, service.state
    identity = teacher_identity(service, task)
    since = before.taught.since if before.taught else ""
    batches = home.tables.batches(PROCESSING_PLANS.name)
    lessons = stored_lessons(home, service, identity, batches, since)
    sampled = sum(lesson.sampled for lesson in lessons)
    state, outcome = before, UNCHANGED if before.taught else NONE
    known = (
        0
        if before.taught is None or before.taught.suspended
        else (before.taught.certificate.lessons)
    )
    if sampled >= max(config.lessons, known):
        taught = teach(lessons, task, config, identity, since)
        state = store_taught(home.models, service, taught)
        outcome = UNCHANGED if state.version == before.version else PROMOTED
    return _row(home, service, state, outcome, sampled, len(lessons) - sampled)


def _row(
    home: Home,
    service: TaughtService,
    state: TaughtState,
    outcome: str,
    sampled: int,
    further: int,
) -> TaughtServiceRow:
    config, taught = service.config, state.taught
    words = f"{sampled} answers of {config.by} are stored, {config.lessons} are asked for"
    result = audit((), config.at_most)
    if taught is not None:
        words = describe(taught, config)
        result = audit(audits_of(home.models, service.name, state.version), taught.allowed)
        if taught.suspended:
            outcome = SUSPENDED
        elif taught.threshold is None:
            outcome = REFUSED
    certificate = taught.certificate if taught else None
    return TaughtServiceRow(
        service=service.name,
        task=config.task,
        teacher=config.by,
        outcome=outcome,
        version=state.version or None,
        words=words,
        lessons=sampled,
        further_lessons=further,
        promised=config.at_most,
        guarantee=config.guarantee,
        coverage=certificate.coverage if certificate else None,
        loss=certificate.loss if certificate else None,
        loss_bound=certificate.loss_bound if certificate else None,
        exact_bound=certificate.exact_bound if certificate else None,
        differing=certificate.differing if certificate else None,
        audits=result.audited,
        audits_differing=result.differing,
        evidence=result.evidence,
        suspended=bool(taught and taught.suspended),
    )
