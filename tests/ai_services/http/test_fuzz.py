"""Whatever a service sends comes to a reading that can be stored, or to an error of its call."""

import asyncio
import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.text.replies.call_errors import CallError
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import HttpService
from tests.ai_services.http import shapes
from tests.ai_services.http.samples import asked, chat, embeddings
from tests.ai_services.http.serving import answering
from tests.ai_services.http.shapes import SHAPES, Right, Shape
from tests.ai_services.http.storing import stored
from tests.fuzzing import fuzz

TASKS = [shapes.LETTER, shapes.COLOUR, shapes.TAGS, shapes.WORDS, shapes.TONE, shapes.TITLE]
PATIENT = {"connect_s": 30.0, "first_token_s": 30.0, "total_s": 30.0}

# with halves of surrogate pairs: as part of one alphabet they would come up once in 100,000 signs
halves = st.sampled_from(["\ud83d", "\udc00", "a\ud83d"])
texts = st.lists(st.text(max_size=8) | halves, max_size=4).map("".join)
spoken = st.sampled_from(
    [shapes.COMPLAINT, shapes.INVOICE, "complaint", "<think>", "</think>", "0.5", '["urgent"]',
     '{"answer":"\\ud83d"}', '{"answer":', "```json\n", "```", '"answer"', "[DONE]", "[TOOL_CALLS]"]
)  # fmt: skip
words = texts | st.lists(spoken | texts, max_size=4).map("".join)
numbers = (
    st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, -1, 0, 401, 403, 429])
    | st.floats()
)
leaves = st.none() | st.booleans() | numbers | words
KEYS = [
    "choices", "message", "delta", "content", "index", "finish_reason", "logprobs", "token",
    "logprob", "tokens", "token_logprobs", "usage", "prompt_tokens", "completion_tokens",
    "total_tokens", "error", "code", "type", "text", "refusal", "tool_calls", "function", "name",
    "arguments", "function_call", "data", "embedding", "answer", "confidence", "reasoning_content",
    "metadata", "headers", "retry_after", "details", "errors", "detail", "object", "x_groq",
]  # fmt: skip
keys = st.sampled_from(KEYS) | texts
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
bodies = [json.loads(one.parts[0]) for one in shapes.PARTS if one.parts[0][:1] == b"{"] + [
    json.loads(one.parts[0])
    for group in (shapes.LOGPROBS, shapes.ERRORS, shapes.USAGES, shapes.VECTORS)
    for one in group
    if one.parts[0][:1] == b"{"
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with every key of it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in inside:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real body with something else in one or two of its places."""
    body = copy.deepcopy(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 2))):
        known = places(body)
        if not known:
            break
        holder, key = draw(st.sampled_from(known))
        holder[key] = draw(anything)
    return body


answers = texts | st.lists(texts | st.sampled_from(shapes.TAGS.labels), max_size=4) | anything
encoded = (mutated() | anything).map(json.dumps).map(lambda one: one.encode("utf-8"))
garbled = st.builds(
    lambda body, at, junk: body[: at % (len(body) + 1)] + junk + body[at % (len(body) + 1) + 3 :],
    encoded,
    st.integers(0, 10_000),
    st.binary(max_size=6),
)
data = encoded | garbled | st.binary(max_size=60)
ends = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"\n: x\n\n", b"\n\nevent: error\n"])
streams = st.lists(st.tuples(st.sampled_from([b"data: ", b"data:", b"", b"x: "]), data, ends)).map(
    lambda events: b"".join(part for event in events for part in event)
)
endings = st.sampled_from([b"", b"data: [DONE]\n\n", b"data: " + json.dumps(shapes.STOP).encode()])


class Asked:
    """One server and one loop for all examples."""

    def __init__(self) -> None:
        self.shape: Shape | None = None
        self.loop = asyncio.new_event_loop()
        self.services: dict[str, HttpService] = {}

    def open(self, url: str) -> None:
        base, prompt = f"{url}/v1", {"user": "{{ content }}"}
        self.services = {
            "chat": ChatService("c", chat(base, prompt=prompt, timeouts=PATIENT)),
            "stream": ChatService("s", chat(base, prompt=prompt, timeouts=PATIENT, stream=True)),
            "vectors": EmbeddingsService("v", embeddings(base, timeouts=PATIENT)),
        }

    def check(
        self, name: str, shape: Shape, questions: int = 1, *, well_formed: bool = False
    ) -> None:
        """``well_formed``: the body is what the protocol says, so that it comes to a reading."""
        self.shape = shape
        service = self.services[name]
        request = service.prepare([asked(f"Text {n}.", shape.task) for n in range(questions)])
        try:
            reply = self.loop.run_until_complete(service.send(request, "k"))
        except CallError as error:
            assert not well_formed, repr(error)
            str(error).encode()
            assert error.retry_after is None or 0.0 <= error.retry_after < float("inf")
            return
        assert len(reply.readings) == questions
        assert reply.tokens_out is not None
        assert reply.tokens_out > 0 or shape.task.kind is AnswerKind.VECTOR
        for reading in reply.readings:
            stored(reading, reply)
            if shape.task.labels and isinstance(reading.answer, str):
                assert reading.answer in shape.task.labels
        repaired = service.repair_request(request, reply)
        if repaired is not None:
            json.dumps(repaired.body, ensure_ascii=False).encode()

    def close(self) -> None:
        for service in self.services.values():
            self.loop.run_until_complete(service.aclose())
        self.loop.close()


@pytest.fixture(scope="module")
def service():
    one = Asked()
    with answering(lambda path, body: one.shape) as (url, _):
        one.open(url)
        yield one
        one.close()


def shape(parts: tuple[bytes, ...], task: Any, status: int = 200, encoding: str = "") -> Shape:
    headers = (("Content-Encoding", encoding),) if encoding else ()
    return Shape("fuzz", task, parts, Right(), stream=True, http_status=status, headers=headers)


@fuzz
@given(data, st.sampled_from(TASKS), st.sampled_from([200] * 9 + [400, 403, 429, 500]))
def test_any_body(service, body, task, status) -> None:
    service.check("chat", shape((body,), task, status))


@fuzz
@given(words, st.sampled_from(TASKS), st.sampled_from(["stop", "length", "content_filter", None]))
def test_any_words(service, said, task, finish) -> None:
    body = shapes.body(shapes.completion(said, finish))
    service.check("chat", shape(body, task), well_formed=True)


@fuzz
@given(answers, anything, anything, st.sampled_from(TASKS))
def test_any_answer_usage_and_logprobs(service, answer, usage, logprobs, task) -> None:
    said = json.dumps({"answer": answer, "confidence": usage})
    body = shapes.completion(said, usage=usage, logprobs=logprobs)
    service.check("chat", shape(shapes.body(body), task), well_formed=True)


@fuzz
@given(streams, endings, st.randoms(use_true_random=False), st.sampled_from(TASKS))
def test_any_stream(service, body, ending, chance: random.Random, task) -> None:
    whole = body + ending
    borders = sorted(chance.sample(range(len(whole) + 1), min(3, len(whole))))
    parts = [whole[a:b] for a, b in zip([0, *borders], [*borders, len(whole)], strict=True)]
    # an empty part would end a body that comes in parts
    parts = [one for one in parts if one] or [b""]
    service.check("stream", shape(tuple(parts), task))


@fuzz
@given(st.binary(max_size=80), st.sampled_from(["", "gzip", "deflate", "gzip, deflate", "br", "x"]))
def test_any_encoding(service, body, encoding) -> None:
    service.check("chat", shape((body,), shapes.LETTER, encoding=encoding))
    service.check("stream", shape((b"\x1f\x8b" + body,), shapes.LETTER, encoding=encoding))


components = st.lists(st.floats() | st.integers() | leaves, max_size=4)


@fuzz
@given(
    st.lists(st.tuples(anything | st.integers(0, 2), components | anything), max_size=4) | anything,
    anything,
)
def test_any_vectors(service, given_vectors, usage) -> None:
    rows = given_vectors
    if isinstance(rows, list) and all(isinstance(one, tuple) for one in rows):
        rows = [{"index": index, "embedding": vector} for index, vector in rows]
    body = json.dumps({"data": rows, "usage": usage}).encode()
    service.check("vectors", shape((body,), shapes.VECTOR), questions=2)


def test_every_shape_is_survived_in_the_other_mode(service) -> None:
    for number, one in enumerate(SHAPES):
        if one.name != "gzip_bomb":
            name = "chat" if one.stream else "stream"
            service.check(name, shape(one.parts, TASKS[number % len(TASKS)]))
