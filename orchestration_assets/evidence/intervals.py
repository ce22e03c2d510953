"""Confidence intervals of counted shares."""

import math
from typing import Final

Z: Final = 1.959964
"""Standard deviations around the mean that hold 95 % of a normal distribution."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); the whole range when nothing was counted."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, Z * Z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = share * (1 - share) / trials + square / (4 * trials * trials)
    half = Z * math.sqrt(spread) / (1 + square / trials)
    # rounding must not push the share itself out of its interval
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
