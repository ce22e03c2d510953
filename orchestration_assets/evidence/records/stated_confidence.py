"""What a service's confidence in a record tells beyond how often its values are right.

The odds that a value is right are those of its field times exp(slope * (logit(c) - centre)), where
c is the confidence that the service states in the record and the centre its mean over many. So a
service that is always as sure changes nothing, and one whose confidence tells nothing has the slope
0. The slope is that of a logistic regression with the odds of the field as offset, under a normal
prior around 0.
"""

from collections.abc import Mapping, Sequence
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
        return 0.0 if confidence is None else self.slope * (log_odds(confidence) - self.centre)


Scales = Mapping[str, ConfidenceScale]
"""Service -> how to read its confidence; services that state none are left out."""


def log_odds(confidence: float) -> float:
    """Of a confidence in [0, 1], at most 99 to 1 either way."""
    held = min(max(confidence, _FLOOR), 1.0 - _FLOOR)
    return float(np.log(held / (1.0 - held)))


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value that a service gave: the log-odds that it is right by its field, the confidence in
    the record, the probability that it is right, and how many such it stands for."""

    usual: float
    confidence: float
    right: float
    weight: float = 1.0


def confidence_scale(given: Sequence[GivenValue]) -> ConfidenceScale | None:
    """The scale of one service; None where its confidence is always the same or never stated."""
    if not given:
        return None
    stated = np.array([log_odds(one.confidence) for one in given])
    weights = np.array([one.weight for one in given])
    centre = float((weights * stated).sum() / weights.sum())
    shift = stated - centre
    if not np.abs(shift).max() > _FLOOR:
        return None
    usual = np.array([one.usual for one in given])
    right = np.array([one.right for one in given])
    slope = _slope(usual, shift, right, weights)
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
