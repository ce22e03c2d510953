"""Writes replies of an OpenAI-compatible service: scripted, else plausible and deterministic."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from orchestration_assets.text.token_estimates import token_estimate

_DIMENSIONS: Final = 16
_BILLED_PER_TOKEN: Final = 1.1
"""Tokens billed for each estimated one: no tokenizer is exactly our estimate."""
_DATE: Final = "yyyy-mm-dd"
_WORD: Final = re.compile(r"[^\W\d_]{4,}")


def prompt_of(request: Mapping[str, Any]) -> str:
    """The texts of all messages of a request for a chat completion."""
    messages = request.get("messages") or []
    return "\n".join(str(message.get("content", "")) for message in messages)


def chat_reply(request: Mapping[str, Any], scripted: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a chat completion.

    ``scripted``: members of the reply (``answer``, ``confidence``, ``quotes``) that are given.
    Other answers fit the request's JSON schema and depend on the prompt alone.
    """
    messages, prompt = request.get("messages") or [], prompt_of(request)
    schema = ((request.get("response_format") or {}).get("json_schema") or {}).get("schema") or {}
    answer_schema = (schema.get("properties") or {}).get("answer") or {}
    chance = _seeded_random(prompt)
    if "answer" in scripted:
        value = scripted["answer"]
    else:
        value = _plausible_answer(answer_schema, prompt, chance)
    confidence = scripted.get("confidence")
    stated = round(chance.uniform(0.6, 0.99), 2) if confidence is None else confidence
    reply = {"answer": value, "confidence": stated}
    if "quotes" in (schema.get("properties") or {}):
        reply["quotes"] = list(scripted.get("quotes", ()))
    if "reason" in (schema.get("properties") or {}):
        first_words = str(messages[-1].get("content", "")).split()[:6]
        reply["reason"] = f"it says “{' '.join(first_words)}”"
    text = json.dumps(reply)
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"object": "chat.completion", "choices": [choice]}
    return body | _accounting(request, _billed_tokens(prompt), _billed_tokens(text))


def _plausible_answer(schema: Mapping[str, Any], prompt: str, chance: random.Random) -> Any:
    if labels := [label for label in schema.get("enum", ()) if label is not None]:
        return chance.choice(labels)
    words = sorted(set(_WORD.findall(prompt)))
    types = schema.get("type", ())
    if "object" in types:
        members = schema.get("properties") or {}
        return {name: _plausible_answer(one, prompt, chance) for name, one in members.items()}
    if "boolean" in types:
        return chance.random() < 0.5
    if _DATE in str(schema.get("description", "")):
        return f"20{chance.randint(10, 29)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    if "number" in types:
        return round(chance.uniform(schema.get("minimum", 0.0), schema.get("maximum", 1.0)), 2)
    if "array" in types and "object" in (schema.get("items") or {}).get("type", ()):
        return [_plausible_answer(schema["items"], prompt, chance) for _ in range(2)]
    if "array" in types:
        return chance.sample(words, min(5, len(words))) or ["nothing"]
    return " ".join(words[:6]) or "nothing"


def embeddings_reply(request: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an embeddings response: one vector a text, from its words."""
    texts = request.get("input") or []
    texts = [str(text) for text in (texts if isinstance(texts, list) else [texts])]
    data = [{"index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]
    tokens = sum(map(_billed_tokens, texts))
    return {"object": "list", "data": data} | _accounting(request, tokens, 0)


def _vector(text: str) -> list[float]:
    vector = [0.0] * _DIMENSIONS
    for word in _WORD.findall(text.lower()):
        digest = blake2b(word.encode(), digest_size=2).digest()
        vector[digest[0] % _DIMENSIONS] += 1.0 if digest[1] % 2 else -1.0
    return vector


def streamed_events(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a chat completion when it is streamed: about four deltas, finish, usage."""
    text = body["choices"][0]["message"]["content"]
    size = max(1, len(text) // 4)
    for begin in range(0, len(text), size):
        delta = {"content": text[begin : begin + size]}
        yield {"choices": [{"index": 0, "delta": delta}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield {"choices": [], "usage": body["usage"]}


def _accounting(request: Mapping[str, Any], tokens_in: int, tokens_out: int) -> dict[str, Any]:
    usage = {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
    return {"model": str(request.get("model", "")), "usage": usage}


def _billed_tokens(text: str) -> int:
    return max(1, round(token_estimate(text) * _BILLED_PER_TOKEN))


def _seeded_random(text: str) -> random.Random:
    seed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return random.Random(seed)  # noqa: S311 -- answers must repeat, not surprise
