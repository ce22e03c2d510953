"""Whatever a service says about its usage, an answer costs something, and estimates are marked."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.replies.call_errors import (
    ConnectionBroken,
    MalformedResponse,
    TimedOut,
    Unavailable,
    Unreachable,
)
from resources.ai_services.http.chat import ChatService, _reply
from resources.ai_services.resilience.caller import Caller
from resources.ai_services.resilience.spend_budget import SpendBudget
from tests.ai_services.http.samples import LABELS, asked, chat

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
