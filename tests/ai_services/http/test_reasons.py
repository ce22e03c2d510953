"""A service with ``explain`` gives a short reason, which becomes evidence and costs no answer."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.selection.expected_price import expected_usd
from orchestration_assets.text.content_excerpts import content_excerpt, quotes_in
from orchestration_assets.text.replies.answers import UnfitAnswerError, read_answer, reading_of
from orchestration_assets.text.replies.completions import Completion
from orchestration_assets.text.replies.stated_reasons import REASON_REQUEST
from resources.ai_services.http.chat import ChatService
from tests.ai_services.http.samples import LABELS, asked, chat
from tests.ai_services.http.serving import answering
from tests.ai_services.http.shapes import Right, Shape

TEXT = "The council met. The harbour bridge opens on 3 May, said the mayor."
KINDS = [
    LABELS,
    Task("text", "1", AnswerKind.TEXT),
    Task("set", "1", AnswerKind.SET),
    Task("score", "1", AnswerKind.SCORE, scale=(-1.0, 1.0)),
]


def ask(service: ChatService, task: Task = LABELS) -> Reading:
    async def once() -> Reading:
        try:
            return await service.ask(asked(TEXT, task))
        finally:
            await service.aclose()

    return asyncio.run(once())


def completion_body(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}


def replying(body: dict[str, Any]) -> Shape:
    return Shape("reply", LABELS, (json.dumps(body).encode(),), Right())


@pytest.mark.parametrize("task", KINDS, ids=lambda task: f"{task.kind}{len(task.labels)}")
@pytest.mark.parametrize("stream", [False, True])
def test_every_kind_of_answer_comes_with_a_reason_that_the_content_can_be_marked_by(
    drill, task, stream
) -> None:
    patient = {"connect_s": 10.0, "first_token_s": 10.0, "total_s": 10.0}
    given = {"prompt": {"user": "{{ content }}"}, "stream": stream, "timeouts": patient}
    reading = ask(ChatService("s", chat(drill.url, explain=True, **given)), task)
    assert reading.status is Status.OK
    assert reading.evidence == (
        "it says “The council met. The harbour bridge”; self-reported confidence"
    )
    marked = content_excerpt(TEXT, [], quotes_in(reading.evidence)).pieces[0]
    assert marked.marked and marked.text == "The council met. The harbour bridge"
    plain = ask(ChatService("s", chat(drill.url, **given)), task)
    assert plain.evidence == "self-reported confidence"


def test_the_request_asks_for_it_and_leaves_room_for_it() -> None:
    reply = replying(completion_body('{"answer": "red", "confidence": 0.7, "reason": "rust"}'))
    with answering(lambda *_: reply) as (url, served):
        for explain in (True, False):
            ask(ChatService("s", chat(f"{url}/v1", explain=explain)))
    with_reason, without = (json.loads(body) for _, body in served.requests)
    schema = with_reason["response_format"]["json_schema"]["schema"]
    assert schema["required"] == [*schema["properties"]] == ["answer", "confidence", "reason"]
    assert with_reason["messages"][-1]["content"].endswith(REASON_REQUEST)
    assert with_reason["max_tokens"] == without["max_tokens"] + 100
    # without it the request is what it was
    assert "reason" not in json.dumps(without)


def test_it_is_part_of_the_cache_key_and_of_every_price_and_not_when_it_is_off() -> None:
    url = "http://localhost/v1"
    plain, off, on = (
        ChatService("s", chat(url, **given))
        for given in ({}, {"explain": False}, {"explain": True})
    )
    question = asked(TEXT)
    assert plain.fingerprint == off.fingerprint != on.fingerprint
    assert answer_key(question, plain) != answer_key(question, on)
    assert on.cost_usd > plain.cost_usd
    assert expected_usd(on, 100.0) > expected_usd(plain, 100.0)
    assert on.prepare([question]).tokens_out_most == plain.prepare([question]).tokens_out_most + 100
    assert on.prepare([question]).tokens_estimated > plain.prepare([question]).tokens_estimated


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ('{"answer": "red", "confidence": 0.5, "reason": "a\\n b"}', "a b; self-reported"),
        ('{"answer": "red", "confidence": 0.5}', "self-reported confidence"),
        ('{"answer": "red", "confidence": 0.5, "reason": null}', "self-reported confidence"),
        ('{"answer": "red", "confidence": 0.5, "reason": 7}', "self-reported confidence"),
        ('{"answer": "red", "reason": ["a", 1, "b"]}', "a; b; no confidence stated"),
        ('{"reason": "x", "explanation": "y", "answer": "red"}', "x; no confidence stated"),
        ('{"answer": "red", "rationale": "y"}', "y; no confidence stated"),
        ("red", "no confidence stated"),
    ],
)
def test_a_reason_is_read_tolerantly_and_a_missing_one_is_no_failure(said, evidence) -> None:
    reading = read_answer(said, LABELS, explain=True)
    assert (reading.status, reading.answer) == (Status.OK, "red")
    assert reading.evidence is not None and reading.evidence.startswith(evidence)
    assert "x" not in (read_answer(said, LABELS).evidence or "")


def test_an_abstention_says_why() -> None:
    said = '{"answer": null, "confidence": null, "reason": "no colour is named"}'
    reading = read_answer(said, LABELS, explain=True)
    assert reading.reason == "the service declined to answer"
    assert reading.evidence == "no colour is named"


@pytest.mark.parametrize("explain", [False, True])
def test_an_answer_stands_where_only_its_reason_was_cut(explain) -> None:
    text = '{"answer": "red", "confidence": 0.7, "reason": "it says “rus'
    reading = reading_of(Completion(text=text, finish="length"), LABELS, explain=explain)
    assert (reading.status is Status.OK) == explain
    assert reading.answer == ("red" if explain else None)
    cut_before = reading_of(
        Completion(text='{"answer": "red", "conf', finish="length"), LABELS, explain=True
    )
    assert cut_before.status is Status.REJECTED_OUTPUT


def test_with_token_probabilities_the_reason_stays() -> None:
    pieces = [('{"answer": "', 0.0), ("red", -0.1), ('", "reason": "rust; ', 0.0), ('red"}', -9.0)]
    logprobs = {"content": [{"token": token, "logprob": value} for token, value in pieces]}
    text = "".join(token for token, _ in pieces)
    reading = reading_of(Completion(text=text, logprobs=logprobs), LABELS, explain=True)
    assert reading.confidence == pytest.approx(0.905, abs=1e-3)
    assert reading.evidence == "rust; red; confidence from token probabilities"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=2000),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    )
)
def test_whatever_stands_for_a_reason_the_answer_is_read(reason) -> None:
    said = json.dumps({"answer": "red", "confidence": 0.5, "reason": reason})
    try:
        reading = read_answer(said, LABELS, explain=True)
    except UnfitAnswerError:
        pytest.fail("a reason cost an answer")
    assert reading.answer == "red"
    assert reading.evidence is not None and len(reading.evidence) <= 430
    assert reading.evidence.isprintable()


def test_a_window_without_room_for_answer_and_reason_is_refused() -> None:
    policy = """
version: 2
services:
  model:
    type: openai_chat
    base_url: http://localhost/v1
    model: m
    prompt: {user: "{{ content }}"}
    explain: true
    max_output_tokens: 200
    context: {window_tokens: 256}
tasks:
  t: {question: Which?, labels: [a, b], default: {model: sequential, services: [model]}}
"""
    with pytest.raises(PolicyError, match="no room"):
        parse_policy(policy, "test")
