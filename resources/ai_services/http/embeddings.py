"""OpenAI-compatible embeddings: many items a request, a vector each."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import EmbeddingsConfig
from resources.ai_services.http.errors import Garbled
from resources.ai_services.http.service import HttpService, Reply, Request, Sent, counted, parsed
from resources.ai_services.http.shown import show

_PATH: Final = "/embeddings"
_BLANK: Final = "the content has no word"


class EmbeddingsService(HttpService):
    """Asks for vectors. The order of the items is the order of the readings."""

    code_version: ClassVar[str] = "1"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    config: EmbeddingsConfig

    def __init__(self, name: str, config: EmbeddingsConfig) -> None:
        super().__init__(name, config)
        self.batch_size = config.batch_size
        self.linger_s = config.linger_ms / 1000.0

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
        sent: list[Sent] = []
        texts: list[str] = []
        for question in questions:
            part = show(question, config.guard.redact, budget, window)
            text = part.content.text
            # an empty text is an error to most services, for the whole batch
            texts.append(text if text.strip() else " .")
            redacted = dict(sorted(part.redacted.items()))
            tokens = max(1, part.content.tokens)
            sent.append(Sent(tokens, part.content.share, part.left_out, redacted, part.markers))
        body = {"model": config.model, "input": texts, **config.parameters}
        return Request(tuple(questions), body, tuple(sent), 0)

    async def send(self, request: Request, key: str) -> Reply:
        data = json.dumps(request.body).encode()
        body = parsed(await self.transport.post(_PATH, data, self.headers(key)))
        vectors = _in_order(body, len(request.questions))
        readings = tuple(
            self._reading(question, vector)
            for question, vector in zip(request.questions, vectors, strict=True)
        )
        return Reply(readings, counted(body, "prompt_tokens"), 0)

    def _reading(self, question: Question, vector: Any) -> Reading:
        if not question.item.text.strip():
            return Reading(Status.ABSTAINED, reason=_BLANK)
        if not isinstance(vector, list) or not vector:
            return Reading(Status.REJECTED_OUTPUT, reason="no vector came for this item")
        if not all(isinstance(one, int | float) and math.isfinite(one) for one in vector):
            return Reading(Status.REJECTED_OUTPUT, reason="the vector holds what is no number")
        evidence = f"{self.config.model}, {len(vector)} dimensions"
        return Reading(Status.OK, tuple(map(float, vector)), evidence=evidence)


def _in_order(body: Mapping[str, Any], expected: int) -> list[Any]:
    """The vectors by their index. Raises Garbled when one is missing or doubled."""
    data = body.get("data")
    if not isinstance(data, list) or len(data) != expected:
        raise Garbled(f"{expected} vectors were asked for, not so many came")
    found: list[Any] = [None] * expected
    for position, one in enumerate(data):
        if not isinstance(one, dict):
            raise Garbled("data holds what is no object")
        index = one.get("index", position)
        if not isinstance(index, int) or not 0 <= index < expected or found[index] is not None:
            raise Garbled("the vectors' indexes do not cover the items")
        found[index] = one.get("embedding")
    return found
