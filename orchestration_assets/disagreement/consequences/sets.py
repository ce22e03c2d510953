"""Sets: a dispute when what one service puts first, and what is rare, is nowhere in the other's.

The tail of a list is a matter of where a service stops, and common words say little about what
something is about. A member counts as found when it shares a telling word with a member of the
other set: *error handling* and *handling errors* are no difference, *state of the art* and *end of
the day* are one.
"""

import math
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies
from orchestration_assets.text.function_words import function_words

MATTERS_FROM: Final = 0.5
"""The share of the weight of one set from which what the other lacks matters: most of it."""
_NAMED: Final = 3
_TELLING: Final = 0.5
"""Of the rarity of a member's rarest word: less telling ones are no ground to hold two members for
one."""
_WORD: Final = re.compile(r"[^\W_]+")
# Chinese and Japanese write no spaces: pairs are the most common length of a word
_UNSPACED: Final = re.compile(r"[\u3040-\u9fff]{2,}")
_CACHED_MEMBERS: Final = 16_384


def judge_sets(name_a: str, first: Sequence[str], name_b: str, second: Sequence[str]) -> Judgement:
    """What the difference of two sets comes to, each in the order of its weight.

    A member weighs 1 / log2(rank + 2), ranks from 0 (Järvelin and Kekäläinen 2002), times how rare
    its rarest word is: ln(10,000 / document frequency), as a share of that of a word that no table
    lists. An empty set and another differ in all.
    """
    lacks = [(name_a, *_missing(first, second), name_b), (name_b, *_missing(second, first), name_a)]
    name, share, members, other = max(lacks, key=lambda lack: lack[1])
    leading = bool(members) and members[0] in (first, second)[name == name_b][:_NAMED]
    if share < MATTERS_FROM or not leading:
        return harmless("what one of them alone has is common, or stands at the end of its list")
    shown = ", ".join(f"\u201c{member}\u201d" for member in members[:_NAMED])
    return Judgement(
        Consequence.MISSING_MEMBERS, share, f"{name} puts {shown} first, {other} has none of it"
    )


def _missing(own: Sequence[str], others: Sequence[str]) -> tuple[float, list[str]]:
    """The share of a set's weight that the other lacks, and these members, the weightiest first."""
    known = {word for member in others for word in _words(member)}
    weights = [_rarity(member) / math.log2(rank + 2) for rank, member in enumerate(own)]
    lacking = [
        (weight, member)
        for weight, member in zip(weights, own, strict=True)
        if known.isdisjoint(_telling_words(member))
    ]
    total = math.fsum(weights)
    share = math.fsum(weight for weight, _ in lacking) / total if total else 0.0
    return share, [member for _, member in sorted(lacking, key=lambda one: -one[0])]


def _rarity(member: str) -> float:
    """How telling the rarest word of a member is, in [0, 1]."""
    return max(map(_word_rarity, _words(member)))


@lru_cache(_CACHED_MEMBERS)
def _telling_words(member: str) -> frozenset[str]:
    least = _TELLING * _rarity(member)
    return frozenset(word for word in _words(member) if _word_rarity(word) >= least)


def _word_rarity(word: str) -> float:
    """The table lists no words of one or two letters: function words among them tell nothing."""
    table, rarest = document_frequencies()
    if word not in table and word in _function_words():
        return 0.0
    return math.log(OUT_OF / table.get(word, rarest / 2.0)) / math.log(2.0 * OUT_OF / rarest)


@lru_cache(_CACHED_MEMBERS)
def _words(member: str) -> tuple[str, ...]:
    """Its words without case and plural, the member itself where it has none."""
    words = [word for piece in _WORD.findall(member) for word in _unspaced(piece)]
    return tuple(map(fold, words)) or (fold(member),)


def _unspaced(word: str) -> list[str]:
    if not _UNSPACED.fullmatch(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]


@cache
def _function_words() -> frozenset[str]:
    return frozenset().union(*function_words().values())
