"""A bad minute of a service: slowed down to, waited out, and then deferred, never dropped."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

import pytest

from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.text.replies.call_errors import error_from_status
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.breaker import Breaker
from tests.ai_services.http.samples import asked, chat
from tests.ai_services.resilience.test_faults import PATIENT, run

FOREVER = float("inf")


def texts(count: int, word: str = "plain") -> list[Question]:
    return [asked(f"this is the {word} text with number {n}") for n in range(count)]


def ask_all(
    folder, server: DrillServer, questions: Sequence[Question], **config: Any
) -> tuple[list[AskResult], Breaker]:
    """What all of them, asked at once, were answered."""

    async def work(asker: Asker) -> tuple[list[AskResult], Breaker]:
        answers = await asyncio.gather(*(asker.ask("s", one, FOREVER) for one in questions))
        return list(answers), asker.callers["s"].breaker

    with serving(server) as url:
        given = {"timeouts": PATIENT, **config}
        return run(folder, {"s": ChatService("s", chat(url, **given))}, work)


def statuses(answers: Sequence[AskResult]) -> Counter[Status]:
    return Counter(one.reading.status for one in answers)


def test_two_of_five_turned_away_are_asked_again_until_all_are_answered(tmp_path) -> None:
    """No attempt and no retry of the budget is used up by a request to slow down."""
    faults = (Fault(kind="rate_limit", share=0.4, seconds=0.05),)
    answers, breaker = ask_all(
        tmp_path,
        DrillServer(FaultScript(faults=faults)),
        texts(120),
        retries={"attempts": 1, "budget": 0.0},
    )
    assert statuses(answers) == {Status.OK: 120}
    assert breaker.opened == 0
    assert any(len(one.attempts) > 1 for one in answers)


def test_a_repair_that_is_turned_away_comes_again(tmp_path) -> None:
    server = DrillServer()
    turns = iter([Fault(kind="wrong_schema"), Fault(kind="rate_limit", seconds=0.05)])
    real = server.handle

    async def handle(request):
        fault = next(turns, None)
        server.script = FaultScript(faults=(fault,) if fault else ())
        return await real(request)

    server.handle = handle
    answers, _ = ask_all(tmp_path, server, texts(1))
    assert statuses(answers) == {Status.OK: 1}
    assert [one.status for one in answers[0].attempts] == [
        Status.REJECTED_OUTPUT,
        Status.FAILED,
        Status.OK,
    ]


def test_a_rate_limit_without_a_time_slows_down_too(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="rate_limit", share=0.4),)))
    retries = {"attempts": 1, "budget": 0.0, "backoff_s": 0.002}
    answers, breaker = ask_all(tmp_path, server, texts(60), retries=retries)
    assert statuses(answers) == {Status.OK: 60}
    assert breaker.opened == 0


@pytest.mark.parametrize(
    ("status", "retry_after", "limited"),
    [
        (429, None, True),
        (429, "0", True),
        (429, "2", True),
        (429, formatdate(1030.0, usegmt=True), True),
        (503, "2", True),
        (503, formatdate(1030.0, usegmt=True), True),
        (503, None, False),
        (503, "soon", False),
        (500, "2", False),
        (502, None, False),
    ],
)
def test_what_is_pace_and_what_is_failure(status, retry_after, limited) -> None:
    error = error_from_status(status, retry_after, b"", 1000.0)
    assert error.rate_limited is limited
    if retry_after and retry_after.endswith("GMT"):
        assert error.retry_after == 30.0


def test_a_pause_is_asked_of_nobody_before_it_is_over(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="rate_limit", seconds=0.4, end=8),)))
    answers, _ = ask_all(tmp_path, server, texts(40), concurrency=8)
    assert statuses(answers) == {Status.OK: 40}
    refused, others = server.log[:8], server.log[8:]
    assert others[0].at_s - refused[0].at_s >= 0.4
    # a round of refusals has halved what is under way at once
    assert sum(one.at_s - others[0].at_s < 0.001 for one in others) <= 4


def test_malformed_answers_of_one_item_are_its_own(tmp_path) -> None:
    faults = (Fault(kind="wrong_schema", contains="poison"),)
    questions = [asked("this one is poison"), *texts(77)]
    answers, breaker = ask_all(
        tmp_path,
        DrillServer(FaultScript(faults=faults)),
        questions,
        concurrency=1,
        breaker={"window": 4, "min_attempts": 2, "failure_rate": 0.5, "open_s": 60.0},
    )
    assert answers[0].reading.status is Status.REJECTED_OUTPUT
    assert statuses(answers[1:]) == {Status.OK: 77}
    assert breaker.opened == 0


def test_when_most_answers_are_malformed_the_circuit_opens(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="wrong_schema"),)))
    answers, breaker = ask_all(
        tmp_path,
        server,
        texts(200),
        concurrency=1,
        breaker={"wait_s": 0.0, "open_s": 60.0},
    )
    assert breaker.opened == 1
    assert len(server.log) <= 20
    # it is the service's fault: its questions are asked again later
    assert statuses(answers)[Status.DEFERRED] >= 180


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", share=0.5),
        Fault(kind="reset", share=0.4),
        Fault(kind="error", up_s=0.3, down_s=0.3),
        Fault(kind="error", end=40),
    ],
    ids=["half", "broken", "flapping", "burst"],
)
def test_where_a_service_answers_half_the_time_everything_is_answered(tmp_path, fault) -> None:
    server = DrillServer(FaultScript(faults=(fault,), median_ms=5))
    retries = {"attempts": 3, "backoff_s": 0.01, "backoff_max_s": 0.2}
    answers, _ = ask_all(tmp_path, server, texts(150), retries=retries, breaker={"open_s": 0.05})
    assert sum(bool(one.attempts) for one in answers) >= 0.99 * len(answers)
    unanswered = len(answers) - statuses(answers)[Status.OK]
    # a connection that breaks may have been billed: its attempts are limited by the policy
    assert unanswered <= (0.1 if fault.kind == "reset" else 0.01) * len(answers)


def test_a_service_that_stays_away_defers_what_is_left_after_one_wait(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    answers, breaker = ask_all(tmp_path, server, texts(300), breaker={"open_s": 0.1, "wait_s": 0.5})
    assert statuses(answers) == {Status.DEFERRED: 300}
    # the window, and the probes of one wait; the policy's share of retries is in the window
    assert len(server.log) <= 20 + breaker.opened
    assert breaker.opened >= 2
    assert "s failed too often" in str(answers[-1].reading.reason)


def test_few_questions_at_a_dead_service_are_let_go_with_the_others(tmp_path) -> None:
    """Fewer than a window, and with long pauses between retries: one wait is enough."""
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    answers, breaker = ask_all(
        tmp_path,
        server,
        texts(7),
        retries={"backoff_s": 0.01, "backoff_max_s": 3600.0},
        breaker={"open_s": 0.1, "wait_s": 0.5},
    )
    assert statuses(answers) == {Status.DEFERRED: 7}
    assert len(server.log) <= 20 + breaker.opened


def test_a_pause_longer_than_the_wait_defers_at_once(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="rate_limit", seconds=3600),)))
    answers, _ = ask_all(tmp_path, server, texts(40), breaker={"wait_s": 5.0})
    assert statuses(answers) == {Status.DEFERRED: 40}
    assert "asked to wait" in str(answers[-1].reading.reason)


def test_items_wait_then_go_to_the_fallback_then_are_deferred(tmp_path) -> None:
    down = FaultScript(faults=(Fault(kind="error"),))
    second = DrillServer(FaultScript())

    async def work(asker: Asker):
        first = await asyncio.gather(*(asker.ask("s", one, FOREVER) for one in texts(30)))
        second.script = down
        later = await asyncio.gather(*(asker.ask("s", one, FOREVER) for one in texts(30, "late")))
        return first, later

    with serving(DrillServer(down)) as url, serving(second) as other:
        services = {
            "s": ChatService("s", chat(url, fallbacks=["second"], timeouts=PATIENT)),
            "second": ChatService(
                "second",
                chat(other, timeouts=PATIENT, breaker={"open_s": 0.1, "wait_s": 0.2}),
            ),
        }
        first, later = run(tmp_path, services, work)
    assert statuses(first) == {Status.FALLBACK: 30}
    assert statuses(later) == {Status.DEFERRED: 30}
    assert "second is to answer instead" in str(later[-1].reading.reason)


def test_a_probe_that_is_answered_lets_the_service_be_used_again_bit_by_bit(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error", end=20),), median_ms=20))
    answers, breaker = ask_all(
        tmp_path, server, texts(100), concurrency=16, breaker={"open_s": 0.2}
    )
    assert statuses(answers) == {Status.OK: 100}
    assert breaker.opened >= 1
    # right after the probe, one or two at once
    back = next(n for n, one in enumerate(server.log) if one.status == 200)
    began = server.log[back].at_s
    assert sum(one.at_s < began + 0.03 for one in server.log[back:]) <= 3
