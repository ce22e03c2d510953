"""OpenAI-compatible embeddings: many items a request, a vector each."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import EmbeddingsConfig
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.prompts.prompt_context import context_for
from orchestration_assets.text.replies.response_facts import response_facts
from orchestration_assets.text.replies.token_usage import tokens_read
from orchestration_assets.text.replies.vectors import (
    UnfitVectorError,
    most_common_length,
    vector_of,
    vectors_in,
)
from resources.ai_services.http.service import HttpService, Reply, Request

_PATH: Final = "/embeddings"
_BLANK: Final = "the content has no word"


class EmbeddingsService(HttpService):
    """Asks for one vector an item; readings come in the order of the items."""

    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    config: EmbeddingsConfig

    def __init__(self, name: str, config: EmbeddingsConfig) -> None:
        super().__init__(name, config)
        self.batch_size = config.batch_size
        self.linger_s = config.linger_ms / 1000.0
        self._dimensions = _required_dimensions(config)

    def _shaping(self) -> dict[str, Any]:
        names = {"model", "parameters", "guard", "context"}
        settings = self.config.model_dump(mode="json", include=names)
        # nothing of these is sent
        for unsent in ("neighbour_tokens", "memory_tokens"):
            del settings["context"][unsent]
        return settings

    def prepare(self, questions: Sequence[Question]) -> Request:
        config = self.config
        window = config.context.window_tokens
        budget = min(config.context.content_tokens, window)
        contexts = [
            context_for(question, config.guard.redact, budget, window) for question in questions
        ]
        sent = tuple(context.sent(max(1, context.content.tokens)) for context in contexts)
        # an empty text is an error to most services, for the whole batch
        texts = [context.content.text for context in contexts]
        texts = [text if text.strip() else " ." for text in texts]
        body = {"model": config.model, "input": texts, **config.parameters}
        return Request(tuple(questions), body, sent, 0)

    async def send(self, request: Request, key: str) -> Reply:
        data = json.dumps(request.body).encode()
        response = await self.transport.post(_PATH, data, self.headers(key))
        body = response.json()
        vectors = [
            _vector(question, given)
            for question, given in zip(
                request.questions, vectors_in(body, len(request.questions)), strict=True
            )
        ]
        if self._dimensions is None:
            self._dimensions = most_common_length(
                len(vector) for vector in vectors if isinstance(vector, tuple)
            )
        readings = tuple(map(self._reading, vectors))
        return Reply(readings, tokens_read(body, only_reads=True), 0, facts=response_facts(body))

    def _reading(self, vector: tuple[float, ...] | Reading) -> Reading:
        if isinstance(vector, Reading):
            return vector
        if len(vector) != self._dimensions:
            problem = f"the vector has {len(vector)} components, {self._dimensions} are expected"
            return Reading(Status.REJECTED_OUTPUT, reason=f"{problem}: see the setting dimensions")
        evidence = f"{whole_text(self.config.model)}, {len(vector)} dimensions"
        return Reading(Status.OK, vector, evidence=evidence)


def _required_dimensions(config: EmbeddingsConfig) -> int | None:
    """How many components every vector must have; None where the policy does not say."""
    requested = config.parameters.get("dimensions")
    return config.dimensions or (requested if type(requested) is int and requested > 0 else None)


def _vector(question: Question, given: Any) -> tuple[float, ...] | Reading:
    if not question.item.text.strip():
        return Reading(Status.ABSTAINED, reason=_BLANK)
    try:
        return vector_of(given)
    except UnfitVectorError as error:
        return Reading(Status.REJECTED_OUTPUT, reason=str(error))
