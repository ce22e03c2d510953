"""The outage drill: the policy's own services, as they went last, on a day that goes wrong.

Nothing leaves the machine: a server on the loopback plays every service over HTTP. All times,
the services' and the policy's, are shortened alike, so that a drill of minutes takes seconds.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Final

import numpy as np

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.processing.usage import ObservedUsage
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import (
    LocalConfig,
    RemoteConfig,
    ServiceConfig,
    TaughtConfig,
)
from orchestration_assets.services.pool import build_services
from orchestration_assets.text.prompts.unasked_answers import no_answers
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore

ITEMS: Final = 200
_SHORTER: Final = 0.01
_LEAST_S: Final = 0.01
_DEADLINE_S: Final = 20.0
_Z95: Final = 1.645
"""Standard deviations from the median to the 95th percentile of a normal distribution."""
_RATE_LIMITED: Final = 0.05
_LABELS: Final = ("yes", "no")
_WORDS: Final = "The harbour was closed for a day because the storm had moved the buoys. "


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """What became of the drill's items at one service.

    ``lost``: items without a reading; ``billed_twice``: requests that the server billed again.
    ``amplification``: attempts at the service for each item, which passes up to
    ``allowed_amplification``. ``cost_usd_calm``: the cost of as many answers without faults.
    Times in ms as the items saw them, scaled back; money in US dollars.
    """

    service: str
    items: int
    lost: int
    billed_twice: int
    statuses: Mapping[str, int]
    amplification: float
    allowed_amplification: float
    p95_ms: float
    cost_usd: float
    cost_usd_calm: float

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing paid twice, and the outage was not multiplied by retries."""
        nothing_lost = not self.lost and not self.billed_twice
        return nothing_lost and self.amplification <= self.allowed_amplification


def outage_drill(policy: Policy, seen: Mapping[str, ObservedUsage]) -> list[DrillOutcome]:
    """Drills every service over HTTP of the policy, one after the other, with its fallbacks."""
    remote = {
        name: config
        for name, config in policy.services.items()
        if not isinstance(config, LocalConfig)
    }
    return [_drilled(name, policy, seen.get(name)) for name in remote]


def bad_day() -> tuple[Fault, ...]:
    """An outage of a third of the traffic, and every other fault now and then."""
    third = ITEMS // 3
    return (
        Fault(kind=FaultKind.ERROR, begin=third, end=2 * third),
        Fault(kind=FaultKind.RATE_LIMIT, share=_RATE_LIMITED, seconds=0.01),
        Fault(kind=FaultKind.RESET, share=0.04),
        Fault(kind=FaultKind.TRUNCATED, share=0.03),
        Fault(kind=FaultKind.WRONG_SCHEMA, share=0.03),
        Fault(kind=FaultKind.HANG, share=0.02),
        Fault(kind=FaultKind.CHATTY, share=0.05),
    )


def _drilled(name: str, policy: Policy, usage: ObservedUsage | None) -> DrillOutcome:
    primary, second = DrillServer(_script(usage, bad_day())), DrillServer(_script(usage, ()))
    with ExitStack() as stack:
        url, other = (stack.enter_context(serving(one)) for one in (primary, second))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = policy.services[name]
        assert not isinstance(config, LocalConfig)
        configs: dict[str, ServiceConfig] = {name: _shorter(config, url)}
        for fallback in config.fallbacks:
            instead = policy.services[fallback]
            if not isinstance(instead, LocalConfig):
                instead = _shorter(instead, other)
            if isinstance(instead, TaughtConfig) and instead.by != name:
                continue  # it knows nothing here, and its teacher is not there
            configs[fallback] = instead
        budget = SpendBudget()
        answers, took = asyncio.run(_asked(name, configs, folder, budget))
    attempts = sum(one.service == name for answer in answers for one in answer.attempts)
    batch = getattr(config, "batch_size", 1)
    retries = config.retries
    # each call once, a retry for each answer, those of the budget, the few that are always
    # allowed, and every request to slow down
    allowed = 2.0 + retries.budget + (10 + config.breaker.window) / ITEMS + _RATE_LIMITED
    if config.guard.repair:
        allowed += 0.1
    if batch > 1:
        # a batch's attempt counts for each of its items
        allowed += float(retries.attempts)
    times = Counter(one.key for server in (primary, second) for one in server.billed)
    paid = [answer.cost_usd for answer in answers if answer.cost_usd]
    return DrillOutcome(
        service=name,
        items=ITEMS,
        lost=ITEMS - len(answers),
        billed_twice=sum(count - 1 for count in times.values()),
        statuses=dict(Counter(answer.reading.status.value for answer in answers)),
        amplification=attempts / ITEMS,
        allowed_amplification=allowed,
        p95_ms=float(np.percentile(took, 95)) * 1000 / _SHORTER if took else 0.0,
        cost_usd=budget.spent_usd,
        cost_usd_calm=float(np.median(paid)) * ITEMS if paid else 0.0,
    )


