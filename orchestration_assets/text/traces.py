"""Pieces of a content by which it is recognised wherever something of it was copied to.

Copies are shortened, escaped for HTML or JSON, folded to one line, marked up, or written in another
encoding: what is compared are letters and digits alone, without case.
"""

import html
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from orchestration_assets.text.document_frequencies import document_frequencies

RUN_SIGNS: Final = 24
"""Letters and digits in a piece: about four words, which hardly ever stand elsewhere by chance."""
_MOST_RUNS: Final = 400
_MOST_WORDS: Final = 60
_WORD: Final = re.compile(r"[^\W_]{8,40}")
_TAG: Final = re.compile(r"<[^<>]*>")
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf/\"\\])")
_NOT_A_SIGN: Final = re.compile(r"[\W_]+")
_SMALL: Final = bytes.maketrans(ascii_uppercase.encode(), ascii_lowercase.encode())
_NO_SIGNS: Final = bytes(code for code in range(128) if not chr(code).isalnum())


def signs(text: str) -> str:
    """The letters and digits of a text, without case."""
    # what is ASCII, nearly all of most texts, is translated at once; no other character has its
    # bytes in UTF-8
    data = text.encode("utf-8", "surrogatepass").translate(_SMALL, _NO_SIGNS)
    left = data.decode("utf-8", "surrogatepass")
    return left if left.isascii() else _NOT_A_SIGN.sub("", left.casefold())


def distinctive_pieces(texts: Iterable[str]) -> tuple[str, ...]:
    """Runs of signs spread evenly over each text, and rare words: what to look for, in order.

    A text of fewer signs than a run gives itself, if it has as many as a rare word; one that is
    shorter gives nothing: it could stand anywhere.
    """
    pieces: dict[str, None] = {}
    for text in texts:
        pieces |= dict.fromkeys(_runs(signs(text)))
        pieces |= dict.fromkeys(_rare_words(text))
    return tuple(pieces)


def _runs(held: str) -> Iterator[str]:
    if 8 <= len(held) < RUN_SIGNS:
        yield held
    count = min(len(held) // RUN_SIGNS, _MOST_RUNS)
    for number in range(count):
        start = number * (len(held) - RUN_SIGNS) // max(count - 1, 1)
        yield held[start : start + RUN_SIGNS]


def _rare_words(text: str) -> list[str]:
    known, _ = document_frequencies()
    words = dict.fromkeys(word.casefold() for word in _WORD.findall(text))
    return [word for word in words if word not in known and not word.isdigit()][:_MOST_WORDS]


@dataclass(frozen=True)
class Traces:
    """What to look for: ``pieces`` of text, and ``vectors`` as they are stored, in bytes."""

    pieces: tuple[str, ...]
    vectors: tuple[bytes, ...] = ()

    def without(self, others: Collection[str]) -> "Traces":
        """The traces without pieces that prove nothing."""
        return Traces(tuple(p for p in self.pieces if p not in others), self.vectors)

    def in_bytes(self, data: bytes) -> set[str]:
        """The pieces, and vectors as hex digits, that stand somewhere in stored bytes."""
        found = {vector.hex() for vector in self.vectors if vector in data}
        return found | self.in_text(data.decode("utf-8", "ignore"))

    def in_text(self, text: str) -> set[str]:
        """The pieces that stand in a text, as it is or as HTML or JSON writes it."""
        if not self.pieces:
            return set()
        views = signs_as_read(text)
        return {piece for view in views for piece in self.pieces if piece in view}


def signs_as_read(text: str) -> tuple[str, ...]:
    """The signs of a text without what JSON puts between them, and, where it may be HTML, without
    what that does."""
    plain = _JSON_ESCAPE.sub(_unescaped, text) if "\\" in text else text
    if "<" in plain or "&" in plain:
        return signs(plain), signs(html.unescape(_TAG.sub("", plain)))
    return (signs(plain),)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " "
