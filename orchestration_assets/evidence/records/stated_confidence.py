"""What a service's confidence in a record tells beyond how often its values are right.

The odds that a value is right are those of its field times exp(slope * (logit(c) - centre)), where
c is the confidence that the service states in the record and the centre its mean over many. So a
service that is always as sure changes nothing, and one whose confidence tells nothing has the slope
0. The slope is that of a logistic regression with the odds of the field as offset, under a normal
prior around 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from orchestration_assets.evidence.records.field_model import Floats

_SPREAD: Final = 0.5
_MOST: Final = 2.0
_FLOOR: Final = 0.01
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class ConfidenceScale:
    """How to read the confidence of one service: ``slope`` in [0, 2], ``centre`` a log-odds."""

    slope: float
    centre: float

    def shift(self, confidence: float | None) -> float:
        """What is added to the log-odds of each value of a record; 0 where none is stated."""
        if confidence is None:
            return 0.0
        return self.slope * (float(log_odds(np.array([confidence]))[0]) - self.centre)


Scales = Mapping[str, ConfidenceScale]
"""Service -> how to read its confidence; services that state none are left out."""


def log_odds(confidences: Floats) -> Floats:
    """Of confidences (n,) in [0, 1], at most 99 to 1 either way."""
    held = np.clip(confidences, _FLOOR, 1.0 - _FLOOR)
    odds: Floats = np.log(held / (1.0 - held))
    return odds


@dataclass(frozen=True, slots=True)
class GivenValues:
    """Values that a service gave (n,): the log-odds that each is right by its field (``usual``),
    the ``stated`` confidence in its record, the probability that it is ``right``, and its
    ``weight``, above 0."""

    usual: Floats
    stated: Floats
    right: Floats
    weight: Floats


def confidence_scale(given: GivenValues) -> ConfidenceScale | None:
    """The scale of one service; None where its confidence is always the same or never stated."""
    if not len(given.stated):
        return None
    stated = log_odds(given.stated)
    centre = float((given.weight * stated).sum() / given.weight.sum())
    shift = stated - centre
    if not np.abs(shift).max() > _FLOOR:
        return None
    slope = _slope(given.usual, shift, given.right, given.weight)
    return ConfidenceScale(min(max(slope, 0.0), _MOST), centre)


def _slope(usual: Floats, shift: Floats, right: Floats, weights: Floats) -> float:
    """The slope of a logistic regression through the origin, by Newton's method."""
    slope = 0.0
    for _ in range(_STEPS):
        told = 1.0 / (1.0 + np.exp(-np.clip(usual + slope * shift, -30.0, 30.0)))
        gradient = float((weights * shift * (right - told)).sum()) - slope / _SPREAD**2
        bend = float((weights * shift**2 * told * (1.0 - told)).sum()) + 1.0 / _SPREAD**2
        # no step so far that it leaves where the curve is that of a square
        step = min(max(gradient / bend, -1.0), 1.0)
        slope += step
        if abs(step) < 1e-9:
            break
    return slope
