"""Requests that are asked for at once: all are made, in their order, and none holds up the rest."""

import asyncio

import pytest

from resources.ai_services.resilience import preparation
from resources.ai_services.resilience.preparation import Preparation
from tests.ai_services.http.samples import asked


@pytest.mark.parametrize("chars", [1, 1000])
def test_one_that_breaks_or_is_wanted_no_more_leaves_the_others_as_they_are(
    chars, monkeypatch
) -> None:
    monkeypatch.setattr(preparation, "_ROUND_CHARS", chars)
    made: list[str] = []

    def prepare(questions):
        (question,) = questions
        made.append(question.item.text)
        if question.item.text == "broken":
            raise ZeroDivisionError("what nobody foresaw")
        if question.item.text == "ended":
            # a future refuses it: whoever asked would wait for ever
            raise StopIteration
        return question.item.text

    async def work():
        preparing = Preparation(prepare)
        texts = ("first", "broken", "cancelled", "ended", "last")
        tasks = [asyncio.ensure_future(preparing.request([asked(text)])) for text in texts]
        await asyncio.sleep(0)
        if chars == 1:
            # only the first was made at once
            tasks[2].cancel()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30.0)

    first, broken, cancelled, ended, last = asyncio.run(work())
    assert (first, last) == ("first", "last")
    assert isinstance(broken, ZeroDivisionError)
    assert isinstance(cancelled, asyncio.CancelledError) or chars > 1
    assert isinstance(ended, RuntimeError)
    kept = ["cancelled"] if chars > 1 else []
    assert made == ["first", "broken", *kept, "ended", "last"]


@pytest.mark.parametrize("chars", [1, 400])
def test_the_event_loop_goes_on_after_so_many_characters(chars, monkeypatch) -> None:
    monkeypatch.setattr(preparation, "_ROUND_CHARS", 1000)
    order: list[str] = []

    async def work() -> None:
        def prepare(questions):
            if not order:
                # as an answer that arrives while requests are prepared
                asyncio.get_running_loop().call_soon(order.append, "answer")
            order.append("request")
            return questions[0]

        preparing = Preparation(prepare)
        await asyncio.gather(*(preparing.request([asked("a" * chars)]) for _ in range(10)))

    asyncio.run(work())
    assert order.count("request") == 10
    assert order.index("answer") == (10 if chars == 1 else 3)
