"""One contract for every adapter, over HTTP or embedded, and what each HTTP adapter adds."""

import asyncio
import json
from dataclasses import replace

import pytest

from orchestration_assets.schemas.answers import fits
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.services import EmbeddedConfig
from orchestration_assets.schemas.tool_use import TaskTools, ToolDeclaration
from orchestration_assets.services.pool import build_services
from orchestration_assets.text.replies.call_errors import (
    CallError,
    MalformedResponse,
    TimedOut,
    Unauthorised,
)
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import Reply
from tests.ai_services.http.samples import LABELS, VECTORS, asked, chat, embeddings
from tests.services.questions import PARAMETERS, TASK_OF, TASKS

SCORE = Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0))
TEXT = "# A title\n\nThe people said that the archive is a good and helpful place for everyone.\n"


def configs(url: str):
    prompt = {"user": "{{ content }}"}
    yield "label", chat(url), LABELS
    patient = {"connect_s": 10.0, "first_token_s": 10.0, "total_s": 10.0}
    yield "stream", chat(url, stream=True, timeouts=patient), LABELS
    yield "plain", chat(url, structured=False, prompt=prompt), Task("t", "1", AnswerKind.TEXT)
    yield "text", chat(url, prompt=prompt), Task("t", "1", AnswerKind.TEXT)
    yield "set", chat(url, prompt=prompt), Task("k", "1", AnswerKind.SET)
    yield "score", chat(url, prompt=prompt), SCORE
    yield "vector", embeddings(url), VECTORS
    for name, task in TASK_OF.items():
        if name != "semantic_embedding":
            given = {"implementation": name, "parameters": PARAMETERS.get(name, {})}
            yield name, EmbeddedConfig.model_validate(given), TASKS[task]


def test_every_adapter_keeps_one_contract(drill) -> None:
    async def check() -> None:
        for name, config, task in configs(drill.url):
            (service,) = build_services({name: config}).values()
            earlier = (("one", Reading(Status.OK, "A title", 0.9)),)
            question = asked(TEXT, task)
            question = type(question)(task, question.item, earlier)
            assert task.kind in service.kinds, name
            assert service.version and service.expected_ms > 0 and service.concurrency > 0
            assert service.cost_usd >= 0 and isinstance(service.reads, frozenset)
            assert isinstance(service.fingerprint, str)
            reading = await service.ask(question)
            assert reading.status in (Status.OK, Status.ABSTAINED), (name, reading)
            if reading.answer is not None:
                assert fits(reading.answer, task.kind), name
                assert reading.evidence
            assert await service.ask(question) == reading, name
            if hasattr(service, "aclose"):
                await service.aclose()

    asyncio.run(check())


def raised(config, *faults: Fault) -> CallError:
    server = DrillServer(FaultScript(faults=faults))
    with serving(server) as url:

        async def ask() -> None:
            service = build_services({"s": config(url)})["s"]
            try:
                await service.ask(asked("text", VECTORS if config is embeddings else LABELS))
            finally:
                await service.aclose()

        with pytest.raises(CallError) as caught:
            asyncio.run(ask())
    return caught.value


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error", "Unavailable"),
        ("rate_limit", "Unavailable"),
        ("reset", "ConnectionBroken"),
        ("truncated", "MalformedResponse"),
        ("unauthorised", "Unauthorised"),
        ("refused", "RequestRefused"),
    ],
)
@pytest.mark.parametrize("config", [chat, embeddings])
def test_each_fault_has_its_error(kind, error, config) -> None:
    found = raised(config, Fault(kind=kind, seconds=2.0))
    assert type(found).__name__ == error
    assert found.retry_after == (2.0 if kind == "rate_limit" else None)


def test_a_stream_that_says_nothing_in_time_is_given_up() -> None:
    def config(url):
        return chat(url, stream=True)

    assert isinstance(raised(config, Fault(kind="slow_body", seconds=5)), TimedOut)
    assert isinstance(raised(config, Fault(kind="hang")), TimedOut)
    assert isinstance(raised(config, Fault(kind="truncated")), MalformedResponse)


def test_nothing_listens() -> None:
    async def ask() -> None:
        service = ChatService("s", chat("http://127.0.0.1:9/v1"))
        try:
            await service.ask(asked("text"))
        finally:
            await service.aclose()

    with pytest.raises(CallError, match="connect"):
        asyncio.run(ask())


