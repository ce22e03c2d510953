"""What a chat completion says, whole or in the pieces of a stream, in the shapes that servers give.

Only what the model said counts: reasoning beside the answer is a draft.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.call_errors import Garbled, Unavailable

CUT: Final = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
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
_FAILED: Final = frozenset({"error", "abort", "network_error", "insufficient_system_resource"})
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
_DRAFTS: Final = frozenset({"thinking", "reasoning", "redacted_thinking", "reasoning_content"})
_CALLS: Final = frozenset({"tool_use", "tool_call", "function_call", "function"})
_MOST_PARTS: Final = 10_000


@dataclass(frozen=True)
class Call:
    """A tool call: the tool's name, and its arguments as JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Completion:
    """One answer of a model.

    ``text`` is what it said to the user, ``reasoning`` what it said to itself beside it,
    ``finish`` why it ended, in small letters, empty when that is not told; ``logprobs`` are as
    they came.
    """

    text: str
    refusal: str = ""
    finish: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    logprobs: Any = None

    @property
    def written(self) -> str:
        """All that the model wrote."""
        calls = (part for call in self.calls for part in (call.name, call.arguments))
        return " ".join((self.reasoning, self.text, self.refusal, *calls)).strip()


def said_in(body: Mapping[str, Any]) -> Completion:
    """The first choice of a completion.

    Raises Garbled when there is none, Unavailable when the service says that it broke down."""
    choice = _first_choice(body.get("choices"))
    message = choice.get("message")
    if message is None:
        message = choice.get("delta")
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if not isinstance(message, dict):
        raise Garbled("the answer has no choices[0].message")
    finish = choice.get("finish_reason") or choice.get("stop_reason")
    finish = whole_text(finish[:100].lower()) if isinstance(finish, str) else ""
    if finish in _FAILED:
        raise Unavailable(f"the service gave up on the answer: finish_reason {finish}")
    parts = _Parts()
    parts.take(message.get("content"))
    refusal = message.get("refusal")
    if refusal:
        parts.refusals.append(refusal if isinstance(refusal, str) else "no reason given")
    parts.drafts += _reasoning(message)
    calls = message.get("tool_calls")
    for call in [*_listed(calls), message.get("function_call")]:
        parts.call(call)
    return Completion(
        whole_text("".join(parts.texts)),
        whole_text(" ".join(parts.refusals)).strip(),
        finish,
        tuple(parts.calls),
        whole_text("".join(parts.drafts)),
        choice.get("logprobs"),
    )


def _reasoning(message: Mapping[str, Any]) -> list[str]:
    """The reasoning beside the answer; some servers send it under two names."""
    found = (message.get(name) for name in _REASONING)
    return [one for one in found if isinstance(one, str) and one][:1]


def _first_choice(choices: Any) -> Mapping[str, Any]:
    found = [one for one in _listed(choices) if isinstance(one, dict)]
    if not found:
        raise Garbled("the answer has no choices[0].message")
    return min(found, key=_index)


def _index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if type(index) is int else 0


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    return value[:_MOST_PARTS] if isinstance(value, list) else []


