"""Numbers, amounts with units, dates and times of a text, each in one normal form.

``6,000``, ``6 000`` and *six thousand*; ``2024-05-03`` and *3 May 2024*; *a quarter of a pound* and
``4 oz``; *quarter past eight in the evening* and ``20:15``: equal readings stand for equal values.
"""

from dataclasses import dataclass
from math import log
from typing import Final

COUNT: Final = "count"
YEAR: Final = "year"
MONTH: Final = "month"
DAY: Final = "day of month"
WEEKDAY: Final = "weekday"
CLOCK: Final = "time"
CLOCK_UTC: Final = "time in UTC"
SHARE: Final = "share"
PER: Final = "period"
ORDINAL: Final = "place"
DATES: Final = frozenset({YEAR, MONTH, DAY, WEEKDAY, CLOCK, CLOCK_UTC, "season"})

_CONVERTED: Final = 0.03  # a value given in another unit is rounded: 10 miles, 16 km
_APPROXIMATELY: Final = 0.05
_EXACT: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in every sense that its words can have: (dimension, value in the base unit).

    ``number`` is the figure before its unit, ``resolution`` the step of its last digit in the base
    unit; ``first`` and ``last`` are the positions of its tokens, ``start`` and ``end`` characters.
    """

    senses: tuple[tuple[str, float], ...]
    number: float
    resolution: float
    approximate: bool
    first: int
    last: int
    start: int
    end: int

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions of its senses."""
        return frozenset(dimension for dimension, _ in self.senses)


def comparable(one: Quantity, other: Quantity) -> frozenset[str]:
    """The dimensions in which two quantities can be compared; in UTC alone where both say it."""
    shared = one.dimensions & other.dimensions
    return frozenset({CLOCK_UTC}) if CLOCK_UTC in shared else shared


def same_value(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities can stand for one value: equal, or one is the other rounded."""
    shared = comparable(one, other)
    return any(
        a_dimension == b_dimension and a_dimension in shared and _close(a, b, one, other)
        for a_dimension, a in one.senses
        for b_dimension, b in other.senses
    )


def _close(a: float, b: float, one: Quantity, other: Quantity) -> bool:
    apart, size = abs(a - b), max(abs(a), abs(b))
    if apart <= _EXACT * size:
        return True
    if one.number != other.number and one.resolution and other.resolution:
        coarse, fine = max(one.resolution, other.resolution), min(one.resolution, other.resolution)
        if coarse > 1.5 * fine and apart <= 0.5001 * coarse and apart <= 0.2 * size:
            return True
        scales = (a / one.number if one.number else 1.0, b / other.number if other.number else 1.0)
        if abs(scales[0] - scales[1]) > _EXACT * max(scales) and apart <= _CONVERTED * size:
            return True
    return (one.approximate or other.approximate) and apart <= _APPROXIMATELY * size


def same_figure(one: Quantity, other: Quantity) -> bool:
    """The same figure, of which one side leaves out the unit."""
    bare = (one.senses[0][0] == COUNT) != (other.senses[0][0] == COUNT)
    return bare and one.number == other.number != 0.0


def rivals(a: Quantity, b: Quantity) -> bool:
    """Whether two values can fill one place; a year and a count cannot."""
    shared = comparable(a, b)
    mixed = (YEAR in a.dimensions) != (YEAR in b.dimensions)
    return bool(shared) and not (shared == {COUNT} and mixed)


def ratio_apart(one: Quantity, other: Quantity) -> float:
    """How far apart two values are: 1 from a factor of ten on; dates have no degrees."""
    shared = comparable(one, other)
    a = next(value for dimension, value in one.senses if dimension in shared)
    b = next(value for dimension, value in other.senses if dimension in shared)
    if shared <= DATES or a * b <= 0:
        return 1.0
    return min(1.0, abs(log(a / b)) / log(10.0))