def test_the_key_comes_from_its_variable_and_is_in_no_error(drill, monkeypatch) -> None:
    service = ChatService("s", chat(drill.url, api_key_env="A_TEST_KEY"))
    with pytest.raises(Unauthorised, match="A_TEST_KEY is not set"):
        service.headers("")
    monkeypatch.setenv("A_TEST_KEY", "very-secret")
    assert service.headers("k")["authorization"] == "Bearer very-secret"
    assert "very-secret" not in service.config.model_dump_json() + service.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stream": True, "logprobs": True, "explain": True},
        {"structured": False, "parameters": {"top_p": 0.5, "stop": ['"messages": null']}},
        {"parameters": {"messages": [{"role": "user", "content": "always this"}]}},
    ],
)
def test_what_was_prepared_is_what_is_sent(monkeypatch, changes) -> None:
    """What stands around the messages is written once a task: it is left out of no request."""
    sent = []

    class Sent(Exception):
        """Nothing goes further."""

    async def post(path, body, headers):
        sent.append(json.loads(body))
        raise Sent

    def lines(path, body, headers):
        sent.append(json.loads(body))
        raise Sent

    declared = ToolDeclaration("look", "looks something up", '{"type": "object"}', "1")
    tools = TaskTools((declared,), 3, 10.0, 1000, None, 1, 100)
    service = ChatService("s", chat("http://localhost/v1", **changes))
    monkeypatch.setattr(service.transport, "post", post)
    monkeypatch.setattr(service.transport, "lines", lines)
    for task in (LABELS, SCORE, replace(LABELS, tools=tools), LABELS):
        first = service.prepare([asked('say "messages": null', task)])
        reply = Reply((Reading(Status.REJECTED_OUTPUT, reason="no"),), 1, 1, text="blau")
        for request in (first, service.repair_request(first, reply)):
            with pytest.raises(Sent):
                asyncio.run(service.send(request, ""))
            assert sent.pop() == request.body
            assert ("tools" in request.body) == (task.tools is not None)


def test_a_batch_keeps_its_order_and_its_vectors_apart(drill) -> None:
    texts = [f"the number {word} stands here" for word in "one two three four five".split()]

    async def ask():
        service = EmbeddingsService("s", embeddings(drill.url))
        together = await service.send(service.prepare([asked(t, VECTORS) for t in texts]), "")
        alone = [await service.ask(asked(t, VECTORS)) for t in texts]
        await service.aclose()
        return list(together.readings), alone

    together, alone = asyncio.run(ask())
    assert together == alone
    assert len({reading.answer for reading in together}) > 1


def test_what_an_answer_depends_on_changes_its_fingerprint_and_nothing_else_does() -> None:
    url = "http://localhost/v1"
    base = ChatService("s", chat(url)).fingerprint
    for same in ({"concurrency": 3}, {"retries": {"attempts": 9}}, {"price": {"call_usd": 1}}):
        assert ChatService("s", chat(url, **same)).fingerprint == base
    for other in (
        {"prompt": {"user": "{{ content }}!"}},
        {"parameters": {"temperature": 0}},
        {"max_output_tokens": 9},
        {"guard": {"redact": []}},
    ):
        assert ChatService("s", chat(url, **other)).fingerprint != base
    assert ChatService("s", chat("http://elsewhere/v1")).fingerprint == base
    assert ChatService("s", chat(url, model="m2")).version != ChatService("s", chat(url)).version


def test_a_prompt_reads_the_path_or_the_question_only_where_it_names_them() -> None:
    url = "http://localhost/v1"
    unrepaired = {"guard": {"repair": False}}
    assert ChatService("s", chat(url, **unrepaired)).reads == {"question"}
    plain = chat(url, prompt={"user": "{{ content }}"}, prompts={"t": {"user": "{{ path }}"}})
    # what it answered before may be held against it, where it is asked again at all
    assert ChatService("s", plain).reads == {"path", "objection"}


def test_logprobs_give_the_confidence_and_say_so() -> None:
    from resources.ai_services.http.chat import _reply

    pieces = [('{"answer": "', -9.0), ("red", -0.5), ('", "confidence": 0.9}', -9.0)]
    said = "".join(piece for piece, _ in pieces)
    tokens = [{"token": piece, "logprob": value} for piece, value in pieces]
    choice = {"message": {"content": said}, "logprobs": {"content": tokens}}
    (reading,) = _reply({"choices": [choice]}, LABELS).readings
    assert reading.confidence == pytest.approx(0.6065, abs=1e-4)
    assert reading.evidence == "confidence from token probabilities"
    assert json.loads(said)["confidence"] == 0.9
