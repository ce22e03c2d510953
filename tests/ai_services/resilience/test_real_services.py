"""What real services do beside answering: refuse one item, or everything, want money or a pause."""

import asyncio
import json
from typing import Any

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.services import ChatConfig
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import HttpService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http import shapes
from tests.ai_services.http.samples import asked, chat, embeddings
from tests.ai_services.http.serving import answering
from tests.ai_services.http.shapes import (
    LETTER,
    UNFIT,
    VECTOR,
    Shape,
    said,
    told,
)

PATIENT = {"connect_s": 20.0, "first_token_s": 20.0, "total_s": 20.0}
PLAIN = {"timeouts": PATIENT, "prompt": {"user": "{{ content }}"}}
NAMED = {shape.name: shape for shape in shapes.SHAPES}
FINE = NAMED["plain"]


def ask_all(folder, service: HttpService, count: int, task=LETTER) -> tuple[list[AskResult], Asker]:
    async def drive() -> tuple[list[AskResult], Asker]:
        async with Asker({"s": service}, AnswerCache(LmdbStore(folder / "answers"))) as asker:
            questions = [asked(f"text number {n:02}.", task) for n in range(count)]
            return await asyncio.gather(*(asker.ask("s", one) for one in questions)), asker

    return asyncio.run(drive())


def statuses(answers: list[AskResult]) -> list[Status]:
    return [one.reading.status for one in answers]


@pytest.mark.parametrize("name", ["forbidden", "openrouter_moderated", "azure_filtered"])
def test_one_item_that_a_service_will_not_read_is_that_item_s_failure(tmp_path, name) -> None:
    def choose(_: str, body: bytes) -> Shape:
        return NAMED[name] if b"number 03" in body else FINE

    with answering(choose) as (url, served):
        answers, asker = ask_all(tmp_path, ChatService("s", chat(f"{url}/v1", **PLAIN)), 12)
    assert [n for n, one in enumerate(statuses(answers)) if one is not Status.OK] == [3]
    assert asker.callers["s"].stopped is None
    assert "quarantined" in str(answers[3].reading.reason)
    assert len(served.requests) == 12


@pytest.mark.parametrize("name", ["unauthorised", "unpaid", "quota_as_429", "error_in_200_unpaid"])
def test_what_only_a_person_can_mend_stops_the_service(tmp_path, name) -> None:
    with answering(lambda *_: NAMED[name]) as (url, served):
        config = chat(f"{url}/v1", concurrency=2, **PLAIN)
        answers, asker = ask_all(tmp_path, ChatService("s", config), 20)
    assert "is stopped for this run: HTTP 4" in str(asker.callers["s"].stopped)
    assert set(statuses(answers)) == {Status.DEFERRED}
    # what was under way when the first one came
    assert len(served.requests) <= 2


def test_item_after_item_forbidden_stops_the_service(tmp_path) -> None:
    with answering(lambda *_: NAMED["forbidden"]) as (url, served):
        config = chat(f"{url}/v1", concurrency=1, **PLAIN)
        _, asker = ask_all(tmp_path, ChatService("s", config), 30)
    assert "HTTP 403" in str(asker.callers["s"].stopped)
    assert len(served.requests) == 5


def test_a_model_that_the_service_does_not_know_stops_it(tmp_path) -> None:
    unknown = Shape("unknown", LETTER, (b'{"error": "no such model"}',), FINE.right, False, 404)
    with answering(lambda *_: unknown) as (url, served):
        config = chat(f"{url}/v1", concurrency=1, **PLAIN)
        answers, asker = ask_all(tmp_path, ChatService("s", config), 30)
    assert "HTTP 404" in str(asker.callers["s"].stopped)
    assert len(served.requests) == 5
    assert statuses(answers).count(Status.DEFERRED) == 26


def test_items_that_are_moderated_never_stop_it(tmp_path) -> None:
    with answering(lambda *_: NAMED["openrouter_moderated"]) as (url, served):
        answers, asker = ask_all(tmp_path, ChatService("s", chat(f"{url}/v1", **PLAIN)), 12)
    assert asker.callers["s"].stopped is None
    assert len(served.requests) == 12
    assert set(statuses(answers)) == {Status.FAILED}


