"""Probing services: does the address answer, does a real question get an answer, the right one?"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_checks import checking_task
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.usage import ObservedUsage, observed_usage
from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.health import SERVICE_HEALTH, ServiceHealthRow
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.services import LocalConfig, RemoteConfig, ServiceConfig
from orchestration_assets.services.contract import Service
from orchestration_assets.text.prompts.unasked_answers import no_answers
from orchestration_assets.text.replies.call_errors import CallError
from resources.ai_services.http.service import HttpService
from resources.ai_services.resilience.attempts import CallOutcome
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.spending.writer import SpendingPurpose, SpendingWriter, process_name

SHALLOW_S = 1.0
DEEP_S = 30.0
# a service that fails is not waited for longer: its questions will wait
UNAVAILABLE_S = 3.0
_REPLIES = 3
_TEXT = "The library opens at nine and closes at six; on Sundays it stays closed."


@dataclass(frozen=True, slots=True)
class Probe:
    """What the probes of one service found."""

    shallow_ok: bool
    shallow_ms: float
    deep_ok: bool | None
    deep_ms: float
    unavailable: bool
    business_ok: bool | None
    problem: str | None
    cost_usd: float


def check_services(home: Home, loaded: LoadedPolicy, budget: SpendBudget) -> TableResult:
    """Probes the services of a policy, beside how their calls went; pins the policy."""
    pin_policy(home.policies, loaded, home.files)
    policy = loaded.policy
    purpose = SpendingPurpose("probe", account=budget.account, run=process_name())
    with SpendingWriter(home.spending.folder, purpose) as writer:
        recorded = SpendBudget(within=budget, recorder=writer)
        services, tasks = build_work(policy).services, build_tasks(policy)
        probes = probe_services(policy, services, tasks, recorded, home.limits)
    rows = list(health_rows(policy, loaded.hash, probes, observed_usage(home.tables)))
    figures = {
        "probed": len(probes),
        "not_healthy": sum(row.deep_ok is False for row in rows),
        "probe_cost_usd": sum(row.probe_cost_usd for row in rows),
    }
    return TableResult(rows_to_arrow(SERVICE_HEALTH, rows), figures)


def probe_services(
    policy: Policy,
    services: Mapping[str, Service],
    tasks: Mapping[str, Task],
    budget: SpendBudget,
    shared: Path | None = None,
) -> dict[str, Probe]:
    """Probes every service over HTTP that the policy's tasks or fallbacks use, all at once.

    What probes cost comes out of ``budget``; a service for which it is too small is not probed.
    They keep to the limits that processes share by the folder ``shared``.
    """

    async def probe_all() -> dict[str, Probe]:
        asked = {
            name: _question_for(policy, name, tasks)
            for name, service in services.items()
            if isinstance(service, HttpService)
        }
        needed = {name: question for name, question in asked.items() if question is not None}
        found = await asyncio.gather(
            *(
                _probe(services[name], question, tasks, SpendBudget(within=budget), shared)
                for name, question in needed.items()
            )
        )
        return dict(zip(needed, found, strict=True))

    return asyncio.run(probe_all())


def _question_for(policy: Policy, name: str, tasks: Mapping[str, Task]) -> Question | None:
    """A tiny question of the first task for which the service may be asked."""
    for task in policy.tasks:
        if name in _asked_for(policy, task):
            # what is probed is the service, not its tools
            return _question(replace(tasks[task], tools=None), _TEXT, policy.services[name])
    for checked in tasks.values():
        for rule in checked.value_rules:
            if rule.asks and name in _with_fallbacks(policy, rule.asks):
                about = _question(checking_task(rule, checked), _TEXT, policy.services[name])
                return replace(about, earlier=((checked.name, Reading(Status.OK, _TEXT)),))
    return None


def _asked_for(policy: Policy, task: str) -> Iterator[str]:
    """The services that may be asked the question itself, those of its rules among them."""
    config = policy.tasks[task]
    checking = {one.service for one in config.validate_}
    chosen = {name for choice in config.choices.values() for name in choice.admissible}
    for name in config.askable:
        if name in chosen or name not in checking:
            yield from _with_fallbacks(policy, name)


def _with_fallbacks(policy: Policy, name: str) -> tuple[str, ...]:
    config = policy.services[name]
    return (name,) if isinstance(config, LocalConfig) else (name, *config.fallbacks)


def _question(task: Task, text: str, config: ServiceConfig) -> Question:
    item = Item("health", "health", "health.txt", text)
    return Question(task, item, answers=no_answers(config, task.name))


async def _probe(
    service: Service,
    question: Question,
    tasks: Mapping[str, Task],
    budget: SpendBudget,
    shared: Path | None,
) -> Probe:
    assert isinstance(service, HttpService)
    problems: list[str] = []
    caller = Caller(service, budget, wait_limit_s=UNAVAILABLE_S, shared=shared)
    caller.open()
    try:
        # another batch may be asking it as much as the policy allows
        await caller.place_there()
        shallow_ok, shallow_ms = await _shallow(service, problems)
        began = time.perf_counter()
        deep = await _ask_for_good(caller, question)
        deep_ms = (time.perf_counter() - began) * 1000
        deep_ok = _verdict(deep)
        if deep_ok is False:
            problems.append(f"deep: {deep.reading.reason}")
        # a run waits for such a service, and defers what it could not ask
        passing = deep.reading.status in (Status.DEFERRED, Status.TIMEOUT)
        unavailable = passing and caller.stopped is None
        business_ok = await _business(caller, service.config, tasks, problems)
    finally:
        await caller.aclose()
    problem = "; ".join(problems) or None
    return Probe(
        shallow_ok,
        shallow_ms,
        deep_ok,
        deep_ms,
        unavailable,
        business_ok,
        problem,
        budget.spent_usd,
    )


def _verdict(called: CallOutcome) -> bool | None:
    """None when there was no money to ask: then nothing is known, and nothing will be asked."""
    if called.reading.status is Status.OVER_BUDGET:
        return None
    return called.reading.status in (Status.OK, Status.ABSTAINED)


async def _shallow(service: HttpService, problems: list[str]) -> tuple[bool, float]:
    began = time.perf_counter()
    limit = min(SHALLOW_S, service.config.timeouts.health_s)
    try:
        async with asyncio.timeout(limit):
            status = await service.reach()
        # whatever it says of this path, something is there that speaks HTTP
        ok = status < 500
        if not ok:
            problems.append(f"shallow: HTTP {status}")
    except (TimeoutError, CallError) as error:
        ok = False
        problems.append(f"shallow: {str(error) or f'no answer within {limit:g} s'}")
    return ok, (time.perf_counter() - began) * 1000


async def _ask(caller: Caller, question: Question, limit_s: float) -> CallOutcome:
    deadline = asyncio.get_running_loop().time() + limit_s
    # a key of its own: a kept answer would tell nothing about now
    (called,) = await caller.call([question], [f"health-{uuid4().hex}"], deadline)
    return called


async def _ask_for_good(caller: Caller, question: Question) -> CallOutcome:
    """The first outcome that is no unusable reply, of three at most.

    Language models cut or garble a reply now and then: one that did it once is not broken, and must
    not stop a batch.
    """
    called = await _ask(caller, question, DEEP_S)
    for _ in range(_REPLIES - 1):
        if called.reading.status is not Status.REJECTED_OUTPUT:
            break
        called = await _ask(caller, question, DEEP_S)
    return called


async def _business(
    caller: Caller, config: RemoteConfig, tasks: Mapping[str, Task], problems: list[str]
) -> bool | None:
    known = config.known_item
    if known is None:
        return None
    called = await _ask(caller, _question(tasks[known.task], known.text, config), DEEP_S)
    if called.reading.status is Status.OVER_BUDGET:
        return None
    said = shown(called.reading.answer)
    if said != known.expect:
        why = called.reading.reason or "no reason given"
        words = repr(said) if said is not None else f"nothing ({why})"
        problems.append(f"business: said {words}, {known.expect!r} is expected")
    return said == known.expect


def health_rows(
    policy: Policy, policy_hash: str, probes: Mapping[str, Probe], seen: Mapping[str, ObservedUsage]
) -> Iterator[ServiceHealthRow]:
    """One row a service of the policy, by name."""
    needed = {name for task in policy.tasks.values() for name in task.askable}
    for name, config in sorted(policy.services.items()):
        probe, usage = probes.get(name), seen.get(name)
        remote = None if isinstance(config, LocalConfig) else config
        works = [
            isinstance(policy.services[other], LocalConfig)
            or (other in probes and probes[other].deep_ok is True)
            for other in (remote.fallbacks if remote else ())
        ]
        yield ServiceHealthRow(
            service=name,
            type=config.type,
            needed=name in needed,
            covered=any(works),
            shallow_ok=probe.shallow_ok if probe else None,
            shallow_ms=probe.shallow_ms if probe else None,
            deep_ok=probe.deep_ok if probe else None,
            deep_ms=probe.deep_ms if probe else None,
            unavailable=probe.unavailable if probe else None,
            business_ok=probe.business_ok if probe else None,
            problem=probe.problem if probe else None,
            probe_cost_usd=probe.cost_usd if probe else 0.0,
            attempts=usage.attempts if usage else 0,
            failed_share=usage.failed_share if usage else None,
            p50_ms=usage.p50_ms if usage else None,
            p95_ms=usage.p95_ms if usage else None,
            p995_ms=usage.p995_ms if usage else None,
            timeout_ms=remote.timeouts.total_s * 1000 if remote else None,
            suggested_timeout_ms=usage.suggested_timeout_ms if usage and remote else None,
            policy_hash=policy_hash,
            token_ratio=usage.token_ratio.mean if usage and usage.token_ratio else None,
        )
