"""What prompts show beside the content, in tokens: counted wherever a call is priced."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

from orchestration_assets.schemas.conversations import ConversationMemory
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.services import Context
from orchestration_assets.services.contract import Service
from orchestration_assets.text.token_estimates import token_estimate
from resources.ai_services.http.service import HttpService

ShownPieces = Mapping[str, tuple[int, ...]]
"""Kind of context -> the estimated tokens of each of its pieces, the most important first."""
NOTHING_SHOWN: Final[ShownPieces] = {}
MEMORY_LINE: Final = 8
"""Tokens of the number and the speaker of a message, about."""
_KEPT_TEXTS: Final = 4096
_PART: Final = 16


class ShowsPassages(Protocol):
    """A plan or a question: it holds kinds of context under the names that prompts know them by,
    None or empty where there is none. Kinds other than passages may be missing."""

    @property
    def passages(self) -> Sequence[RetrievedPassage] | None: ...


class _Kind(NamedTuple):
    """``pieces``: the tokens of each piece of what a plan or a question holds; ``most``: of all
    together that a service is shown."""

    pieces: Callable[[Any], tuple[int, ...]]
    most: Callable[[Context], int]


def _of_passages(passages: Sequence[RetrievedPassage]) -> tuple[int, ...]:
    return tuple(_tokens(one.text) for one in passages)


def _of_memory(memory: ConversationMemory) -> tuple[int, ...]:
    return in_pieces(sum(_tokens(one.text) + MEMORY_LINE for one in memory.pieces))


# a further kind is a line here
_KINDS: Final[Mapping[str, _Kind]] = {
    "passages": _Kind(_of_passages, attrgetter("passage_tokens")),
    "memory": _Kind(_of_memory, attrgetter("memory_tokens")),
}


def pieces_of(holder: ShowsPassages) -> ShownPieces:
    """What a plan or a question holds of each kind."""
    return {
        name: kind.pieces(held)
        for name, kind in _KINDS.items()
        if (held := getattr(holder, name, None))
    }


def in_pieces(tokens: int) -> tuple[int, ...]:
    """As pieces so small that about as much is shown as fits: of what is told in brief where the
    whole does not fit."""
    return (_PART,) * (tokens // _PART)


def shown_tokens(service: Service, pieces: ShownPieces) -> int:
    """The estimated tokens of what one call shows of these pieces: of the kinds that the prompts
    of a service name, as many whole ones as fit."""
    if not pieces or not isinstance(service, HttpService):
        return 0
    context = service.config.context
    return sum(
        _fitting(pieces.get(name, ()), kind.most(context))
        for name, kind in _KINDS.items()
        if name in service.reads
    )


def _fitting(tokens: Iterable[int], most: int) -> int:
    total = 0
    for piece in tokens:
        if total + piece > most:
            break
        total += piece
    return total


@lru_cache(maxsize=_KEPT_TEXTS)
def _tokens(text: str) -> int:
    """The same passages are found for many items."""
    return token_estimate(text)