def vectors(body: bytes) -> Shape:
    texts = json.loads(body)["input"]
    data = [{"index": n, "embedding": [1.0, float(n)]} for n in range(len(texts))]
    return told("some", {"data": data[::-1]}, shapes.ok(None), VECTOR)


def test_one_forbidden_text_of_a_batch_is_found_and_the_others_answered(tmp_path) -> None:
    def choose(_: str, body: bytes) -> Shape:
        return NAMED["forbidden"] if b"number 05" in body else vectors(body)

    with answering(choose) as (url, _):
        config = embeddings(f"{url}/v1", batch_size=16, timeouts=PATIENT)
        answers, asker = ask_all(tmp_path, EmbeddingsService("s", config), 16, VECTOR)
    assert [n for n, one in enumerate(statuses(answers)) if one is not Status.OK] == [5]
    assert asker.callers["s"].stopped is None


def test_a_batch_that_is_forbidden_in_every_part_is_not_halved_to_its_end(tmp_path) -> None:
    with answering(lambda *_: NAMED["forbidden"]) as (url, served):
        config = embeddings(f"{url}/v1", batch_size=64, concurrency=1, timeouts=PATIENT)
        answers, asker = ask_all(tmp_path, EmbeddingsService("s", config), 64, VECTOR)
    assert "HTTP 403" in str(asker.callers["s"].stopped)
    assert Status.DEFERRED in set(statuses(answers)) <= {Status.FAILED, Status.DEFERRED}
    assert len(served.requests) < 16


@pytest.mark.parametrize("stream", [False, True])
def test_a_pause_that_is_asked_for_inside_200_is_kept_and_no_failure(tmp_path, stream) -> None:
    paused = NAMED["stream_error" if stream else "error_in_200_with_pause"]
    pause = Shape("p", LETTER, paused.parts, paused.right, stream, 200, (("Retry-After", "0.05"),))
    fine = NAMED["stream"] if stream else FINE
    count = 30
    seen: dict[bytes, int] = {}

    def choose(_: str, body: bytes) -> Shape:
        seen[body] = seen.get(body, 0) + 1
        return pause if seen[body] == 1 else fine

    with answering(choose) as (url, served):
        retries = {"backoff_s": 0.002, "backoff_max_s": 5.0, "budget": 2.0}
        config = chat(f"{url}/v1", retries=retries, concurrency=8, stream=stream, **PLAIN)
        answers, asker = ask_all(tmp_path, ChatService("s", config), count)
    assert set(statuses(answers)) == {Status.OK}
    # every second request was turned away, half of the window and more at the start
    assert asker.callers["s"].breaker.opened == 0
    assert len(served.requests) == 2 * count


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("filtered", 1),
        ("cut_object", 1),
        ("anthropic_refusal", 1),
        ("refusal", 1),
        ("not_a_label", 2),
        ("vllm_reasoning_only", 2),
        ("other_tool", 2),
    ],
)
def test_a_repair_is_paid_only_where_it_can_help(tmp_path, name, requests) -> None:
    with answering(lambda *_: NAMED[name]) as (url, served):
        answers, _ = ask_all(tmp_path, ChatService("s", chat(f"{url}/v1", **PLAIN)), 1)
    assert len(served.requests) == requests
    assert answers[0].reading.status is NAMED[name].right.status
    if requests == 2:
        turns = json.loads(served.requests[1][1])["messages"]
        # templates want turns that alternate and say something
        assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
        assert all(turn["content"].strip() for turn in turns)


def test_a_repair_that_is_cut_is_reported_as_what_it_was(tmp_path) -> None:
    came = iter([said("a", "nonsense", UNFIT), said("b", "{", UNFIT, finish="length")])
    with answering(lambda *_: next(came)) as (url, served):
        answers, _ = ask_all(tmp_path, ChatService("s", chat(f"{url}/v1", **PLAIN)), 1)
    assert len(served.requests) == 2
    assert "length" in str(answers[0].reading.reason)


