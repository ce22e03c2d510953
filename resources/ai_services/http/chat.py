"""OpenAI-compatible chat completions: one question a request, an answer under a JSON schema."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading, Task
from orchestration_assets.schemas.services import ChatConfig, Prompt
from resources.ai_services.http.answers import (
    UnfitAnswerError,
    confidence_from_logprobs,
    read_answer,
    schema_for,
)
from resources.ai_services.http.errors import Garbled, TimedOut
from resources.ai_services.http.prompts import PromptError, names_in, render, uses_question
from resources.ai_services.http.service import HttpService, Reply, Request, Sent, counted, parsed
from resources.ai_services.http.shown import Shown, show
from resources.ai_services.resilience.patience import Patience
from resources.ai_services.tokens import token_estimate

_PATH: Final = "/chat/completions"
_MESSAGE_TOKENS: Final = 8
"""What the frame around the messages of a request takes, about."""
_SAID_CHARS: Final = 2000


class ChatService(HttpService):
    """Asks a language model; the prompt is the policy's."""

    code_version: ClassVar[str] = "1"
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
        sent = Sent(tokens, share, part.left_out, redacted, part.markers)
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
            "max_tokens": config.max_output_tokens,
        }
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
        return _reply(parsed(await self.transport.post(_PATH, body, headers)), task)

    async def _streamed(self, body: bytes, headers: Mapping[str, str], task: Task) -> Reply:
        """The first token must come in its own time, from the sending of the request on."""
        limit = self.config.timeouts.first_token_s
        began = time.perf_counter()
        first_ms: float | None = None
        pieces = _Pieces()
        try:
            async with (
                Patience(limit) as waiting,
                self.transport.lines(_PATH, body, headers) as lines,
            ):
                async for event in _events(lines):
                    if pieces.add(event) and first_ms is None:
                        first_ms = (time.perf_counter() - began) * 1000
                        waiting.release()
        except TimeoutError as error:
            raise TimedOut(f"no token within {limit:g} s") from error
        return _reply(pieces.whole(), task)._replace(first_token_ms=first_ms)

    def repaired(self, request: Request, reply: Reply) -> Request | None:
        reading = reply.readings[0]
        problem = f"That does not fit: {reading.reason}. Answer again."
        turns = [
            {"role": "assistant", "content": reply.said[:_SAID_CHARS]},
            {"role": "user", "content": problem},
        ]
        body = {**request.body, "messages": [*request.body["messages"], *turns]}
        sent = request.sent[0]
        more = sum(token_estimate(turn["content"]) + _MESSAGE_TOKENS for turn in turns)
        tokens = sent.tokens_estimated + more
        return request._replace(body=body, sent=(sent._replace(tokens_estimated=tokens),))


def _rendered(prompt: Prompt, task: Task, part: Shown) -> tuple[str, str]:
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


def _size(part: Shown, system: str, user: str) -> int:
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


class _Pieces:
    """A streamed answer that is put together as its server-sent events arrive."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._tokens: list[Any] = []
        self._usage: Any = None
        self._finished: str | None = None

    def add(self, event: Mapping[str, Any]) -> bool:
        """Takes one event; tells whether it brought a piece of the text."""
        self._usage = event.get("usage") or self._usage
        brought = False
        for choice in event.get("choices") or ():
            self._finished = choice.get("finish_reason") or self._finished
            self._tokens += (choice.get("logprobs") or {}).get("content") or ()
            if piece := (choice.get("delta") or {}).get("content"):
                self._text.append(piece)
                brought = True
        return brought

    def whole(self) -> dict[str, Any]:
        """The answer as it would have come in one piece. Raises Garbled when its end is missing."""
        if self._finished is None:
            raise Garbled("the stream ended before the answer did")
        choice = {
            "message": {"content": "".join(self._text)},
            "finish_reason": self._finished,
            "logprobs": {"content": self._tokens} if self._tokens else None,
        }
        return {"choices": [choice], "usage": self._usage}


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Mapping[str, Any]]:
    async for line in lines:
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        yield parsed(data.encode())


def _reply(body: Mapping[str, Any], task: Task) -> Reply:
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        refusal = message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Garbled("the answer has no choices[0].message") from error
    if not isinstance(text, str):
        raise Garbled("choices[0].message.content is no text")
    reading = _reading(text, refusal, choice, task)
    return Reply(
        (reading,), counted(body, "prompt_tokens"), counted(body, "completion_tokens"), said=text
    )


def _reading(text: str, refusal: Any, choice: Mapping[str, Any], task: Task) -> Reading:
    if refusal:
        return Reading(Status.ABSTAINED, reason=f"the service refused: {str(refusal)[:200]}")
    try:
        reading = read_answer(text, task)
    except UnfitAnswerError as error:
        cut = "it was cut at max_output_tokens; " if choice.get("finish_reason") == "length" else ""
        return Reading(Status.REJECTED_OUTPUT, reason=f"{cut}{error}")
    tokens = (choice.get("logprobs") or {}).get("content")
    if not tokens or reading.status is not Status.OK:
        return reading
    sure = confidence_from_logprobs(tokens, shown(reading.answer) or "")
    return reading if sure is None else read_answer(text, task, sure)
