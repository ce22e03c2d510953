"""Scores: a dispute when two services lie in different bands of the scale, by more than is usual
for the two at this place of it.

Services use a scale differently, and differently at its ends: what is usual between two of them is
the median of their differences on the items with the nearest scores, and how far these scatter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.items import Task

MIN_COMPARED: Final = 20
"""Items that both services scored, from which on they tell what is usual between them."""
_NEAREST: Final = 50
_UNUSUAL: Final = 3.0
"""Robust standard deviations beyond which a difference is no longer usual."""
MAD_TO_DEVIATION: Final = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""
_LEAST_DEVIATION: Final = 0.02
"""Of the length of the scale: services that nearly always agree may still differ by so much."""


@dataclass(frozen=True, slots=True)
class UsualDifference:
    """What two services differ by at places of the scale: ``places`` (n,) in rising order and
    ``differences`` (n,), first less second, of the items that both scored."""

    places: Floats
    differences: Floats
    length: float

    def at(self, place: float) -> tuple[float, float] | None:
        """The median difference of the nearest 50 items and its robust deviation; None where
        fewer than 20 are known."""
        if len(self.places) < MIN_COMPARED:
            return None
        count = min(_NEAREST, len(self.places))
        middle = int(np.searchsorted(self.places, place))
        start = min(max(middle - count // 2, 0), len(self.places) - count)
        near = self.differences[start : start + count]
        usual = float(np.median(near))
        deviation = MAD_TO_DEVIATION * float(np.median(np.abs(near - usual)))
        return usual, max(deviation, _LEAST_DEVIATION * self.length)


def usual_difference(scores: Sequence[tuple[float, float]], task: Task) -> UsualDifference:
    """What is usual between two services, by their scores of the same items."""
    pairs = np.array(scores, dtype=np.float64).reshape(-1, 2)
    places = pairs.mean(axis=1)
    order = np.argsort(places, kind="stable")
    lowest, highest = task.scale
    return UsualDifference(places[order], (pairs[:, 0] - pairs[:, 1])[order], highest - lowest)


def judge_scores(
    name_a: str, first: float, name_b: str, second: float, task: Task, usual: UsualDifference
) -> Judgement:
    """What the difference of two scores comes to.

    Where too few items tell what is usual, the gap must reach ``disagree_at`` of the scale.
    """
    gap = abs(first - second) / usual.length
    bands = band_of(first, task), band_of(second, task)
    sentence = f"{name_a} gives {_shown(first, task)}, {name_b} {_shown(second, task)}"
    if bands[0] == bands[1]:
        return harmless(f"{sentence}: both lie {in_words(bands[0], task)}")
    known = usual.at((first + second) / 2.0)
    if known is None:
        beyond, by = gap >= task.disagree_at, "too few items tell what is usual between them"
    else:
        middle, deviation = known
        by_chance = _UNUSUAL * deviation
        # two that lie nearer to each other than is usual agree
        lowest, highest = min(0.0, middle - by_chance), max(0.0, middle + by_chance)
        beyond = not lowest <= first - second <= highest
        by = f"usual between them here are {middle:+.2g} ± {by_chance:.2g}"
    if not beyond:
        return harmless(f"{sentence}: {by}")
    return Judgement(
        Consequence.OTHER_BAND,
        gap,
        f"{sentence}: {in_words(bands[0], task)} against {in_words(bands[1], task)}; {by}",
    )


def band_of(score: float, task: Task) -> int:
    """The number of the band that a score lies in, the lowest being 0."""
    return sum(score >= cut for cut in cuts_of(task))


def _shown(score: float, task: Task) -> str:
    """The score with three digits, and with more where these would put it into another band."""
    rounded = f"{score:.3g}"
    return rounded if band_of(float(rounded), task) == band_of(score, task) else f"{score}"


def cuts_of(task: Task) -> tuple[float, ...]:
    """Where one band of the scale ends and the next begins: the policy's, else its thirds."""
    if task.bands:
        return task.bands
    lowest, highest = task.scale
    step = (highest - lowest) / 3.0
    return (lowest + step, highest - step)


def in_words(band: int, task: Task) -> str:
    """The band as a person says it."""
    cuts = cuts_of(task)
    if band == 0:
        return f"below {cuts[0]:.3g}"
    if band == len(cuts):
        return f"from {cuts[-1]:.3g} on"
    return f"between {cuts[band - 1]:.3g} and {cuts[band]:.3g}"
