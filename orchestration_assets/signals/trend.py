"""How the accuracy has changed: a later share less an earlier one, with its interval."""

import math
from dataclasses import dataclass

from orchestration_assets.signals.measures import SignalMeasure


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A difference of two shares, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether chance does not explain it: the interval leaves nought out."""
        return self.low > 0.0 or self.high < 0.0


def change(earlier: SignalMeasure, later: SignalMeasure) -> ShareChange | None:
    """The later share less the earlier one, of different items (Newcombe 1998, method 10, from
    the intervals of both); None where one has no interval."""
    if None in (earlier.low, earlier.high, later.low, later.high):
        return None
    below = math.hypot(later.value - _known(later.low), _known(earlier.high) - earlier.value)
    above = math.hypot(_known(later.high) - later.value, earlier.value - _known(earlier.low))
    value = later.value - earlier.value
    return ShareChange(value, max(value - below, -1.0), min(value + above, 1.0))


def _known(end: float | None) -> float:
    assert end is not None
    return end
