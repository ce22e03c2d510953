"""OpenAI-compatible chat completions: one question a request, an answer under a JSON schema."""

import json
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

from orchestration_assets.extensions.kinds import OwnKindError, own_kind_problem
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import OBJECTION, Question, Reading, Task
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.text.json_bytes import json_bytes
from orchestration_assets.text.prompts.chat_messages import MESSAGE_TOKENS, chat_messages
from orchestration_assets.text.prompts.objections import objection_turns
from orchestration_assets.text.prompts.prompt_context import SentContent
from orchestration_assets.text.prompts.templates import (
    part_facts_named,
    uses_question,
    variables_in,
)
from orchestration_assets.text.prompts.tool_messages import (
    CALLS,
    calls_reading,
    tool_tokens,
    with_tools,
)
from orchestration_assets.text.replies.answers import is_repairable, reading_of, schema_for
from orchestration_assets.text.replies.call_errors import TimedOut
from orchestration_assets.text.replies.completions import StreamedCompletion, completion_in
from orchestration_assets.text.replies.event_stream import EventDecoder
from orchestration_assets.text.replies.response_facts import response_facts
from orchestration_assets.text.replies.stated_reasons import with_reason
from orchestration_assets.text.replies.token_usage import (
    tokens_estimated,
    tokens_read,
    tokens_written,
)
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService, Reply, Request
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout

_PATH: Final = "/chat/completions"
_MESSAGES: Final = "messages"
_NO_MESSAGES: Final = '"messages": null'
_MAX_FRAMES: Final = 64
_EMPTY_ANSWER: Final = "(no answer)"
"""Chat templates refuse turns without text."""
_SHOWN: Final = frozenset({"path", "neighbours", "answers", "passages", "memory"})
"""Variables of a prompt that hold what is no part of the content."""
_STREAM_STARTS: Final = (b"d", b"e", b":")
"""First bytes of a stream of events; a JSON object has none of them."""


class _Frame(NamedTuple):
    """What stands around the messages of all requests about one task, and its JSON."""

    task: Task
    body: dict[str, Any]
    before: bytes
    after: bytes


