"""Who does it and to whom: two words that change places around a third."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from orchestration_assets.evidence.contradiction.alignment import WordLink
from orchestration_assets.evidence.contradiction.lexicon import lexicon
from orchestration_assets.evidence.contradiction.readings import TextReading, Word

_ACTING: Final = frozenset({"der", "ein", "kein"})
_SUFFERING: Final = frozenset({"den", "einen", "keinen"})


def exchange(
    links: Sequence[WordLink],
    pivots: Sequence[tuple[int, int]],
    first: TextReading,
    second: TextReading,
    turned: bool,
) -> tuple[WordLink, WordLink] | None:
    """Two words that stand around a third in the one order here and in the other there.

    Each must stand in the other's place: behind the same preposition (unless the verb is turned
    round), all in one clause.
    """
    for x, y in combinations(links, 2):
        if x.second.position < y.second.position:
            continue
        if not turned and (
            _marker(first, x.first) != _marker(second, y.second)
            or _marker(first, y.first) != _marker(second, x.second)
        ):
            continue
        if not (_one_clause(first, x.first, y.first) and _one_clause(second, y.second, x.second)):
            continue
        for here, there in pivots:
            if (
                x.first.position < here < y.first.position
                and y.second.position < there < x.second.position
            ):
                return x, y
    return None


def _marker(reading: TextReading, word: Word) -> str:
    """The preposition before a word, past an article, or the case of a German article.

    Empty when there is neither.
    """
    article = reading.tokens[word.position - 1].plain if word.position else ""
    if article in _ACTING or article in _SUFFERING:
        return "acting" if article in _ACTING else "suffering"
    for place in range(word.position - 1, max(word.position - 3, -1), -1):
        plain = reading.tokens[place].plain
        if plain in lexicon().prepositions:
            return plain
        if len(plain) > 4:
            break
    return ""


def _one_clause(reading: TextReading, one: Word, other: Word) -> bool:
    return not any(mark in reading.text[one.end : other.start] for mark in ",;:.")


def kept(links: Sequence[WordLink], converse: WordLink | None) -> tuple[WordLink, WordLink] | None:
    """Two words in the same order around a verb that a passive or its converse turns round."""
    for x, y in combinations(links, 2):
        if x.second.position > y.second.position:
            continue
        if converse is not None:
            if (
                x.first.position < converse.first.position < y.first.position
                and x.second.position < converse.second.position < y.second.position
            ):
                return x, y
            continue
        middle = [
            v
            for v in links
            if x.first.position < v.first.position < y.first.position
            and x.second.position < v.second.position < y.second.position
        ]
        if middle:
            return x, y
    return None


def accusative_exchange(
    first: TextReading, second: TextReading, links: Sequence[WordLink]
) -> tuple[WordLink, WordLink] | None:
    """German articles: who acts here suffers there, and the other way round."""
    acting = suffering = None
    for link in links:
        here = first.tokens[link.first.position - 1].plain if link.first.position else ""
        there = second.tokens[link.second.position - 1].plain if link.second.position else ""
        if here in _ACTING and there in _SUFFERING:
            acting = link
        elif here in _SUFFERING and there in _ACTING:
            suffering = link
    return None if acting is None or suffering is None else (acting, suffering)
