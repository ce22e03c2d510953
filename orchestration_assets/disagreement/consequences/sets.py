"""Sets: a dispute when what one service puts first, and what is rare, is nowhere in the other's.

The tail of a list is a matter of where a service stops, and common words say little about what
something is about. A member counts as found when it shares its telling word with a member of the
other set: *error handling* and *handling errors* are no difference.
"""

import math
from collections.abc import Sequence
from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies

MATTERS_FROM: Final = 0.5
"""The share of the weight of one set from which what the other lacks matters: most of it."""
_NAMED: Final = 3


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
        if not known & set(_words(member))
    ]
    total = math.fsum(weights)
    share = math.fsum(weight for weight, _ in lacking) / total if total else 0.0
    return share, [member for _, member in sorted(lacking, key=lambda one: -one[0])]


def _rarity(member: str) -> float:
    """How telling the rarest word of a member is, in [0, 1]."""
    table, rarest = document_frequencies()
    highest = math.log(2.0 * OUT_OF / rarest)
    return max(
        (math.log(OUT_OF / table.get(word, rarest / 2.0)) / highest for word in _words(member)),
        default=1.0,
    )


def _words(member: str) -> list[str]:
    return [fold(word) for word in member.split()] or [member]
