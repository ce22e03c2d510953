"""OpenAI-compatible chat completions: one question a request, an answer under a JSON schema."""

import json
import time
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Task
from orchestration_assets.schemas.services import ChatConfig, Prompt
from orchestration_assets.text.prompts.prompt_context import PromptContext, show
from orchestration_assets.text.prompts.templates import PromptError, names_in, render, uses_question
from orchestration_assets.text.replies.answers import can_be_mended, reading_of, schema_for
from orchestration_assets.text.replies.call_errors import TimedOut, error_event, error_in
from orchestration_assets.text.replies.completions import StreamedCompletion, said_in
from orchestration_assets.text.replies.event_stream import DONE, EventDecoder, ServerSentEvent
from orchestration_assets.text.replies.token_usage import tokens_read, tokens_written
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService, Reply, Request, SentContent, parsed
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout

_PATH: Final = "/chat/completions"
_MESSAGE_TOKENS: Final = 8
"""What the frame around the messages of a request takes, about."""
_NOTHING_SAID: Final = "(no answer)"
"""Templates want turns that alternate and say something."""
_STREAM_BEGINS: Final = (b"d", b"e", b":")
"""The first byte of a stream of events, which no JSON object has."""


class ChatService(HttpService):
    """Asks a language model; the prompt is the policy's."""

    kinds: ClassVar[frozenset[AnswerKind]] = frozenset(AnswerKind) - {AnswerKind.VECTOR}
    config: ChatConfig

    def __init__(self, name: str, config: ChatConfig) -> None:
        prompts = (config.prompt, *config.prompts.values())
        named = {name for one in prompts for name in names_in(one)}
        question = {"question"} if any(map(uses_question, prompts)) else set()
        self.reads = frozenset(named & {"path", "neighbours"} | question)
        super().__init__(name, config)

    def _shaping(self) -> dict[str, Any]:
        kept = {"model", "parameters", "prompt", "prompts", "max_output_tokens", "structured"}
        given = self.config.model_dump(mode="json", include={*kept, "logprobs", "guard", "context"})
        if self.config.max_output_name is None:
            # under another name it is the same limit; without one, answers may be longer
            given["max_output_name"] = None
        if "neighbours" not in self.reads:
            del given["context"]["neighbour_tokens"]
        return given

    def _most_output(self) -> int:
        return self.config.max_output_tokens

    def prepare(self, questions: Sequence[Question]) -> Request:
        (question,) = questions
        config, task = self.config, question.task
        prompt = config.prompts.get(task.name, config.prompt)
        room = config.context.window_tokens - config.max_output_tokens
        budget = min(config.context.content_tokens, room)
        part = show(
            question,
            config.guard.redact,
            budget,
            room,
            with_path="path" in self.reads,
            near_tokens=self._near_tokens(prompt),
        )
        system, user = _rendered(prompt, task, part)
        tokens = _size(part, system, user)
        while tokens > room:
            smaller = part.smaller(tokens - room)
            if smaller is None:
                raise PromptError(
                    f"the prompt of {self.name} takes {tokens} tokens without any content, and "
                    f"{room} fit: shorten it or raise context.window_tokens"
                )
            part = smaller
            system, user = _rendered(prompt, task, part)
            tokens = _size(part, system, user)
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": user})
        share, redacted = part.content.share, dict(sorted(part.redacted.items()))
        sent = SentContent(tokens, share, part.left_out, redacted, part.markers)
        body = self._body(messages, task)
        return Request((question,), body, (sent,), config.max_output_tokens)

    def _near_tokens(self, prompt: Prompt) -> int | None:
        """What near items may take; None where the prompt does not show them."""
        if "neighbours" not in self.reads or "neighbours" not in names_in(prompt):
            return None
        return self.config.context.neighbour_tokens

    def _body(self, messages: list[dict[str, str]], task: Task) -> dict[str, Any]:
        config = self.config
        body: dict[str, Any] = {
            "model": config.model,
            "messages": messages,
        }
        if config.max_output_name is not None:
            body[config.max_output_name] = config.max_output_tokens
        if config.structured:
            schema = {"name": "answer", "strict": True, "schema": schema_for(task)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if config.logprobs:
            body["logprobs"] = True
        if config.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body | config.parameters

    async def send(self, request: Request, key: str) -> Reply:
        body, headers = json.dumps(request.body).encode(), self.headers(key)
        task = request.questions[0].task
        if self.config.stream:
            return await self._streamed(body, headers, task)
        came = await self.transport.post(_PATH, body, headers)
        pieces = StreamedCompletion()
        if came.data.lstrip().removeprefix(BOM_UTF8)[:1] in _STREAM_BEGINS:
            # a stream that nobody asked for
            decoder = EventDecoder()
            for line in came.data.splitlines():
                _take(decoder.feed(line.decode("utf-8", "replace")), pieces, came.retry_after)
            _take(decoder.finish(), pieces, came.retry_after)
            return _reply(pieces.whole(), task)
        whole = parsed(came.data)
        if (error := error_in(whole, came.retry_after, time.time())) is not None:
            raise error
        return _reply(whole, task)

    async def _streamed(self, body: bytes, headers: Mapping[str, str], task: Task) -> Reply:
        """The first token must come in its own time, from the sending of the request on."""
        limit = self.config.timeouts.first_token_s
        began = time.perf_counter()
        first_ms: float | None = None
        pieces, decoder = StreamedCompletion(), EventDecoder()
        try:
            async with (
                SteadyTimeout(limit) as waiting,
                self.transport.lines(_PATH, body, headers) as lines,
            ):
                async for line in lines.arriving:
                    brought = _take(decoder.feed(line), pieces, lines.retry_after)
                    if brought and first_ms is None:
                        first_ms = (time.perf_counter() - began) * 1000
                        waiting.release()
                    if pieces.ended:
                        break
                else:
                    _take(decoder.finish(), pieces, lines.retry_after)
        except TimeoutError as error:
            raise TimedOut(f"no token within {limit:g} s") from error
        return _reply(pieces.whole(), task)._replace(first_token_ms=first_ms)

    def repaired(self, request: Request, reply: Reply) -> Request | None:
        if not reply.mendable:
            return None
        reading = reply.readings[0]
        problem = f"That does not fit: {reading.reason}. Answer again."
        turns = [
            {"role": "assistant", "content": reply.said or _NOTHING_SAID},
            {"role": "user", "content": problem},
        ]
        body = {**request.body, "messages": [*request.body["messages"], *turns]}
        sent = request.sent[0]
        more = sum(token_estimate(turn["content"]) + _MESSAGE_TOKENS for turn in turns)
        tokens = sent.tokens_estimated + more
        return request._replace(body=body, sent=(sent._replace(tokens_estimated=tokens),))


def _take(
    events: list[ServerSentEvent], pieces: StreamedCompletion, retry_after: str | None
) -> bool:
    """Adds events to the answer; tells whether they brought anything that the model wrote.

    Raises Garbled for what is no JSON, and the CallError that an event reports."""
    brought = False
    for event in events:
        if event.data == DONE:
            pieces.ended = True
            break
        body = parsed(event.data)
        if event.name == "error":
            raise error_event(body, retry_after, time.time())
        if (error := error_in(body, retry_after, time.time(), piece=not event.whole)) is not None:
            raise error
        brought = pieces.add(body) or brought
        pieces.ended = pieces.ended or event.whole
    return brought


def _rendered(prompt: Prompt, task: Task, part: PromptContext) -> tuple[str, str]:
    """System and user message. Raises PromptError."""
    values = {
        "task": task,
        "labels": task.labels,
        "scale": task.scale,
        "content": part.content.text,
        "earlier": part.earlier,
        "neighbours": part.neighbours,
        "path": part.path,
    }
    return render(prompt, values)


def _size(part: PromptContext, system: str, user: str) -> int:
    # the content is most of it, and its tokens are counted already
    text, frame = part.content.text, 2 * _MESSAGE_TOKENS
    around = user.replace(text, "", 1)
    if len(around) < len(user):
        return frame + part.content.tokens + token_estimate(around) + _tokens_of_system(system)
    # it stands in the other message, or not as it is
    return frame + token_estimate(user) + _tokens_of_system(system)


@lru_cache(maxsize=64)
def _tokens_of_system(text: str) -> int:
    """Mostly the same text for every item."""
    return token_estimate(text)


def _reply(body: Mapping[str, Any], task: Task) -> Reply:
    said = said_in(body)
    return Reply(
        (reading_of(said, task),),
        tokens_read(body),
        tokens_written(body, said.written),
        said=said.text if said.text.strip() else said.written,
        mendable=can_be_mended(said),
    )
