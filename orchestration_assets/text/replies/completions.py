"""Reads chat completions, whole or streamed, in the shapes that servers send.

Only the text for the user is the answer; reasoning beside it is kept apart.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.call_errors import (
    MalformedResponse,
    Unavailable,
    error_from_event,
    error_in_body,
    json_object,
)
from orchestration_assets.text.replies.event_stream import DONE, ServerSentEvent

TRUNCATED: Final = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
FILTERED: Final = frozenset(
    {
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "sensitive",
    }
)
REFUSAL: Final = "refusal"
_FAILURES: Final = frozenset({"error", "abort", "network_error", "insufficient_system_resource"})
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
_BESIDE_CONTENT: Final = ("refusal", "tool_calls", "function_call", *_REASONING)
_REASONING_PARTS: Final = frozenset(
    {"thinking", "reasoning", "redacted_thinking", "reasoning_content"}
)
_CALL_PARTS: Final = frozenset({"tool_use", "tool_call", "function_call", "function"})
_MOST_PARTS: Final = 10_000


@dataclass(frozen=True)
class ToolCall:
    """A tool call: the tool's name, and its arguments as JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Completion:
    """One answer of a model.

    ``text`` is for the user, ``reasoning`` comes beside it, ``finish`` is the finish reason in
    lower case, empty when none is given; ``logprobs`` are as the service sent them.
    """

    text: str
    refusal: str = ""
    finish: str = ""
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    logprobs: Any = None

    @property
    def written(self) -> str:
        """All text that the model wrote, for an estimate of its tokens."""
        calls = (part for call in self.calls for part in (call.name, call.arguments))
        return " ".join((self.reasoning, self.text, self.refusal, *calls)).strip()


def completion_in(body: Mapping[str, Any]) -> Completion:
    """The first choice of a completion.

    Raises MalformedResponse when there is none, Unavailable when generation failed."""
    choice = _first_choice(body.get("choices"))
    message = choice.get("message")
    if message is None:
        message = choice.get("delta")
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if not isinstance(message, dict):
        raise MalformedResponse("the answer has no choices[0].message")
    finish = choice.get("finish_reason") or choice.get("stop_reason")
    finish = whole_text(finish[:100].lower()) if isinstance(finish, str) else ""
    if finish in _FAILURES:
        error = Unavailable(f"the service gave up on the answer: finish_reason {finish}")
        error.bill(body)
        raise error
    content = message.get("content")
    if isinstance(content, str) and not any(map(message.get, _BESIDE_CONTENT)):
        return Completion(whole_text(content), finish=finish, logprobs=choice.get("logprobs"))
    parts = _MessageParts()
    parts.add_content(content)
    refusal = message.get("refusal")
    if refusal:
        parts.refusals.append(refusal if isinstance(refusal, str) else "no reason given")
    parts.reasoning += _reasoning(message)
    calls = message.get("tool_calls")
    for call in [*_as_list(calls), message.get("function_call")]:
        parts.add_call(call)
    return Completion(
        whole_text("".join(parts.texts)),
        whole_text(" ".join(parts.refusals)).strip(),
        finish,
        tuple(parts.calls),
        whole_text("".join(parts.reasoning)),
        choice.get("logprobs"),
    )


def _reasoning(message: Mapping[str, Any]) -> list[str]:
    """The reasoning beside the answer; some servers send it under two names."""
    for name in _REASONING:
        text = message.get(name)
        if isinstance(text, str) and text:
            return [text]
    return []


def _first_choice(choices: Any) -> Mapping[str, Any]:
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        return choices[0]
    listed = [choice for choice in _as_list(choices) if isinstance(choice, dict)]
    if not listed:
        raise MalformedResponse("the answer has no choices[0].message")
    return min(listed, key=_choice_index)


def _choice_index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if type(index) is int else 0


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    return value[:_MOST_PARTS] if isinstance(value, list) else []


class _MessageParts:
    """The content of one message, sorted by kind of part."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasoning: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[ToolCall] = []

    def add_content(self, content: Any) -> None:
        """Raises MalformedResponse for content that is neither text, parts nor an answer."""
        if content is None:
            return
        if isinstance(content, str):
            self.texts.append(content)
        elif isinstance(content, list):
            for part in content[:_MOST_PARTS]:
                self._add_part(part)
        elif isinstance(content, dict) and "answer" in content:
            # a server that has parsed the answer already
            self.texts.append(_as_json(content))
        elif isinstance(content, dict) and isinstance(content.get("parts"), list):
            self.add_content(content["parts"])
        elif isinstance(content, dict) and ("text" in content or "type" in content):
            self._add_part(content)
        else:
            raise MalformedResponse("choices[0].message.content is no text")

    def _add_part(self, part: Any) -> None:
        if isinstance(part, str):
            self.texts.append(part)
        if not isinstance(part, dict):
            return
        kind = part.get("type")
        if (isinstance(kind, str) and kind in _REASONING_PARTS) or part.get("thought") is True:
            self.reasoning += _reasoning_texts(part)
        elif isinstance(kind, str) and kind in _CALL_PARTS:
            self.add_call(part)
        elif isinstance(refusal := part.get("refusal"), str):
            self.refusals.append(refusal)
        else:
            text = part.get("text")
            text = text.get("value") if isinstance(text, dict) else text
            if isinstance(text, str):
                self.texts.append(text)

    def add_call(self, given: Any) -> None:
        """Adds a tool call in any of its shapes; anything else is ignored."""
        if not isinstance(given, dict):
            return
        function = given.get("function")
        inner = function if isinstance(function, dict) else given
        name = inner.get("name")
        named = isinstance(name, str) and bool(name.strip())
        # a call of what takes no arguments has none, an empty text or an empty object
        arguments: Any = next(
            (inner[key] for key in ("arguments", "input", "parameters") if inner.get(key)),
            {} if named and inner is function else None,
        )
        if isinstance(arguments, dict):
            arguments = _as_json(arguments)
        if isinstance(arguments, str):
            known = whole_text(name[:100]) if isinstance(name, str) else ""
            self.calls.append(ToolCall(known, whole_text(arguments)))


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise MalformedResponse("the answer is nested too deep") from error


def _reasoning_texts(part: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a reasoning part: one, or a list of them."""
    for name in ("thinking", "reasoning", "text", "summary"):
        for value in _as_list([part.get(name)]):
            for inner in value[:_MOST_PARTS] if isinstance(value, list) else [value]:
                text = inner.get("text") if isinstance(inner, dict) else inner
                if isinstance(text, str):
                    yield text


