"""OpenAI-compatible embeddings: many items a request, a vector each."""

import json
import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import EmbeddingsConfig
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.prompts.prompt_context import show
from orchestration_assets.text.replies.call_errors import error_in
from orchestration_assets.text.replies.token_usage import tokens_read
from orchestration_assets.text.replies.vectors import (
    UnfitVectorError,
    usual_length,
    vector_of,
    vectors_in,
)
from resources.ai_services.http.service import HttpService, Reply, Request, SentContent, parsed

_PATH: Final = "/embeddings"
_BLANK: Final = "the content has no word"


class EmbeddingsService(HttpService):
    """Asks for vectors. The order of the items is the order of the readings."""

    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    config: EmbeddingsConfig

    def __init__(self, name: str, config: EmbeddingsConfig) -> None:
        super().__init__(name, config)
        self.batch_size = config.batch_size
        self.linger_s = config.linger_ms / 1000.0
        self._dimensions = _asked_for(config)

    def _shaping(self) -> dict[str, Any]:
        given = self.config.model_dump(
            mode="json", include={"model", "parameters", "guard", "context"}
        )
        del given["context"]["neighbour_tokens"]
        return given

    def prepare(self, questions: Sequence[Question]) -> Request:
        config = self.config
        window = config.context.window_tokens
        budget = min(config.context.content_tokens, window)
        sent: list[SentContent] = []
        texts: list[str] = []
        for question in questions:
            part = show(question, config.guard.redact, budget, window)
            text = part.content.text
            # an empty text is an error to most services, for the whole batch
            texts.append(text if text.strip() else " .")
            redacted = dict(sorted(part.redacted.items()))
            tokens = max(1, part.content.tokens)
            sent.append(
                SentContent(tokens, part.content.share, part.left_out, redacted, part.markers)
            )
        body = {"model": config.model, "input": texts, **config.parameters}
        return Request(tuple(questions), body, tuple(sent), 0)

    async def send(self, request: Request, key: str) -> Reply:
        data = json.dumps(request.body).encode()
        came = await self.transport.post(_PATH, data, self.headers(key))
        body = parsed(came.data)
        if (error := error_in(body, came.retry_after, time.time())) is not None:
            raise error
        found = [
            _vector(question, given)
            for question, given in zip(
                request.questions, vectors_in(body, len(request.questions)), strict=True
            )
        ]
        if self._dimensions is None:
            self._dimensions = usual_length(len(one) for one in found if isinstance(one, tuple))
        readings = tuple(map(self._reading, found))
        return Reply(readings, tokens_read(body, only_reads=True), 0)

    def _reading(self, found: tuple[float, ...] | Reading) -> Reading:
        if isinstance(found, Reading):
            return found
        if len(found) != self._dimensions:
            words = f"the vector has {len(found)} components, {self._dimensions} are expected"
            return Reading(Status.REJECTED_OUTPUT, reason=f"{words}: see the setting dimensions")
        evidence = f"{whole_text(self.config.model)}, {len(found)} dimensions"
        return Reading(Status.OK, found, evidence=evidence)


def _asked_for(config: EmbeddingsConfig) -> int | None:
    """How many components every vector must have, where the policy says so."""
    asked = config.parameters.get("dimensions")
    return config.dimensions or (asked if type(asked) is int and asked > 0 else None)


def _vector(question: Question, given: Any) -> tuple[float, ...] | Reading:
    if not question.item.text.strip():
        return Reading(Status.ABSTAINED, reason=_BLANK)
    try:
        return vector_of(given)
    except UnfitVectorError as error:
        return Reading(Status.REJECTED_OUTPUT, reason=str(error))
