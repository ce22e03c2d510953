"""Many questions in one request: whatever is wrong with some of them, the others are answered."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.text.replies.call_errors import (
    ConnectionBroken,
    MalformedResponse,
    RequestRefused,
    TimedOut,
    Unavailable,
    Unreachable,
)
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import Reply, Request
from resources.ai_services.resilience.attempts import CallOutcome
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from tests.ai_services.http.samples import VECTORS, asked, embeddings
from tests.ai_services.resilience.test_faults import PATIENT, run
from tests.processing.virtual_time import run_in_virtual_time

# the breaker is out of the way: what is tested is the division of batches
CLOSED = {"window": 10_000, "min_attempts": 10_000}
# what a service may do to a request that holds a poisonous question
WRONGS: dict[str, Exception] = {
    "HTTP 500": Unavailable("HTTP 500"),
    "short": MalformedResponse("2 vectors were asked for, 1 came"),
    "refused": RequestRefused("HTTP 400"),
    "broken": ConnectionBroken("the connection broke"),
    "unreachable": Unreachable("nobody listens"),
    "late": TimedOut("no answer within 1 s"),
    "foreseen by nobody": ZeroDivisionError("an adapter that breaks"),
}


class Poisonable(EmbeddingsService):
    """Every request that holds one of the poisonous texts goes wrong."""

    wrong: Exception = WRONGS["HTTP 500"]
    sent: list[int]

    async def send(self, request: Request, key: str) -> Reply:
        self.sent.append(len(request.questions))
        if any("poison" in question.item.text for question in request.questions):
            raise self.wrong
        return _vectors(request)


def _vectors(request: Request) -> Reply:
    readings = tuple(
        Reading(Status.OK, (1.0, float(len(question.item.text)))) for question in request.questions
    )
    return Reply(readings, request.tokens_estimated, 0)


def questions(poisonous: Sequence[bool]) -> list[Question]:
    return [
        asked(f"{'poison' if bad else 'plain'} text number {n}", VECTORS)
        for n, bad in enumerate(poisonous)
    ]


def called(
    poisonous: Sequence[bool], wrong: Exception, **config: Any
) -> tuple[list[CallOutcome], list[int], SpendBudget]:
    given = {"retries": {"backoff_s": 0.01, "budget": 10.0}, "breaker": CLOSED, **config}
    service = Poisonable("s", embeddings("http://nowhere/v1", batch_size=32, **given))
    service.wrong, service.sent = wrong, []
    budget = SpendBudget()

    async def work() -> list[CallOutcome]:
        caller = Caller(service, budget, limit_s=60.0, jitter=lambda: 0.5)
        asked_now = questions(poisonous)
        keys = [one.item.content_hash for one in asked_now]
        return await caller.call(asked_now, keys, float("inf"))

    outcomes, _ = run_in_virtual_time(work())
    return outcomes, service.sent, budget


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(poisonous=st.lists(st.booleans(), min_size=1, max_size=32))
def test_exactly_the_poisonous_questions_of_a_batch_are_lost(wrong, poisonous) -> None:
    outcomes, _, budget = called(poisonous, wrong)
    for bad, outcome in zip(poisonous, outcomes, strict=True):
        assert (outcome.reading.status is Status.OK) is not bad
        assert outcome.attempts
    # every attempt is accounted for, and the shares of a batch add up to what it cost
    paid = sum(attempt.cost_usd for outcome in outcomes for attempt in outcome.attempts)
    assert paid == pytest.approx(budget.spent_usd)


def test_one_poisonous_question_costs_a_few_requests_and_not_one_for_each() -> None:
    poisonous = [n == 21 for n in range(32)]
    outcomes, sent, _ = called(poisonous, WRONGS["short"])
    assert [n for n, one in enumerate(outcomes) if one.reading.status is not Status.OK] == [21]
    # the whole, and two halves five times; the poisonous one by itself as often as is allowed
    assert len(sent) <= 1 + 2 * 5 + 2


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=32), st.sampled_from(["HTTP 500", "broken"]))
def test_with_a_breaker_no_good_question_is_put_down_as_failed(poisonous, name) -> None:
    """What cannot be told from an outage is asked again by a later run."""
    breaker = {"open_s": 1.0, "wait_s": 20.0}
    outcomes, _, _ = called(poisonous, WRONGS[name], breaker=breaker)
    for bad, outcome in zip(poisonous, outcomes, strict=True):
        status = outcome.reading.status
        if bad:
            assert status in (Status.FAILED, Status.DEFERRED)
        else:
            assert status in (Status.OK, Status.DEFERRED)


def test_a_dead_service_is_not_asked_once_for_every_part_of_every_batch() -> None:
    everything = [True] * 32
    outcomes, sent, _ = called(everything, WRONGS["HTTP 500"], breaker={"wait_s": 30.0})
    assert {one.reading.status for one in outcomes} == {Status.DEFERRED}
    assert len(sent) <= 20


@pytest.mark.parametrize("kind", ["error", "wrong_schema", "truncated", "reset"])
def test_over_http_too_only_what_is_at_fault_is_lost(tmp_path, kind) -> None:
    asked_now = [
        asked(f"{'poison' if n in (3, 17, 18) else 'plain'} text {n} {'word ' * n}", VECTORS)
        for n in range(64)
    ]

    def answers(folder: str, faults: tuple[Fault, ...]) -> list[Reading]:
        async def work(asker):
            return await asyncio.gather(*(asker.ask("s", one) for one in asked_now))

        with serving(DrillServer(FaultScript(faults=faults))) as url:
            retries = {"backoff_s": 0.002, "backoff_max_s": 0.02}
            config = embeddings(
                url, batch_size=32, breaker=CLOSED, timeouts=PATIENT, retries=retries
            )
            found = run(tmp_path / folder, {"s": EmbeddingsService("s", config)}, work)
        return [one.reading for one in found]

    readings = answers("poisoned", (Fault(kind=kind, contains="poison"),))
    lost = [n for n, one in enumerate(readings) if one.status is not Status.OK]
    assert lost == [3, 17, 18]
    # each its own: nobody got a neighbour's
    kept = [n for n in range(64) if n not in lost]
    clean = answers("clean", ())
    assert [readings[n] for n in kept] == [clean[n] for n in kept]
