"""Sets differ by the weight of the members that only one of them has.

Members stand in the order of their weight. The member of rank r (from 0) weighs 1 / log2(r + 2),
the discount of discounted cumulative gain (Järvelin and Kekäläinen 2002): a missing first member
tells more than a missing tenth. Order alone makes no distance, because two services that found
the same members agree. Members are compared without case and regular plural.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from orchestration_assets.evidence.distances.folding import fold

_CACHED_WORDS: Final = 65_536
_folded = lru_cache(_CACHED_WORDS)(fold)


def set_distance(first: Sequence[str], second: Sequence[str]) -> float:
    """1 - weight of the shared members / weight of all members, in [0, 1]; two empty sets: 0.

    A weighted Jaccard distance in which a member weighs what its better rank gives it.
    """
    a, b = member_weights(first), member_weights(second)
    if a.keys() == b.keys():
        return 0.0
    # fsum: the same value whichever set comes first
    shared = math.fsum(max(a[key], b[key]) for key in a.keys() & b.keys())
    every = math.fsum(max(a.get(key, 0.0), b.get(key, 0.0)) for key in a.keys() | b.keys())
    return 1.0 - shared / every


def member_weights(members: Sequence[str]) -> dict[str, float]:
    """Folded member -> weight of its best rank, in (0, 1]."""
    weights: dict[str, float] = {}
    for rank, member in enumerate(members):
        weights.setdefault(_folded(member), 1.0 / math.log2(rank + 2))
    return weights


def exclusive_members(
    first: Sequence[str], second: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The members that only one side has, as it wrote them and in its order."""
    a, b = member_weights(first), member_weights(second)
    return (
        tuple(member for member in first if _folded(member) not in b),
        tuple(member for member in second if _folded(member) not in a),
    )
