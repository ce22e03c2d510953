"""One text as it is compared: its content words, quantities, and what turns or restricts it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from orchestration_assets.evidence.contradiction.lexicon import folded, lexicon
from orchestration_assets.evidence.contradiction.quantities import Quantity
from orchestration_assets.evidence.contradiction.quantity_reader import quantities_of
from orchestration_assets.evidence.contradiction.tokens import Token, tokens_of
from orchestration_assets.text.function_words import ENGLISH, function_words

MOST_CHARS: Final = 4_000
"""Of a text, so much is compared."""
_CACHED_TEXTS: Final = 1_024
_CACHED_WORDS: Final = 65_536
_UNSPACED_FROM: Final = "\u3040"
_UNSPACED_TO: Final = "\uac00"
_MIN_STEM: Final = 3
_ENDINGS: Final = (
    "ations ation ments ment ities ity ingly edly ings ing ies ied ied ern ed es en er em ly s e n"
).split()
_MIN_TITLED: Final = 4
_TITLED_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Word:
    """A content word: ``key`` is its stem; ``position`` counts tokens; ``start``/``end`` are
    characters. ``name``: capitalised inside a sentence, or a mark of letters and digits."""

    written: str
    plain: str
    key: str
    name: bool
    opening: bool
    position: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextReading:
    """What is compared of a text.

    ``negations`` and ``causes`` are positions of tokens; ``passive``: somebody is named behind the
    verb; ``universal``, ``partial``, ``exception``: it speaks of all, of some, of all but some;
    ``reply``: it opens with yes (True) or no (False).
    """

    text: str
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    quantities: tuple[Quantity, ...]
    negations: tuple[int, ...]
    passive: bool
    causes: tuple[int, ...]
    universal: bool
    partial: bool
    exception: bool
    reply: bool | None


@lru_cache(_CACHED_TEXTS)
def read_text(text: str) -> TextReading:
    """The reading of a text's first 4,000 characters."""
    text = text[:MOST_CHARS]
    tokens = tokens_of(text)
    table = lexicon()
    quantities = quantities_of(tokens)
    taken = {place for one in quantities for place in range(one.first, one.last + 1)}
    plains = [token.plain for token in tokens]
    language = _language(plains)
    reply = _reply(text, tokens)
    capitals = language != "de" and not _titled(tokens)
    words: list[Word] = []
    for place, token in enumerate(tokens):
        if place in taken or (place == 0 and reply is not None) or not token.plain[0].isalnum():
            continue
        if _UNSPACED_FROM <= token.written[0] < _UNSPACED_TO:
            words += _pairs(token, place)
            continue
        plain = _bare(token.plain)
        written = _bare(token.written)
        upper = written[:1].isupper()
        opening = upper and _opens(text, token.start)
        marked = any(map(str.isdecimal, plain))
        name = marked or (upper and capitals and not opening)
        meant = plain in table.sides or plain in table.contrasts
        if plain in table.negations or token.plain.endswith(("n't", "n\u2019t")):
            continue
        if (plain in _skipped(language) and not meant and not (name and len(plain) > 1)) or (
            plain in table.auxiliaries
            or plain in table.courtesies
            or (plain in table.causes and not meant)
        ):
            continue
        if len(plain) == 1 and not name and not upper:
            continue
        words.append(
            Word(
                written,
                plain,
                stem(plain),
                name,
                opening,
                place,
                token.start,
                token.end,
            )
        )
    return TextReading(
        text,
        tuple(tokens),
        tuple(words),
        tuple(quantities),
        _negations(plains, language, 0 if reply is None else 1),
        _passive(plains),
        tuple(place for place, plain in enumerate(plains) if plain in table.causes),
        not table.universal.isdisjoint(plains),
        not table.partial.isdisjoint(plains),
        not table.exceptions.isdisjoint(plains),
        reply,
    )


