"""Services over HTTP as the tests ask them: quick to fail, quick to try again."""

from hashlib import blake2b
from typing import Any

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import ChatConfig, EmbeddingsConfig

PROMPT = {
    "system": "You label texts. {{ task.question }} One of: {{ labels | join(', ') }}.",
    "user": (
        "{% for one in earlier %}{{ one.service }}: {{ one.answer }}\n{% endfor %}{{ content }}"
    ),
}
QUICK: dict[str, Any] = {
    "model": "small-1",
    "price": {"input_usd": 1.0, "output_usd": 2.0},
    "timeouts": {"connect_s": 0.5, "first_token_s": 0.2, "total_s": 0.3},
    "retries": {"backoff_s": 0.002, "backoff_max_s": 0.05},
    "breaker": {"open_s": 0.1},
}
LABELS = Task("label", "1", AnswerKind.LABEL, ("red", "green", "blue"), question="Which colour?")
VECTORS = Task("vector", "1", AnswerKind.VECTOR)


def chat(base_url: str, **changes: Any) -> ChatConfig:
    return ChatConfig.model_validate(
        {"type": "openai_chat", "base_url": base_url, "prompt": PROMPT, **QUICK, **changes}
    )


def embeddings(base_url: str, **changes: Any) -> EmbeddingsConfig:
    return EmbeddingsConfig.model_validate(
        {"type": "openai_embeddings", "base_url": base_url, **QUICK, **changes}
    )


def asked(text: str, task: Task = LABELS, name: str = "") -> Question:
    content_hash = blake2b(text.encode(), digest_size=16).hexdigest()
    name = name or content_hash[:8]
    return Question(task, Item(name, content_hash, f"{name}.txt", text, {"family": "prose"}))
