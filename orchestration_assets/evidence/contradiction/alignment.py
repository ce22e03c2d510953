"""Two texts side by side: which words and quantities stand for each other, and what is left."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

from orchestration_assets.evidence.contradiction.lexicon import Lexicon, lexicon
from orchestration_assets.evidence.contradiction.quantities import (
    Quantity,
    rivals,
    same_figure,
    same_value,
)
from orchestration_assets.evidence.contradiction.readings import TextReading, Word

# of a long text, so many words without a partner and so many quantities are compared
_MOST_LEFT: Final = 60
_SPELLED_ALIKE: Final = 0.6
_MIN_PREFIX: Final = 4
_CACHED_WORDS: Final = 65_536


class LinkKind(StrEnum):
    """Why two words are taken for partners."""

    SAME = "same"
    SYNONYM = "synonym"
    SPELLING = "spelling"
    OPPOSITE = "opposite"
    NEGATED = "negated"
    CONVERSE = "converse"
    CONTRAST = "contrast"


AGREEING: Final = frozenset({LinkKind.SAME, LinkKind.SYNONYM, LinkKind.SPELLING})


@dataclass(frozen=True, slots=True)
class WordLink:
    """A word of the first text and its partner in the second."""

    first: Word
    second: Word
    link: LinkKind


@dataclass(frozen=True, slots=True)
class Alignment:
    """``links`` in the order of the first text; ``only_*`` are words without a partner.

    ``equal`` and ``unequal`` are pairs of quantities that can be compared, ``odd_*`` those without
    a counterpart.
    """

    first: TextReading
    second: TextReading
    links: tuple[WordLink, ...]
    only_first: tuple[Word, ...]
    only_second: tuple[Word, ...]
    equal: tuple[tuple[Quantity, Quantity], ...]
    unequal: tuple[tuple[Quantity, Quantity], ...]
    odd_first: tuple[Quantity, ...]
    odd_second: tuple[Quantity, ...]


def align(first: TextReading, second: TextReading) -> Alignment:
    """The alignment of two readings: equal stems, then synonyms and spellings, then opposites."""
    links: list[WordLink] = []
    left, right = list(first.words), list(second.words)
    left, right = _by_key(left, right, links)
    left, right = _acronyms(left, right, links)
    if left and right and len(left) * len(right) <= _MOST_LEFT * _MOST_LEFT:
        for link in _LATER:
            left, right = _by_link(left, right, link, links)
    equal, unequal, odd_first, odd_second = _quantities(first, second, links)
    links.sort(key=lambda link: link.first.position)
    return Alignment(
        first,
        second,
        tuple(links),
        tuple(left),
        tuple(right),
        tuple(equal),
        tuple(unequal),
        tuple(odd_first),
        tuple(odd_second),
    )


def _by_key(
    left: Sequence[Word], right: Sequence[Word], links: list[WordLink]
) -> tuple[list[Word], list[Word]]:
    waiting: defaultdict[str, list[Word]] = defaultdict(list)
    for word in reversed(right):
        waiting[word.key].append(word)
    rest = []
    for word in left:
        partners = waiting.get(word.key)
        if partners:
            links.append(WordLink(word, partners.pop(), LinkKind.SAME))
        else:
            rest.append(word)
    still = {id(word) for words in waiting.values() for word in words}
    return rest, [word for word in right if id(word) in still]


def _acronyms(
    left: list[Word], right: list[Word], links: list[WordLink]
) -> tuple[list[Word], list[Word]]:
    """*MRI* and the words whose initials it is."""
    for shorter, longer, turned in ((left, right, False), (right, left, True)):
        for word in tuple(shorter):
            if not (word.written.isupper() and 2 <= len(word.plain) <= 6):
                continue
            initials = "".join(other.plain[0] for other in longer)
            at = initials.find(word.plain)
            if at < 0:
                continue
            spelled = longer[at : at + len(word.plain)]
            pair = (spelled[0], word) if turned else (word, spelled[0])
            links.append(WordLink(*pair, LinkKind.SYNONYM))
            shorter.remove(word)
            for other in spelled:
                longer.remove(other)
    return left, right


_LATER: Final = (
    LinkKind.NEGATED,
    LinkKind.SYNONYM,
    LinkKind.CONVERSE,
    LinkKind.OPPOSITE,
    LinkKind.SPELLING,
    LinkKind.CONTRAST,
)


def _by_link(
    left: list[Word], right: list[Word], link: LinkKind, links: list[WordLink]
) -> tuple[list[Word], list[Word]]:
    if not left or not right:
        return left, right
    candidates = _CANDIDATES[link](left, right)
    if not candidates:
        return left, right
    related = _RELATIONS[link]
    taken: set[int] = set()
    rest = []
    for word in left:
        partner = next(
            (
                other
                for other in candidates.get(id(word), ())
                if id(other) not in taken and related(word, other)
            ),
            None,
        )
        if partner is None:
            rest.append(word)
        else:
            links.append(WordLink(word, partner, link))
            taken.add(id(partner))
    return rest, [other for other in right if id(other) not in taken]


def _synonyms(one: Word, other: Word) -> bool:
    table = lexicon()
    a, b = table.groups.get(one.plain), table.groups.get(other.plain)
    if a and b and a & b:
        return True
    a_sides, b_sides = table.sides.get(one.plain), table.sides.get(other.plain)
    return bool(a_sides and b_sides and a_sides & b_sides)


def opposites(one: Word, other: Word) -> bool:
    """Whether two words stand on the two sides of an opposition."""
    a, b = lexicon().sides.get(one.plain), lexicon().sides.get(other.plain)
    return bool(a and b and any((axis, -side) in b for axis, side in a))


def _converses(one: Word, other: Word) -> bool:
    a, b = lexicon().converses.get(one.plain), lexicon().converses.get(other.plain)
    return bool(a and b and any((pair, -side) in b for pair, side in a))


def _contrasts(one: Word, other: Word) -> bool:
    a, b = lexicon().contrasts.get(one.plain), lexicon().contrasts.get(other.plain)
    return bool(a and b and a & b)


def _negated(one: Word, other: Word) -> bool:
    """*comfortable* and *uncomfortable*, *harmful* and *harmless*."""
    short, long = sorted((one.plain, other.plain), key=len)
    if len(short) < 4:
        return False
    if long.endswith(short) and long[: -len(short)] in lexicon().negative_prefixes:
        return True
    for head, tail in ((one.plain, other.plain), (other.plain, one.plain)):
        if tail.endswith("less") and (
            tail.removesuffix("less") in (head, head.removesuffix("ful"), head.removesuffix("s"))
        ):
            return True
    return False


def _spelled_alike(one: Word, other: Word) -> bool:
    """A long common beginning; of names, the one with an ending of the other."""
    a, b = one.key, other.key
    if a[:_MIN_PREFIX] != b[:_MIN_PREFIX]:
        return False
    common = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        common += 1
    longest, shortest = max(len(a), len(b)), min(len(a), len(b))
    if common < _MIN_PREFIX:
        return False
    if (one.name or one.opening) and (other.name or other.opening):
        return common == shortest and longest - shortest <= 3
    return common == shortest or common >= _SPELLED_ALIKE * longest


_RELATIONS: Final = {
    LinkKind.SYNONYM: _synonyms,
    LinkKind.OPPOSITE: opposites,
    LinkKind.NEGATED: _negated,
    LinkKind.CONVERSE: _converses,
    LinkKind.SPELLING: _spelled_alike,
    LinkKind.CONTRAST: _contrasts,
}


_Candidates = Mapping[int, Sequence[Word]]
"""The id of a word -> the words of the other text that can be its partner, in their order."""


def _listed(
    listed_in: Callable[[Lexicon], Collection[str]],
) -> Callable[[Sequence[Word], Sequence[Word]], _Candidates]:
    """Only words that the lexicon lists can have a partner of the kind."""

    def candidates(left: Sequence[Word], right: Sequence[Word]) -> _Candidates:
        listed = listed_in(lexicon())
        words = [word for word in left if word.plain in listed]
        others = [word for word in right if word.plain in listed] if words else []
        return {id(word): others for word in words} if others else {}

    return candidates


@cache
def _with_synonyms() -> frozenset[str]:
    return frozenset((*lexicon().groups, *lexicon().sides))


def _negatable(left: Sequence[Word], right: Sequence[Word]) -> _Candidates:
    """Of two words at least one opens or ends as a negated one does."""
    negated = [word for word in right if _may_be_negated(word.plain)]
    return {id(word): right if _may_be_negated(word.plain) else negated for word in left}


@lru_cache(_CACHED_WORDS)
def _may_be_negated(plain: str) -> bool:
    return plain.endswith("less") or plain.startswith(lexicon().negative_prefixes)


def _same_beginning(left: Sequence[Word], right: Sequence[Word]) -> _Candidates:
    by_beginning: defaultdict[str, list[Word]] = defaultdict(list)
    for word in right:
        by_beginning[word.key[:_MIN_PREFIX]].append(word)
    return {
        id(word): others
        for word in left
        if (others := by_beginning.get(word.key[:_MIN_PREFIX])) is not None
    }


_CANDIDATES: Final[Mapping[LinkKind, Callable[[Sequence[Word], Sequence[Word]], _Candidates]]] = {
    LinkKind.NEGATED: _negatable,
    LinkKind.SYNONYM: _listed(lambda _: _with_synonyms()),
    LinkKind.CONVERSE: _listed(lambda table: table.converses),
    LinkKind.OPPOSITE: _listed(lambda table: table.sides),
    LinkKind.SPELLING: _same_beginning,
    LinkKind.CONTRAST: _listed(lambda table: table.contrasts),
}


_QuantityPairs = list[tuple[Quantity, Quantity]]


def _quantities(
    first: TextReading, second: TextReading, links: Sequence[WordLink]
) -> tuple[_QuantityPairs, _QuantityPairs, list[Quantity], list[Quantity]]:
    left, right = list(first.quantities[:_MOST_LEFT]), list(second.quantities[:_MOST_LEFT])
    equal: _QuantityPairs = []
    unequal: _QuantityPairs = []
    left, right = _paired(left, right, same_value, equal)
    left, right = _paired(left, right, same_figure, equal)
    partners = {link.first.position: link.second.position for link in links}
    left, right = _paired(
        left, right, lambda a, b: rivals(a, b) and _same_place(a, b, partners), unequal
    )
    left, right = _paired(left, right, rivals, unequal)
    return equal, unequal, left, right


def _same_place(a: Quantity, b: Quantity, partners: dict[int, int]) -> bool:
    """Whether a word right beside the one is the partner of a word beside the other."""
    for step in (1, 2):
        for edge_a, edge_b, way in ((a.last, b.last, step), (a.first, b.first, -step)):
            partner = partners.get(edge_a + way)
            if partner is not None and abs(partner - edge_b) <= 2:
                return True
    return False


def _paired(
    left: list[Quantity],
    right: list[Quantity],
    related: Callable[[Quantity, Quantity], bool],
    pairs: _QuantityPairs,
) -> tuple[list[Quantity], list[Quantity]]:
    rest = []
    for one in left:
        partner = next((other for other in right if related(one, other)), None)
        if partner is None:
            rest.append(one)
        else:
            pairs.append((one, partner))
            right = [other for other in right if other is not partner]
    return rest, right


def gaps(alignment: Alignment) -> Iterator[tuple[tuple[Word, ...], tuple[Word, ...]]]:
    """Runs of words without partner that stand in the same place of both texts."""
    partner_of = {id(link.first): link.second for link in alignment.links}
    second_words = alignment.second.words
    place_of = {id(word): place for place, word in enumerate(second_words)}
    lonely = {id(word) for word in alignment.only_second}
    used: set[int] = set()
    run: list[Word] = []
    before = -1
    words = [*alignment.first.words, None]
    lonely_first = {id(word) for word in alignment.only_first}
    for word in words:
        if word is not None and id(word) in lonely_first:
            run.append(word)
            continue
        partner = None if word is None else partner_of.get(id(word))
        behind = len(second_words) if partner is None else place_of[id(partner)]
        if run:
            forward = _run(second_words, before + 1, 1, lonely, used)
            backward = _run(second_words, behind - 1, -1, lonely, used)
            other = forward or tuple(reversed(backward))
            used |= {id(found) for found in other}
            yield tuple(run), other
            run = []
        before = behind if partner is not None else before


def _run(
    words: Sequence[Word], start: int, step: int, lonely: set[int], used: set[int]
) -> tuple[Word, ...]:
    found = []
    place = start
    while 0 <= place < len(words) and id(words[place]) in lonely and id(words[place]) not in used:
        found.append(words[place])
        place += step
    return tuple(found)
