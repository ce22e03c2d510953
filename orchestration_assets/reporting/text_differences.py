"""What only one side of a comparison says, as pieces of text that a page can mark."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from orchestration_assets.evidence.text_support import text_supports

# Chinese and Japanese put no space between words: each of their characters stands for itself
_TOKENS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|\W+")
_LONGEST = 240
_COMPARED = 4_000
"""Characters of a text that are looked at: many times what is shown of it."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of an answer; ``unique`` when no answer that it is compared with says it, or too
    few of them do."""

    text: str
    unique: bool


def mark_words(text: str, others: Iterable[str]) -> tuple[TextPiece, ...]:
    """The text in pieces, words that occur in none of the others apart; letter case is ignored.

    Texts are cut to what a page has room for.
    """
    shown = _shown(text)
    known = {word for other in others for word in _words(other)}
    tokens = _TOKENS.findall(shown)
    flags = [_is_word(token) and token.casefold() not in known for token in tokens]
    # one mark over neighbours that are both new reads better than one for each word
    for place in range(1, len(tokens) - 1):
        if not _is_word(tokens[place]) and tokens[place].isspace():
            flags[place] = flags[place - 1] and flags[place + 1]
    return tuple(
        TextPiece("".join(token for token, _ in run), unique)
        for unique, run in groupby(zip(tokens, flags, strict=True), key=lambda pair: pair[1])
    )


def mark_unsupported(text: str, others: Iterable[str]) -> tuple[TextPiece, ...]:
    """The text in pieces, apart the words that fewer than half of the others write in that place:
    those that none of them has are among these. Beside one other alone: words that it lacks.
    """
    compared = [other[:_COMPARED] for other in others]
    if len(compared) < 2:
        return mark_words(text, compared)
    return mark_places(text, text_supports([text[:_COMPARED], *compared])[0].unsupported)


def mark_places(text: str, places: Iterable[tuple[int, int]]) -> tuple[TextPiece, ...]:
    """The text in pieces, the (start, end) places apart; they are in order and do not overlap."""
    shown = _shown(text)
    pieces: list[TextPiece] = []
    done = 0
    for start, end in places:
        for until, unique in ((start, False), (end, True)):
            if done < min(until, len(shown)):
                pieces.append(TextPiece(shown[done:until], unique))
                done = min(until, len(shown))
    if done < len(shown):
        pieces.append(TextPiece(shown[done:], False))
    return tuple(pieces)


def mark_members(
    members: Iterable[str], others: Iterable[Iterable[str]], limit: int
) -> tuple[TextPiece, ...]:
    """The first members of a set, those that no other set holds apart."""
    known = {member for other in others for member in other}
    return tuple(TextPiece(member, member not in known) for member in list(members)[:limit])


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(text: str) -> set[str]:
    return {token.casefold() for token in _TOKENS.findall(text) if _is_word(token)}


def _is_word(token: str) -> bool:
    return token[0] == "_" or token[0].isalnum()