class _Parts:
    """The content of one message, sorted by what each part is."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.drafts: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[Call] = []

    def take(self, content: Any) -> None:
        """Raises Garbled when the content is neither text nor parts nor an answer itself."""
        if content is None:
            return
        if isinstance(content, str):
            self.texts.append(content)
        elif isinstance(content, list):
            for part in content[:_MOST_PARTS]:
                self._part(part)
        elif isinstance(content, dict) and "answer" in content:
            # a server that has parsed the answer already
            self.texts.append(_as_json(content))
        elif isinstance(content, dict) and isinstance(content.get("parts"), list):
            self.take(content["parts"])
        elif isinstance(content, dict) and ("text" in content or "type" in content):
            self._part(content)
        else:
            raise Garbled("choices[0].message.content is no text")

    def _part(self, part: Any) -> None:
        if isinstance(part, str):
            self.texts.append(part)
        if not isinstance(part, dict):
            return
        kind = part.get("type")
        if (isinstance(kind, str) and kind in _DRAFTS) or part.get("thought") is True:
            self.drafts += _strings_in(part)
        elif isinstance(kind, str) and kind in _CALLS:
            self.call(part)
        elif isinstance(refusal := part.get("refusal"), str):
            self.refusals.append(refusal)
        else:
            text = part.get("text")
            text = text.get("value") if isinstance(text, dict) else text
            if isinstance(text, str):
                self.texts.append(text)

    def call(self, given: Any) -> None:
        """Takes a tool call in any of its shapes; what is none is passed over."""
        if not isinstance(given, dict):
            return
        function = given.get("function")
        inner = function if isinstance(function, dict) else given
        name = inner.get("name")
        arguments = next(
            (inner[one] for one in ("arguments", "input", "parameters") if inner.get(one)), None
        )
        if isinstance(arguments, dict):
            arguments = _as_json(arguments)
        if isinstance(arguments, str):
            known = whole_text(name[:100]) if isinstance(name, str) else ""
            self.calls.append(Call(known, whole_text(arguments)))


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise Garbled("the answer is nested too deep") from error


def _strings_in(part: Mapping[str, Any]) -> Iterator[str]:
    """The words of a draft: a text, or parts of it."""
    for name in ("thinking", "reasoning", "text", "summary"):
        for one in _listed([part.get(name)]):
            for inner in one[:_MOST_PARTS] if isinstance(one, list) else [one]:
                text = inner.get("text") if isinstance(inner, dict) else inner
                if isinstance(text, str):
                    yield text


class StreamedCompletion:
    """A streamed answer that is put together as its events arrive."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._usage: dict[str, Any] = {}
        self.ended = False
        """Whether the stream said that it is over."""

    def add(self, event: Mapping[str, Any]) -> bool:
        """Takes one event; tells whether it brought anything that the model wrote."""
        # an event that tells of other things does not take the usage back
        if isinstance(found := event.get("usage"), dict) and found:
            self._usage["usage"] = found
        if isinstance(found := event.get("x_groq"), dict) and "usage" in found:
            self._usage["x_groq"] = found
        brought = False
        for one in _listed(event.get("choices")):
            if isinstance(one, dict):
                choice = self._choices.setdefault(_index(one), _Choice())
                brought = choice.add(one) or brought
        return brought

    def whole(self) -> dict[str, Any]:
        """The answer as it would have come in one piece. Raises Garbled when its end is missing."""
        if not self._choices:
            raise Garbled("the stream held no answer")
        index = min(self._choices)
        choice = self._choices[index]
        if choice.finish is None and not self.ended:
            raise Garbled("the stream ended before the answer did")
        return {"choices": [choice.whole()], **self._usage}


class _Choice:
    def __init__(self) -> None:
        self.finish: Any = None
        self._content: list[Any] = []
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[Any, dict[str, Any]] = {}
        self._tokens: list[Any] = []
        self._message: dict[str, Any] | None = None

    def add(self, choice: Mapping[str, Any]) -> bool:
        self.finish = choice.get("finish_reason") or self.finish
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(tokens, list):
            self._tokens += tokens
        if isinstance(message := choice.get("message"), dict):
            # the whole of it, after its pieces or instead of them
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
        for call in _listed(delta.get("tool_calls")):
            self._call(call)
        if isinstance(call := delta.get("function_call"), dict):
            self._call({"index": "function_call", "function": call})
        return self._size() > before

    def _size(self) -> int:
        return (
            len(self._content)
            + len(self._refusal)
            + len(self._reasoning)
            + sum(len(one["arguments"]) + 1 for one in self._calls.values())
        )

    def _call(self, piece: Any) -> None:
        """A call comes whole, or its name first and its arguments in pieces."""
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

    def whole(self) -> dict[str, Any]:
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
