"""What was said about one part, and how sure several of these are together."""

from collections.abc import Callable, Iterable, Sequence
from math import fsum
from typing import Final, NamedTuple

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Reading, Task

DIGITS: Final = 6
"""Of a joined confidence: sums of floats are not told apart further."""
MOST_NAMED: Final = 3
"""So many parts are named in a reason."""


class PartSaid(NamedTuple):
    """What was said about one part; ``number`` from 1, ``size`` in characters."""

    number: int
    heading: str
    size: int
    reading: Reading


def weight_of(one: PartSaid) -> float:
    """The confidence behind it, one half where none is stated."""
    return confidence_of(one.reading)


def mean_confidence(said: Sequence[PartSaid]) -> float | None:
    """The mean of the stated confidences, each part by its size; None where none is stated."""
    stated = [
        (one.reading.confidence, max(one.size, 1))
        for one in said
        if one.reading.confidence is not None
    ]
    if not stated:
        return None
    total = sum(size for _, size in stated)
    mean = fsum(confidence * size for confidence, size in stated) / total
    return round(min(max(mean, 0.0), 1.0), DIGITS)


def _evidence(said: Iterable[PartSaid]) -> str | None:
    """What the first parts rest on that say so."""
    told = dict.fromkeys(one.reading.evidence for one in said if one.reading.evidence)
    return "; ".join(list(told)[:MOST_NAMED]) or None


def joined_of(
    answer: Answer,
    said: Sequence[PartSaid],
    confidence: float | None,
    alternatives: tuple[Alternative, ...] = (),
) -> Reading:
    """A reading of the joined answer, with what the first parts rest on."""
    return Reading(Status.OK, answer, confidence, alternatives, _evidence(said))


PartJoin = Callable[[Sequence[PartSaid], Task], Reading]
"""From what was said about the parts that have an answer to the joined reading."""
