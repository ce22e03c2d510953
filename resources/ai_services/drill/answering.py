"""What the drill's service answers: scripted, else something plausible that never changes."""

import json
import random
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from orchestration_assets.text.token_estimates import token_estimate

_DIMENSIONS: Final = 16
_BILLED: Final = 1.1
"""Tokens billed for each estimated one: no tokenizer is exactly our estimate."""
_WORD: Final = re.compile(r"[^\W\d_]{4,}")


def chat_answer(body: Mapping[str, Any], answers: Mapping[str, str]) -> tuple[str, int, int]:
    """The text of a chat answer, and the tokens read and written."""
    messages = body.get("messages") or []
    asked = "\n".join(str(one.get("content", "")) for one in messages)
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema") or {}
    wanted = (schema.get("properties") or {}).get("answer") or {}
    scripted = next((answer for text, answer in answers.items() if text in asked), None)
    chance = _chance(asked)
    value = scripted if scripted is not None else _plausible(wanted, asked, chance)
    said = json.dumps({"answer": value, "confidence": round(chance.uniform(0.6, 0.99), 2)})
    return said, _billed(asked), _billed(said)


def _plausible(wanted: Mapping[str, Any], asked: str, chance: random.Random) -> Any:
    if labels := [one for one in wanted.get("enum", ()) if one is not None]:
        return chance.choice(labels)
    words = sorted(set(_WORD.findall(asked)))
    kinds = wanted.get("type", ())
    if "number" in kinds:
        return round(chance.uniform(wanted.get("minimum", 0.0), wanted.get("maximum", 1.0)), 2)
    if "array" in kinds:
        return chance.sample(words, min(5, len(words))) or ["nothing"]
    return " ".join(words[:6]) or "nothing"


def embeddings_answer(body: Mapping[str, Any]) -> tuple[list[list[float]], int]:
    """One vector a text, from its words, and the tokens read."""
    texts = body.get("input") or []
    vectors = []
    for text in texts if isinstance(texts, list) else [texts]:
        vector = [0.0] * _DIMENSIONS
        for word in _WORD.findall(str(text).lower()):
            digest = blake2b(word.encode(), digest_size=2).digest()
            vector[digest[0] % _DIMENSIONS] += 1.0 if digest[1] % 2 else -1.0
        vectors.append(vector)
    return vectors, sum(_billed(str(text)) for text in texts)


def _billed(text: str) -> int:
    return max(1, round(token_estimate(text) * _BILLED))


def _chance(text: str) -> random.Random:
    seed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return random.Random(seed)  # noqa: S311 -- answers must repeat, not surprise
