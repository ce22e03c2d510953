"""What counts against the time of a call, and how a question ends whose time is over."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.attempts import CallOutcome
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from tests.ai_services.http.samples import asked, chat

PATIENT = {"connect_s": 20.0, "first_token_s": 20.0, "total_s": 20.0}


def texts(count: int, word: str = "plain") -> list[Question]:
    return [asked(f"this is the {word} text with number {n}") for n in range(count)]


def call_all(
    server: DrillServer,
    questions: Sequence[Question],
    *,
    limit_s: float = float("inf"),
    ends_s: float = float("inf"),
    budget: SpendBudget | None = None,
    **config: Any,
) -> list[CallOutcome]:
    """The outcomes of questions that are asked at once; each call may take ``limit_s``."""

    async def work(url: str) -> list[CallOutcome]:
        service = ChatService("s", chat(url, **{"timeouts": PATIENT, **config}))
        caller = Caller(service, budget or SpendBudget(), limit_s=limit_s, jitter=lambda: 0.9)
        ends = asyncio.get_running_loop().time() + ends_s
        calls = (caller.call([one], [one.item.content_hash], ends) for one in questions)
        outcomes = await asyncio.gather(*calls)
        await service.aclose()
        return [outcome for (outcome,) in outcomes]

    with serving(server) as url:
        return asyncio.run(work(url))


def statuses(outcomes: Sequence[CallOutcome]) -> list[Status]:
    return [outcome.reading.status for outcome in outcomes]


@pytest.mark.parametrize("kind", ["rate_limit", "overload"])
def test_pauses_that_the_service_asks_for_and_the_queue_after_them_do_not_count(kind) -> None:
    faults = (Fault(kind=kind, share=0.7, seconds=0.1),)
    outcomes = call_all(
        DrillServer(FaultScript(faults=faults, median_ms=5)), texts(40), limit_s=1.5, concurrency=4
    )
    assert statuses(outcomes) == [Status.OK] * 40


def test_waiting_for_money_does_not_count() -> None:
    service = ChatService("s", chat("http://127.0.0.1:1"))
    likely_usd = Caller(service, SpendBudget())._quote(service.prepare(texts(1))).likely_usd
    outcomes = call_all(
        DrillServer(FaultScript(median_ms=1000)),
        texts(3),
        limit_s=1.7,
        budget=SpendBudget(1.5 * likely_usd),
    )
    assert statuses(outcomes) == [Status.OK] * 3


def test_waiting_for_the_rates_of_the_policy_does_not_count() -> None:
    """A repair needs a second turn, behind all the first ones."""
    outcomes = call_all(
        DrillServer(FaultScript(faults=(Fault(kind="wrong_schema", end=1),))),
        texts(4),
        limit_s=1.0,
        rates={"requests_per_minute": 60},
    )
    assert statuses(outcomes) == [Status.OK] * 4


def test_requests_and_the_delays_of_their_retries_count() -> None:
    (outcome,) = call_all(
        DrillServer(FaultScript(faults=(Fault(kind="hang"),))),
        texts(1),
        limit_s=0.6,
        timeouts={"connect_s": 5.0, "first_token_s": 5.0, "total_s": 0.25},
        retries={"attempts": 10, "backoff_s": 0.05, "backoff_max_s": 0.05},
    )
    assert outcome.reading.status is Status.TIMEOUT
    assert 2 <= len(outcome.attempts) <= 3


def test_who_was_only_turned_away_until_the_batch_ended_is_taken_up_by_the_next_run() -> None:
    """The one place is held by a request that hangs, until the deadline."""
    faults = (
        Fault(kind="rate_limit", contains="plain", seconds=0.05),
        Fault(kind="hang", contains="slow"),
    )
    outcomes = call_all(
        DrillServer(FaultScript(faults=faults)),
        [*texts(1), *texts(1, "slow")],
        ends_s=1.5,
        concurrency=1,
    )
    assert statuses(outcomes) == [Status.DEFERRED, Status.TIMEOUT]


@pytest.mark.parametrize(("kind", "status"), [("error", Status.DEFERRED), ("reset", Status.FAILED)])
def test_a_failure_at_no_cost_that_has_no_time_for_a_retry_is_taken_up(kind, status) -> None:
    """It is a rare failure, of which nothing says that the question is at fault."""
    faults = (Fault(kind=kind, contains="unlucky"),)
    outcomes = call_all(
        DrillServer(FaultScript(faults=faults)),
        [*texts(12), *texts(1, "unlucky")],
        limit_s=5.0,
        concurrency=1,
        retries={"backoff_s": 30.0, "backoff_max_s": 60.0},
    )
    assert statuses(outcomes) == [*[Status.OK] * 12, status]


def test_nothing_is_sent_once_the_deadline_is_over() -> None:
    server = DrillServer()
    outcomes = call_all(server, texts(3), ends_s=0.0)
    assert statuses(outcomes) == [Status.TIMEOUT] * 3
    assert server.log == []