def request_with(url_of, **settings: Any) -> tuple[dict[str, str], dict[str, Any], Any]:
    """The headers and the body that one question is sent with, and the reading."""
    with answering(lambda *_: FINE) as (url, served):
        base = url_of(f"{url}/v1")

        async def ask() -> Any:
            given = {"type": "openai_chat", "model": "m", **PLAIN, **base, **settings}
            service = ChatService("s", ChatConfig.model_validate(given))
            try:
                return await service.ask(asked("text", LETTER))
            finally:
                await service.aclose()

        reading = asyncio.run(ask())
    head, body = served.requests[0]
    lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line]
    return {name.lower(): value for name, value in lines}, json.loads(body), reading


def fixed(url: str) -> dict[str, str]:
    return {"base_url": url}


def test_headers_of_the_policy_and_of_the_environment_are_sent(monkeypatch) -> None:
    monkeypatch.setenv("THE_API_KEY", "very-secret\n")
    headers, _, reading = request_with(
        fixed, headers={"X-Team": "archive"}, header_env={"api-key": "THE_API_KEY"}
    )
    assert (headers["x-team"], headers["api-key"]) == ("archive", "very-secret")
    assert "authorization" not in headers
    assert reading.answer == "complaint"


def test_the_address_may_come_from_the_environment(monkeypatch) -> None:
    def named(url: str) -> dict[str, str]:
        monkeypatch.setenv("ORCHESTRATION_MODEL_URL", url + "/\n")
        return {"base_url_env": "ORCHESTRATION_MODEL_URL"}

    assert request_with(named)[2].answer == "complaint"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "ORCHESTRATION_MODEL_URL is not set"),
        ("ftp://x", "must start with http"),
        ("http://user:pw@host/v1", "holds a user or password"),
        ("http://:99999999/", "is no address"),
        ("http:///v1", "no host"),
    ],
)
def test_an_address_that_is_none_stops_the_service_in_words(
    tmp_path, monkeypatch, value, words
) -> None:
    monkeypatch.delenv("ORCHESTRATION_MODEL_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("ORCHESTRATION_MODEL_URL", value)
    config = chat("http://x/v1", **PLAIN).model_copy(
        update={"base_url": None, "base_url_env": "ORCHESTRATION_MODEL_URL"}
    )
    answers, asker = ask_all(tmp_path, ChatService("s", config), 3)
    assert words in str(asker.callers["s"].stopped)
    assert value is None or value not in str(asker.callers["s"].stopped)
    assert set(statuses(answers)) == {Status.DEFERRED}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", None])
def test_the_limit_of_an_answer_is_sent_under_its_name_or_not_at_all(name) -> None:
    _, body, _ = request_with(fixed, max_output_name=name, max_output_tokens=77)
    known = {one: body[one] for one in ("max_tokens", "max_completion_tokens") if one in body}
    assert known == ({name: 77} if name else {})


def test_every_member_of_the_schema_says_its_type() -> None:
    _, body, _ = request_with(fixed)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"] == {
        "type": ["string", "null"],
        "enum": ["invoice", "complaint", None],
    }


def test_vectors_out_of_order_and_of_another_length_keep_their_items(tmp_path) -> None:
    def choose(_: str, body: bytes) -> Shape:
        texts = json.loads(body)["input"]
        data = [{"index": n, "embedding": [1.0, float(n)]} for n in range(len(texts))]
        data[2]["embedding"] = [1.0, 2.0, 3.0]
        data[3]["embedding"] = [0.0, 0.0]
        return told("some", {"data": data[::-1]}, shapes.ok(None), VECTOR)

    with answering(choose) as (url, _):
        config = embeddings(f"{url}/v1", batch_size=6, timeouts=PATIENT)
        answers, _ = ask_all(tmp_path, EmbeddingsService("s", config), 6, VECTOR)
    readings = [one.reading for one in answers]
    assert [one.answer for one in readings] == [
        (1.0, 0.0), (1.0, 1.0), None, None, (1.0, 4.0), (1.0, 5.0)
    ]  # fmt: skip
    assert "3 components, 2 are expected" in str(readings[2].reason)
    assert "all zeros" in str(readings[3].reason)
