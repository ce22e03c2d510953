"""Whatever a service says about its usage, an answer costs something, and estimates are marked."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.text.replies.call_errors import (
    ConnectionBroken,
    MalformedResponse,
    TimedOut,
    Unavailable,
    Unreachable,
    error_from_status,
)
from resources.ai_services.http.chat import ChatService, _reply
from resources.ai_services.http.service import Reply
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from tests.ai_services.http.samples import LABELS, asked, chat
from tests.ai_services.http.serving import answering
from tests.ai_services.http.shapes import Right, Shape

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(plain, lambda one: st.lists(one, max_size=2) | st.dictionaries(
    st.text(max_size=5), one, max_size=2), max_leaves=4)  # fmt: skip
usages = st.dictionaries(
    st.sampled_from(
        ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"]
    ),
    anything,
)
stated = st.integers(1, 10**6)


def charged(usage: Any):
    service = ChatService("s", chat("http://127.0.0.1:1"))
    caller = Caller(service, SpendBudget())
    request = service.prepare([asked("a text about a colour")])
    message = {"message": {"content": '{"answer": "red", "confidence": 0.9}'}}
    reply = _reply({"choices": [message], "usage": usage}, LABELS)
    return caller._charge(request, caller._quote(request), reply), caller._quote(request)


@given(anything | usages)
def test_no_usage_makes_an_answer_free_or_raises(usage) -> None:
    charge, _ = charged(usage)
    assert charge.usd > 0.0
    assert charge.tokens_out is not None and charge.tokens_out >= 1
    assert charge.estimated or charge.tokens_in is not None


@given(stated, stated, st.sampled_from([int, float, str]))
def test_counts_are_billed_as_numbers_and_as_text(tokens_in, tokens_out, kind) -> None:
    charge, _ = charged({"prompt_tokens": kind(tokens_in), "completion_tokens": kind(tokens_out)})
    price = chat("http://127.0.0.1:1").price
    assert charge.usd == price.of(tokens_in, tokens_out)
    assert not charge.estimated


@given(stated, stated)
def test_what_is_missing_follows_from_the_total(tokens_in, tokens_out) -> None:
    total = tokens_in + tokens_out
    whole, _ = charged({"prompt_tokens": tokens_in, "completion_tokens": tokens_out})
    for part in ({"prompt_tokens": tokens_in}, {"completion_tokens": tokens_out}):
        assert charged({**part, "total_tokens": total})[0].usd == whole.usd


def test_partial_and_missing_usage_is_estimated_and_says_so() -> None:
    assert charged({"prompt_tokens": 50})[0].estimated
    assert charged({"completion_tokens": 5})[0].estimated
    assert charged(None)[0].estimated


def test_attempts_without_an_answer_count_at_their_estimate_where_they_may_be_billed() -> None:
    service = ChatService("s", chat("http://127.0.0.1:1"))
    caller = Caller(service, SpendBudget())
    request = service.prepare([asked("a text about a colour")])
    quote = caller._quote(request)
    for error in (TimedOut("late"), ConnectionBroken("cut"), MalformedResponse("half")):
        charge = caller._charge(request, quote, error)
        assert (charge.usd, charge.estimated) == (quote.expected_usd, True)
    for error in (Unreachable("away"), Unavailable("busy")):
        assert caller._charge(request, quote, error).usd == 0.0


USAGE = {"prompt_tokens": 1000, "completion_tokens": 500}
HALF = {"choices": [{"index": 0, "delta": {"content": "half of an ans"}}]}


def events(*bodies: Any) -> bytes:
    return "".join(f"data: {json.dumps(body)}\n\n" for body in bodies).encode()


def failing(served: Any, status: int = 200, **config: Any):
    """One question at a service that always fails so: its attempts, what it cost, its price."""
    body = served if isinstance(served, bytes) else json.dumps(served).encode()
    kind = "text/event-stream" if isinstance(served, bytes) else "application/json"

    async def work(url: str):
        breaker = {"open_s": 0.05, "wait_s": 1.0}
        service = ChatService("s", chat(f"{url}/v1", breaker=breaker, **config))
        budget = SpendBudget()
        caller = Caller(service, budget)
        quote = caller._quote(service.prepare([asked("a text")]))
        ends = asyncio.get_running_loop().time() + 20.0
        ((_, attempts, _),) = await caller.call([asked("a text")], ["key"], ends)
        await service.aclose()
        assert budget.spent_usd == pytest.approx(sum(one.cost_usd for one in attempts))
        return attempts, budget, quote, service.config.price

    headers = (("Content-Type", kind),)
    shape = Shape("s", LABELS, (body,), Right(), headers=headers, http_status=status)
    with answering(lambda path, request: shape) as (url, _):
        return asyncio.run(work(url))


@pytest.mark.parametrize("finish", ["error", "abort", "network_error"])
def test_an_answer_that_the_service_gave_up_costs_what_it_states(finish) -> None:
    choice = {"message": {"content": "half of an ans"}, "finish_reason": finish}
    attempts, budget, _, price = failing({"choices": [choice], "usage": USAGE})
    # no more of them than the policy allows
    assert len(attempts) == 3
    assert budget.spent_usd == pytest.approx(3 * price.of(1000, 500))
    assert budget.at_risk_usd == 0.0
    assert not any(one.cost_estimated for one in attempts)


@pytest.mark.parametrize(
    ("served", "status", "stream"),
    [
        ({"choices": [{"message": {"content": "h"}, "finish_reason": "error"}]}, 200, False),
        ({"error": {"message": "engine died"}}, 200, False),
        (events(HALF, {"error": {"message": "engine died"}}), 200, True),
        (events(HALF) + b'event: error\ndata: {"message": "engine died"}\n\n', 200, True),
        ({"error": {"message": "bad gateway"}}, 502, False),
        ({"error": {"message": "gateway timeout"}}, 504, False),
    ],
    ids=["finish", "error in 200", "error in mid-stream", "event", "502", "504"],
)
def test_a_failure_whose_work_may_be_billed_counts_and_is_not_repeated_at_will(
    served, status, stream
) -> None:
    attempts, budget, quote, _ = failing(served, status, stream=stream)
    assert len(attempts) == 3
    assert budget.spent_usd == pytest.approx(3 * quote.expected_usd)
    assert all(one.cost_estimated for one in attempts)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_a_service_refuses_at_the_door_costs_nothing(status) -> None:
    error = error_from_status(status, None, b"", 0.0)
    assert not error.billable
    assert not error.maybe_billed


def test_a_rate_limit_inside_success_costs_nothing() -> None:
    attempts, budget, _, _ = failing({"error": {"code": 429, "message": "too many requests"}})
    assert attempts
    assert budget.spent_usd == budget.at_risk_usd == 0.0


@pytest.mark.parametrize(
    ("readings", "status"),
    [
        ([Status.REJECTED_OUTPUT, Status.OK], Status.OK),
        ([Status.REJECTED_OUTPUT, Status.ABSTAINED], Status.ABSTAINED),
        ([Status.ABSTAINED, Status.OK], Status.OK),
        ([Status.OK, Status.REJECTED_OUTPUT], Status.OK),
        ([Status.REJECTED_OUTPUT, Status.REJECTED_OUTPUT], Status.REJECTED_OUTPUT),
    ],
)
def test_a_batch_counts_as_answered_where_any_of_its_questions_is(readings, status) -> None:
    service = ChatService("s", chat("http://127.0.0.1:1"))
    caller = Caller(service, SpendBudget())
    request = service.prepare([asked("a text about a colour")])
    given = (Reading(one, "red" if one is Status.OK else None) for one in readings)
    reply = Reply(tuple(given), 10, 5)
    assert caller._charge(request, caller._quote(request), reply).status == status