def _titled(tokens: Sequence[Token]) -> bool:
    """Whether Every Word Has a Capital, so that capitals make no names."""
    long = [token.written[0].isupper() for token in tokens[1:] if len(token.written) >= _MIN_TITLED]
    return len(long) >= _MIN_TITLED and sum(long) >= _TITLED_SHARE * len(long)


def _bare(plain: str) -> str:
    """Without 's, l' and d'."""
    if plain.isalnum():
        return plain
    for mark in ("'", "\u2019"):
        head, found, tail = plain.partition(mark)
        if found:
            return head if len(tail) <= 2 or not tail else tail
    return plain


def _pairs(token: Token, place: int) -> list[Word]:
    """Chinese and Japanese write no spaces: pairs are the most common length of a word."""
    written = token.written
    pairs = [written[at : at + 2] for at in range(len(written) - 1)] or [written]
    return [
        Word(pair, pair, pair, False, False, place, token.start + at, token.start + at + len(pair))
        for at, pair in enumerate(pairs)
    ]


def _opens(text: str, start: int) -> bool:
    before = text[max(0, start - 6) : start].rstrip(" \"'\u201c\u201e\u00ab(*#>-")
    return not before or before[-1] in ".!?:;\n\u3002"


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for language, words in function_words().items():
        for word in words:
            owners.setdefault(folded(word), []).append(language)
    return {word: tuple(languages) for word, languages in owners.items()}


@cache
def _skipped(language: str) -> frozenset[str]:
    return frozenset(map(folded, function_words()[language]))


def _language(plains: Sequence[str]) -> str:
    """The language with most function words in the text; English where it is unclear.

    A word that several languages have counts for each of them in part.
    """
    owners = _languages()
    hits: defaultdict[str, float] = defaultdict(float)
    for plain in set(plains):
        for language in (languages := owners.get(plain, ())):
            hits[language] += 1 / len(languages)
    best = min(hits, key=lambda language: (-hits[language], language), default=ENGLISH)
    return best if hits[best] > hits[ENGLISH] else ENGLISH


def _reply(text: str, tokens: Sequence[Token]) -> bool | None:
    """Whether the text opens with yes (True) or no (False), by itself or before a comma."""
    if not tokens or (len(tokens) > 1 and text[tokens[0].end] not in ",.;:!"):
        return None
    if tokens[0].plain in lexicon().affirming:
        return True
    return False if tokens[0].plain in lexicon().denying else None


def _negations(plains: Sequence[str], language: str, start: int) -> tuple[int, ...]:
    """Positions of negations that count: two of one clause (*ne ... pas*) are one outside
    English, and *no one but*, *nothing except* say *only*."""
    table = lexicon()
    places: list[int] = []
    for place, plain in enumerate(plains[start:], start):
        negated = plain in table.negations or plain.endswith(("n't", "n\u2019t"))
        if not negated or (plain == "no" and language in ("pt", "it")):
            continue
        following = plains[place + 1 : place + 4]
        if any(word in _BUT for word in following):
            continue
        if plain == "not" and following[:1] == ["only"]:
            continue
        if language != ENGLISH and places and place - places[-1] <= 4:
            continue
        places.append(place)
    return tuple(places)


_BUT: Final = frozenset(
    "but except other besides save ausser sauf que salvo excepto unless".split()
)


def _passive(plains: Sequence[str]) -> bool:
    """Whether somebody is said to do it behind the verb: *was done by*."""
    table = lexicon()
    if table.passives.isdisjoint(plains):
        return False
    return any(
        plain in table.passives and any(back in table.auxiliaries for back in plains[:place])
        for place, plain in enumerate(plains)
    )


@lru_cache(_CACHED_WORDS)
def stem(plain: str) -> str:
    """The word without common endings of inflection; irregular forms as their base."""
    plain = lexicon().bases.get(plain, plain)
    for ending in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) >= _MIN_STEM:
            plain = plain[: -len(ending)]
            break
    if len(plain) > _MIN_STEM and plain[-1] == plain[-2]:
        plain = plain[:-1]
    return plain[:-1] + "i" if plain.endswith("y") else plain
