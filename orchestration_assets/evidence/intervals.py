"""How sure a counted share is."""

import math
from typing import Final

Z: Final = 1.959964
"""Standard deviations around the mean that hold 95 % of a normal distribution."""


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); the whole range when nothing was counted."""
    if of == 0:
        return 0.0, 1.0
    share, square = right / of, Z * Z
    centre = (share + square / (2 * of)) / (1 + square / of)
    spread = share * (1 - share) / of + square / (4 * of * of)
    half = Z * math.sqrt(spread) / (1 + square / of)
    # rounding must not push the share itself out of its interval
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