class StreamedCompletion:
    """Puts a streamed answer together from its events."""

    def __init__(self) -> None:
        self._choices: dict[int, _StreamedChoice] = {}
        self._usage: dict[str, Any] = {}
        self._stated: dict[str, str] = {}
        self.ended = False
        """Whether the stream announced its end."""

    def add_events(
        self, events: Iterable[ServerSentEvent], retry_after: str | None, now: float
    ) -> bool:
        """Adds events; returns whether they held anything that the model wrote.

        Raises MalformedResponse for an event that is not JSON, and the CallError that one reports.
        """
        has_output = False
        for event in events:
            if event.data == DONE:
                self.ended = True
                break
            body = json_object(event.data)
            if event.name == "error":
                raise error_from_event(body, retry_after, now)
            error = error_in_body(body, retry_after, now, streamed=not event.whole)
            if error is not None:
                raise error
            has_output = self._add_event(body) or has_output
            self.ended = self.ended or event.whole
        return has_output

    def _add_event(self, event: Mapping[str, Any]) -> bool:
        # a later event without usage does not clear it
        if isinstance(found := event.get("usage"), dict) and found:
            self._usage["usage"] = found
        if isinstance(found := event.get("x_groq"), dict) and "usage" in found:
            self._usage["x_groq"] = found
        for name in ("id", "model"):
            if isinstance(found := event.get(name), str) and found:
                self._stated.setdefault(name, found)
        has_output = False
        for given in _as_list(event.get("choices")):
            if isinstance(given, dict):
                choice = self._choices.setdefault(_choice_index(given), _StreamedChoice())
                has_output = choice.add_event(given) or has_output
        return has_output

    def as_body(self) -> dict[str, Any]:
        """The same answer's body without streaming. Raises MalformedResponse when it is cut off."""
        if not self._choices:
            raise MalformedResponse("the stream held no answer")
        index = min(self._choices)
        choice = self._choices[index]
        if choice.finish is None and not self.ended:
            raise MalformedResponse("the stream ended before the answer did")
        return {"choices": [choice.as_body()], **self._usage, **self._stated}


class _StreamedChoice:
    def __init__(self) -> None:
        self.finish: Any = None
        self._content: list[Any] = []
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[Any, dict[str, Any]] = {}
        self._tokens: list[Any] = []
        self._message: dict[str, Any] | None = None

    def add_event(self, choice: Mapping[str, Any]) -> bool:
        self.finish = choice.get("finish_reason") or self.finish
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(tokens, list):
            self._tokens += tokens
        if isinstance(message := choice.get("message"), dict):
            # the complete message, after its deltas or instead of them
            self._message = message
            return True
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            text = choice.get("text")
            delta = {"content": text} if isinstance(text, str) else {}
        before = self._size()
        content = delta.get("content")
        if content and isinstance(content, str | list | dict):
            self._content += content if isinstance(content, list) else [content]
        if isinstance(refusal := delta.get("refusal"), str):
            self._refusal += [refusal] if refusal else []
        self._reasoning += _reasoning(delta)
        for call in _as_list(delta.get("tool_calls")):
            self._call(call)
        if isinstance(call := delta.get("function_call"), dict):
            self._call({"index": "function_call", "function": call})
        return self._size() > before

    def _size(self) -> int:
        return (
            len(self._content)
            + len(self._refusal)
            + len(self._reasoning)
            + sum(len(call["arguments"]) + 1 for call in self._calls.values())
        )

    def _call(self, piece: Any) -> None:
        """Adds a call that comes whole, or its name first and its arguments in pieces."""
        function = piece.get("function") if isinstance(piece, dict) else None
        if not isinstance(function, dict):
            return
        index, name = piece.get("index"), function.get("name")
        if not isinstance(index, int | str):
            # without a number, a name begins another call
            index = f"call {len(self._calls) - (0 if name or not self._calls else 1)}"
        call = self._calls.setdefault(index, {"name": "", "arguments": []})
        if isinstance(name, str) and name:
            call["name"] = name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = _as_json(arguments)
        if isinstance(arguments, str) and arguments:
            call["arguments"].append(arguments)

    def as_body(self) -> dict[str, Any]:
        calls = [
            {"function": {"name": call["name"], "arguments": "".join(call["arguments"])}}
            for call in self._calls.values()
        ]
        message = self._message or {
            "content": self._content,
            "refusal": "".join(self._refusal) or None,
            "reasoning_content": "".join(self._reasoning),
            "tool_calls": calls,
        }
        tokens = {"content": self._tokens} if self._tokens else None
        return {"message": message, "finish_reason": self.finish, "logprobs": tokens}
