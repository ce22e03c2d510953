"""The places in which two texts differ."""

from dataclasses import dataclass
from enum import StrEnum

from orchestration_assets.evidence.contradiction.quantities import (
    DATES,
    ORDINAL,
    PER,
    YEAR,
    Quantity,
    comparable,
)


class DifferenceKind(StrEnum):
    """What it is that two answers say differently."""

    NAME = "name"
    DATE = "date"
    AMOUNT = "amount"
    UNIT = "unit"
    NEGATION = "negation"
    POLARITY = "polarity"
    ROLE = "role"
    CAUSE = "cause"
    EXTENT = "extent"
    WORDING = "wording"


@dataclass(frozen=True, slots=True)
class Difference:
    """One differing place: characters of both texts, and how sure its kind is, in [0, 1].

    ``size``: how far apart the two values are, in [0, 1]; 1 where that has no degrees.
    """

    kind: DifferenceKind
    first: tuple[int, int]
    second: tuple[int, int]
    strength: float
    size: float = 1.0


def quantity_kind(one: Quantity, other: Quantity) -> DifferenceKind:
    """What two unequal values that can be compared differ in."""
    shared = comparable(one, other)
    if shared <= DATES or any(dimension.startswith(ORDINAL) for dimension in shared):
        return DifferenceKind.DATE
    if PER in shared or (one.number and one.number == other.number):
        return DifferenceKind.UNIT
    return DifferenceKind.DATE if YEAR in shared else DifferenceKind.AMOUNT
