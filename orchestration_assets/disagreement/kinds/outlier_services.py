"""Outlier service: one reading stands apart from others that agree among themselves."""

from collections.abc import Sequence
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

FEWEST: Final = 3
_APART: Final = 0.25


def outlier(distances: Sequence[Sequence[float]]) -> Finding | None:
    """From the symmetric distances (n, n) in [0, 1] of n readings; None below three of them.

    The odd one is farthest from all others in the mean. It counts by how much farther it lies
    from its nearest neighbour than the others lie from each other: two camps, or readings that
    all differ, leave nothing of that.
    """
    n = len(distances)
    if n < FEWEST:
        return None
    odd = max(range(n), key=lambda k: (sum(distances[k]), -k))
    others = [k for k in range(n) if k != odd]
    nearest = min(distances[odd][k] for k in others)
    # each of the others must have company, or there are camps
    company = max(min(distances[k][j] for j in others if j != k) for k in others)
    inner = sum(distances[j][k] for j in others for k in others if j < k)
    inner /= len(others) * (len(others) - 1) / 2
    score = nearest - max(company, inner)
    if score < _APART:
        return None
    return Finding(
        min(score, 1.0),
        f"it lies {nearest:.2f} from the nearest of the others, which lie {inner:.2f} apart",
        odd,
    )
