"""A vector of what the words mean, by the wordllama model: the optional extra ``semantic``."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.embedding.vector_readings import DIMENSIONS, vector_read
from orchestration_assets.services.readings import abstained
from orchestration_assets.text.words import words_of

_MAX_CHARS: Final = 4_096
_INSTALL: Final = "pip install 'content-orchestration[semantic]'"


class MissingExtraError(OrchestrationError):
    """The optional extra is not installed; the message holds the command that installs it."""


@cache
def _model() -> Any:
    try:
        import wordllama
    except ImportError as error:
        raise MissingExtraError(f"semantic_embedding needs wordllama: {_INSTALL}") from error
    # As its own cache, the package finds its tokenizer where it looks for a downloaded one; left
    # to itself it would ask the network.
    package = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(dim=DIMENSIONS, cache_dir=package, disable_download=True)


def embed(texts: Sequence[str]) -> Any:
    """The mean of the embeddings of each text's words, one row of 256 numbers a text.

    Raises MissingExtraError, with the command that installs it, when the extra is missing.
    """
    return _model().embed(list(texts))


class SemanticEmbedding(EmbeddedService):
    """The mean of the embeddings of the content's words; raises when the extra is missing."""

    name: ClassVar[str] = "semantic_embedding"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.VECTOR})
    reads: ClassVar[frozenset[str]] = frozenset({"family"})
    expected_ms: ClassVar[float] = 1.0

    def answer(self, question: Question) -> Reading:
        item = question.item
        words = words_of(item.text, str(item.profile.get("family", "prose")))
        if not words:
            return abstained("no words")
        vector = embed([" ".join(words)[:_MAX_CHARS]])[0]
        return vector_read(vector, len(set(words)), f"token embeddings of {len(words)} words")
