"""Confidence intervals of counted shares."""

import math
from typing import Final

Z: Final = 1.959964
"""Standard deviations around the mean that hold 95 % of a normal distribution."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); the whole range when nothing was counted."""
    if trials == 0:
        return 0.0, 1.0
    return wilson_of_share(successes / trials, trials, Z)


def wilson_of_share(share: float, size: float, z: float) -> tuple[float, float]:
    """The same for a share in [0, 1] that is as sure as one of ``size`` (above 0) trials; ``z`` is
    the quantile."""
    square = z * z
    centre = (share + square / (2 * size)) / (1 + square / size)
    spread = share * (1 - share) / size + square / (4 * size * size)
    half = z * math.sqrt(spread) / (1 + square / size)
    # rounding must not push the share itself out of its interval
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
