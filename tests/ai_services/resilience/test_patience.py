"""Limits that stand still while the event loop is held up."""

import asyncio
import time

import pytest

from orchestration_assets.schemas.enums import Status
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout, steady_clock
from tests.ai_services.http.samples import asked, chat
from tests.processing.virtual_time import run_in_virtual_time


def test_a_limit_is_kept_where_nothing_holds_the_loop_up() -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError), SteadyTimeout(5.0):
            await asyncio.sleep(60.0)

    _, took = run_in_virtual_time(work())
    assert took == pytest.approx(5.0, abs=0.2)


def test_a_deadline_is_kept_and_a_limit_that_was_released_is_none() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError), SteadyTimeout(50.0, loop.time() + 2.0):
            await asyncio.sleep(60.0)
        with SteadyTimeout(1.0) as waiting:
            waiting.release()
            await asyncio.sleep(3.0)

    _, took = run_in_virtual_time(work())
    assert took == pytest.approx(5.0, abs=0.2)


def test_a_limit_that_is_far_off_leaves_nothing_behind_and_passes_on_what_others_cancel() -> None:
    async def work() -> int:
        async def limited(seconds: float) -> str:
            try:
                with SteadyTimeout(seconds):
                    await asyncio.sleep(60.0)
            except TimeoutError:
                return "late"
            return "done"

        tasks = [asyncio.ensure_future(limited(limit)) for limit in (7.0, 70.0, 90.0)]
        await asyncio.sleep(10.0)
        tasks[2].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert outcomes[:2] == ["late", "done"]
        assert isinstance(outcomes[2], asyncio.CancelledError)
        return len(steady_clock().later)

    left, took = run_in_virtual_time(work())
    assert left == 0
    assert took == pytest.approx(60.0, abs=0.2)


def test_the_clock_stands_still_while_the_loop_is_held_up() -> None:
    async def work() -> tuple[float, float]:
        clock = steady_clock()
        await asyncio.sleep(0.01)
        before = clock.time()
        time.sleep(0.5)
        held_up = clock.time() - before
        await asyncio.sleep(0.01)
        return held_up, clock.stalled_s

    held_up, stalled_s = asyncio.run(work())
    assert held_up <= 0.11
    assert stalled_s >= 0.35


def test_an_answer_that_lies_ready_is_no_late_answer() -> None:
    """Each call has half a second; the loop is held up for longer while they are under way."""
    server = DrillServer(FaultScript(median_ms=100))

    async def work(url: str):
        service = ChatService("c", chat(url, retries={"attempts": 1}))
        caller = Caller(service, SpendBudget())
        service.transport.open()
        calls = [
            asyncio.ensure_future(caller.call([asked(f"text {n}")], [str(n)], float("inf")))
            for n in range(12)
        ]
        for _ in range(3):
            await asyncio.sleep(0.02)
            time.sleep(0.6)
        found = await asyncio.gather(*calls)
        await service.aclose()
        return [one.reading.status for (one,) in found], caller.breaker.opened

    with serving(server) as url:
        statuses, opened = asyncio.run(work(url))
    assert statuses == [Status.OK] * 12
    assert opened == 0
    assert len(server.log) == 12


def test_what_one_question_breaks_in_preparation_is_its_own_failure(monkeypatch) -> None:
    real = ChatService.prepare

    def breaks(self, questions):
        if any("poison" in one.item.text for one in questions):
            raise ZeroDivisionError("what nobody foresaw")
        return real(self, questions)

    monkeypatch.setattr(ChatService, "prepare", breaks)

    async def work(url: str):
        service = ChatService("c", chat(url))
        caller = Caller(service, SpendBudget())
        found = [
            await caller.call([asked(text)], [text[:6]], float("inf"))
            for text in ("good one", "poison", "poison " * 9000, "good two")
        ]
        await service.aclose()
        return [(one.reading.status, one.reading.reason) for (one,) in found]

    with serving(DrillServer()) as url:
        first, second, third, fourth = asyncio.run(work(url))
    assert [first[0], fourth[0]] == [Status.OK] * 2
    for status, reason in (second, third):
        assert status is Status.FAILED
        assert "what nobody foresaw" in reason