def _script(usage: ObservedUsage | None, faults: tuple[Fault, ...]) -> FaultScript:
    """As quick and as scattered as the service was in the latest batches."""
    p50 = usage.p50_ms if usage and usage.p50_ms else 1000.0
    p95 = usage.p95_ms if usage and usage.p95_ms else 2.0 * p50
    sigma = max(0.0, log(p95 / p50)) / _Z95 if p50 else 0.0
    return FaultScript(seed=1, median_ms=p50 * _SHORTER, sigma=sigma, faults=faults)


def _shorter(config: RemoteConfig, url: str) -> RemoteConfig:
    """The same settings on the loopback, a hundred times as quick; the key stays at home."""

    def less(seconds: float) -> float:
        return max(_LEAST_S, seconds * _SHORTER)

    timeouts, retries, breaker = config.timeouts, config.retries, config.breaker
    return config.model_copy(
        update={
            "base_url": url,
            "base_url_env": None,
            "headers": {},
            "header_env": {},
            "api_key_env": None,
            "timeouts": timeouts.model_copy(
                update={
                    "first_token_s": max(0.2, less(timeouts.first_token_s)),
                    "total_s": max(0.5, less(timeouts.total_s)),
                }
            ),
            "retries": retries.model_copy(
                update={
                    "backoff_s": retries.backoff_s * _SHORTER,
                    "backoff_max_s": less(retries.backoff_max_s),
                }
            ),
            "breaker": breaker.model_copy(
                update={
                    "open_s": less(breaker.open_s),
                    "wait_s": None if breaker.wait_s is None else less(breaker.wait_s),
                }
            ),
            "rates": type(config.rates)(),
        }
    )


async def _asked(
    name: str, configs: Mapping[str, ServiceConfig], folder: Path, budget: SpendBudget
) -> tuple[list[AskResult], list[float]]:
    services = build_services(configs)
    kind = AnswerKind.VECTOR if AnswerKind.LABEL not in services[name].kinds else AnswerKind.LABEL
    labels = _LABELS if kind is AnswerKind.LABEL else ()
    task = Task("drill", "1", kind, labels, question="Was it closed?")
    before = no_answers(configs[name], task.name)
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async with Asker(services, AnswerCache(LmdbStore(folder / "answers")), budget=budget) as asker:
        queue = iter(range(ITEMS))
        answers: dict[int, AskResult] = {}
        ends = loop.time() + _DEADLINE_S

        async def worker() -> None:
            for number in queue:
                began = loop.time()
                text = f"Note {number}. {_WORDS * (1 + number % 7)}"
                item = Item(f"drill-{number}", f"drill-{number}", "drill.txt", text)
                answers[number] = await asker.ask(name, Question(task, item, answers=before), ends)
                took.append(loop.time() - began)

        service = asker.callers[name].service
        at_once = min(ITEMS, service.concurrency * service.batch_size)
        await asyncio.gather(*(worker() for _ in range(at_once)))
    return [answers[number] for number in sorted(answers)], took