class ChatService(HttpService):
    """Asks a language model; the prompt is the policy's."""

    kinds: ClassVar[frozenset[AnswerKind]] = frozenset(AnswerKind) - {AnswerKind.VECTOR}
    config: ChatConfig

    def __init__(self, name: str, config: ChatConfig) -> None:
        prompts = (config.prompt, *config.prompts.values())
        named = {name for prompt in prompts for name in variables_in(prompt)}
        question = {"question"} if any(map(uses_question, prompts)) else set()
        again = {OBJECTION} if config.guard.repair else set()
        of_parts = {f"part.{fact}" for prompt in prompts for fact in part_facts_named(prompt)}
        self.reads = frozenset(named & _SHOWN | question | again | of_parts)
        super().__init__(name, config)
        # what stands around the messages of a request is the same for every item of a task
        self._frames: dict[int, _Frame] = {}

    def _shaping(self) -> dict[str, Any]:
        names = (
            "model parameters prompt prompts max_output_tokens structured logprobs guard context"
        )
        settings = self.config.model_dump(mode="json", include=set(names.split()))
        if self.config.max_output_name is None:
            # under another name it is the same limit; without one, answers may be longer
            settings["max_output_name"] = None
        if self.config.explain:
            settings["explain"] = True
        for shown in ("neighbours", "passages", "memory"):
            if shown not in self.reads:
                del settings["context"][f"{shown.removesuffix('s')}_tokens"]
        return settings

    def _most_output(self) -> int:
        return self.config.output_tokens

    def prepare(self, questions: Sequence[Question]) -> Request:
        (question,) = questions
        messages, sent = chat_messages(
            question, self.config, self.name, with_path="path" in self.reads
        )
        if question.objection is not None:
            turns = objection_turns(question.objection, self.config.guard.redact)
            messages, sent = [*messages, *turns], with_turns(sent, turns)
        body = self._body(messages, question.task)
        if question.task.tools is not None:
            body = with_tools(body, question)
            added = tool_tokens(question)
            sent = sent._replace(tokens_estimated=sent.tokens_estimated + added)
        return Request((question,), body, (sent,), self.config.output_tokens)

    def _body(self, messages: list[dict[str, str]], task: Task) -> dict[str, Any]:
        return {
            **self._frame(task).body,
            _MESSAGES: self.config.parameters.get(_MESSAGES, messages),
        }

    def _frame(self, task: Task) -> "_Frame":
        # by identity: to hash a task takes as long as to write its schema
        frame = self._frames.get(id(task))
        if frame is None or frame.task is not task:
            if len(self._frames) >= _MAX_FRAMES:
                self._frames.clear()
            body = self._without_messages(task)
            before, _, after = json.dumps(body).partition(_NO_MESSAGES)
            before = f"{before}{_NO_MESSAGES.removesuffix('null')}"
            frame = self._frames[id(task)] = _Frame(task, body, before.encode(), after.encode())
        return frame

    def _without_messages(self, task: Task) -> dict[str, Any]:
        config = self.config
        body: dict[str, Any] = {"model": config.model, _MESSAGES: None}
        if config.max_output_name is not None:
            body[config.max_output_name] = config.output_tokens
        if config.structured:
            asked = with_reason(schema_for(task)) if self._explains(task) else schema_for(task)
            schema = {"name": "answer", "strict": True, "schema": asked}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if config.logprobs:
            body["logprobs"] = True
        if config.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | {name: of for name, of in config.parameters.items() if name != _MESSAGES}

    def _explains(self, task: Task) -> bool:
        # why an answer does not stand is what it is asked for
        return self.config.explain or bool(task.checks)

    async def send(self, request: Request, key: str) -> Reply:
        task, headers = request.questions[0].task, self.headers(key)
        body = self._written(request, task)
        read = partial(_reply, task=task, explain=self._explains(task))
        if self.config.stream:
            return await self._streamed(body, headers, read)
        response = await self.transport.post(_PATH, body, headers)
        if _is_stream(response.data):
            # a stream although none was requested
            completion, decoder = StreamedCompletion(), EventDecoder()
            lines = (line.decode("utf-8", "replace") for line in response.data.splitlines())
            for events in (*map(decoder.feed, lines), decoder.finish()):
                completion.add_events(events, response.retry_after, time.time())
            return read(completion.as_body())
        return read(response.json())

    def _written(self, request: Request, task: Task) -> bytes:
        if task.tools is not None:
            # what may be called, and whether, differs from reply to reply
            return json_bytes(request.body)
        frame = self._frame(task)
        messages = json_bytes(request.body[_MESSAGES])
        return b"%b%b%b" % (frame.before, messages, frame.after)

    async def _streamed(
        self, body: bytes, headers: Mapping[str, str], read: Callable[[dict[str, Any]], Reply]
    ) -> Reply:
        """The first token has a time limit of its own, from the sending of the request on."""
        limit = self.config.timeouts.first_token_s
        began = time.perf_counter()
        first_ms: float | None = None
        completion, decoder = StreamedCompletion(), EventDecoder()
        try:
            with SteadyTimeout(limit) as waiting:
                async with self.transport.lines(_PATH, body, headers) as stream:
                    async for line in stream.lines:
                        events = decoder.feed(line)
                        has_output = completion.add_events(events, stream.retry_after, time.time())
                        if has_output and first_ms is None:
                            first_ms = (time.perf_counter() - began) * 1000
                            waiting.release()
                        if completion.ended:
                            break
                    else:
                        completion.add_events(decoder.finish(), stream.retry_after, time.time())
        except TimeoutError as error:
            raise TimedOut(f"no token within {limit:g} s") from error
        return read(completion.as_body())._replace(first_token_ms=first_ms)

    def repair_request(self, request: Request, reply: Reply) -> Request | None:
        if not reply.repairable:
            return None
        reading = reply.readings[0]
        problem = f"That does not fit: {reading.reason}. Answer again."
        turns = [
            {"role": "assistant", "content": reply.text or _EMPTY_ANSWER},
            {"role": "user", "content": problem},
        ]
        body = {**request.body, "messages": [*request.body["messages"], *turns]}
        return request._replace(body=body, sent=(with_turns(request.sent[0], turns),))


def _is_stream(data: bytes) -> bool:
    if data.startswith(b"{"):
        return False
    return data.lstrip().removeprefix(BOM_UTF8)[:1] in _STREAM_STARTS


def with_turns(sent: SentContent, turns: Sequence[Mapping[str, str]]) -> SentContent:
    """What was sent, with the tokens of further turns."""
    added = sum(token_estimate(turn["content"]) + MESSAGE_TOKENS for turn in turns)
    return sent._replace(tokens_estimated=sent.tokens_estimated + added)


def _held_to_kind(reading: Reading, task: Task) -> Reading:
    """Rejected where the kind of a plug-in refuses the answer, or breaks over it."""
    if reading.answer is None:
        return reading
    try:
        problem = own_kind_problem(reading.answer, task)
    except OwnKindError as error:
        problem = str(error)
    return reading if problem is None else Reading(Status.REJECTED_OUTPUT, reason=problem)


def _reply(body: Mapping[str, Any], task: Task, *, explain: bool = False) -> Reply:
    completion = completion_in(body)
    stated = tokens_written(body)
    reading = calls_reading(completion) if task.tools is not None else None
    if reading is None:
        reading = _held_to_kind(reading_of(completion, task, explain=explain), task)
        # what a model writes is never taken for calls
        reading = replace(reading, evidence=None) if reading.evidence == CALLS else reading
    return Reply(
        (reading,),
        tokens_read(body),
        tokens_estimated(completion.written) if stated is None else stated,
        text=completion.text if completion.text.strip() else completion.written,
        repairable=is_repairable(completion),
        tokens_out_stated=stated is not None,
        facts=response_facts(body, completion.finish),
    )
