"""Outlier service: one reading stands apart from others that agree among themselves."""

from collections.abc import Sequence
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

MIN_READINGS: Final = 3
_MIN_SCORE: Final = 0.25


def outlier(distances: Sequence[Sequence[float]]) -> Finding | None:
    """From the symmetric distances (n, n) in [0, 1] of n readings; None below three of them.

    The odd one is farthest from all others in the mean. It counts by how much farther it lies
    from its nearest neighbour than the others lie from each other: two camps, or readings that
    all differ, leave nothing of that.
    """
    n = len(distances)
    if n < MIN_READINGS:
        return None
    outlier_position = max(range(n), key=lambda k: (sum(distances[k]), -k))
    others = [k for k in range(n) if k != outlier_position]
    nearest = min(distances[outlier_position][k] for k in others)
    # each of the others must have company, or there are camps
    company = max(min(distances[k][j] for j in others if j != k) for k in others)
    inner = sum(distances[j][k] for j in others for k in others if j < k)
    inner /= len(others) * (len(others) - 1) / 2
    score = nearest - max(company, inner)
    if score < _MIN_SCORE:
        return None
    return Finding(
        min(score, 1.0),
        f"it lies {nearest:.2f} from the nearest of the others, which lie {inner:.2f} apart",
        outlier_position,
    )
