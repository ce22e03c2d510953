"""What a taught service may promise: how much of all items it would answer otherwise than its
teacher, at most, and from which sureness on it may answer to keep that.

The *loss* is the share of all items on which it answers and its teacher would have answered
otherwise: what is passed on costs nothing. It grows with every item that is answered, so the lowest
sureness whose bound, and that of every higher one, is within the promise is chosen without paying
for the choice (Bates et al. 2021, risk-controlling prediction sets).

Two bounds are given, both of 97.5 % on one side.

*Estimated*: held-out agreement falls off smoothly with sureness, as a logistic curve with a lapse
(errors that have nothing to do with sureness, as in psychometric curves; Wichmann and Hill 2001).
Without any sureness the odds are about even. The bound is the quantile of the loss over all curves
by how well they explain the lessons. It needs few lessons, and rests on the curve; at most half of
all errors are taken for lapses.

*Exact*: Clopper and Pearson's (1934) upper limit of the errors counted among all sampled lessons,
whatever the curve. Without any error among ``n`` lessons it is 1 - 0.025^(1/n): 3.6 % of 100,
0.37 % of 1,000, and a promise of 0.5 % takes 736 lessons.
"""

import math
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Guarantee = Literal["estimated", "exact"]

CONFIDENCE: Final = 0.975

# the part of all errors that may have nothing to do with sureness, with its weight beforehand;
# where errors are many, a coarser step below 2 % would by itself be a whole promise
_LAPSE_PARTS: Final = (
    *((part, 0.4) for part in (0.0, 0.005, 0.01, 0.015, 0.02)),
    *((part, 1.0) for part in (0.05, 0.1, 0.2, 0.35, 0.5)),
)
# middle and spread of the place, 0 where the odds are even at no sureness, and of the logarithm of
# the slope
_PLACE: Final = (0.0, 1.0)
_LOG_SLOPE: Final = (math.log(3.0), 1.0)
_LARGEST_LOG_SLOPE: Final = 5.0
_STEPS: Final = 9
_REACH: Final = 3.6  # standard deviations of the curve's parameters to either side
_LEAST_WEIGHT: Final = 1e-7
_LARGEST_EXPONENT: Final = 50.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """``threshold``: the least sureness that is answered, None where nothing can be promised.

    ``coverage``: share of all items that it would answer. ``loss``: expected by the curve, as a
    share of all items; ``loss_bound`` its upper bound, ``exact_bound`` that of counting alone.
    ``differing``: errors counted among the ``lessons`` that were held out. ``slope``, ``place`` and
    ``lapse`` make the middle curve, by which single answers are told how sure they are.
    """

    threshold: float | None
    coverage: float
    loss: float
    loss_bound: float
    exact_bound: float
    differing: int
    lessons: int
    curve: "AgreementCurve"


@dataclass(frozen=True, slots=True)
class AgreementCurve:
    """Probability of another answer than the teacher's:
    lapse + (1 - lapse) / (1 + exp(place + slope * sureness))."""

    place: float
    slope: float
    lapse: float

    def agreement(self, sureness: float) -> float:
        """The probability in [0, 1] that the teacher would answer the same."""
        return 1.0 - float(_differs(self.lapse, self.place, self.slope, np.array([sureness]))[0])


@dataclass(frozen=True)
class _Curves:
    """Curves (c,) with their posterior weights (c,)."""

    lapse: Floats
    place: Floats
    slope: Floats
    weight: Floats


def certify(
    sureness: Floats, agrees: Bools, at_most: float, guarantee: Guarantee = "estimated"
) -> Certificate:
    """The most that can be answered within a loss of ``at_most``.

    ``sureness`` (n,) of held-out guesses, minus infinity where the model abstains; ``agrees`` (n,)
    whether the teacher answered the same. Every item stands for as many.
    """
    size = len(sureness)
    order = np.argsort(-sureness, kind="stable")
    surest = sureness[order]
    answered = int(np.isfinite(surest).sum())
    wrong = np.cumsum(~agrees[order])
    if answered == 0:
        flat = AgreementCurve(0.0, 0.0, 0.0)
        return Certificate(None, 0.0, 0.0, 1.0, exact_bound(0, size), 0, size, flat)
    curves = _curves(surest[:answered], ~agrees[order][:answered])
    losses = np.cumsum(_of_curves(curves, surest[:answered]), axis=1) / size

    def bound(count: int) -> float:
        return _quantile(losses[:, count - 1], curves.weight, CONFIDENCE)

    def within(count: int) -> bool:
        if guarantee == "exact" and exact_bound(int(wrong[count - 1]), size) > at_most:
            return False
        return bound(count) <= at_most

    count = _last(answered, within)
    # of equally sure items all are answered, or none
    while 0 < count < size and surest[count - 1] == surest[count]:
        count -= 1
    curve = _middle_curve(curves)
    if count == 0:
        return Certificate(None, 0.0, 0.0, bound(1), exact_bound(0, size), 0, size, curve)
    return Certificate(
        threshold=float(surest[count - 1]),
        coverage=count / size,
        loss=float(losses[:, count - 1] @ curves.weight),
        loss_bound=bound(count),
        exact_bound=exact_bound(int(wrong[count - 1]), size),
        differing=int(wrong[count - 1]),
        lessons=size,
        curve=curve,
    )


def exact_bound(errors: int, size: int) -> float:
    """Clopper and Pearson's upper limit of a share of which ``errors`` of ``size`` were counted."""
    from scipy.stats import beta

    if errors >= size:
        return 1.0
    return float(beta.ppf(CONFIDENCE, errors + 1, size - errors))


def _last(most: int, holds: Any) -> int:
    """The largest count up to ``most`` until which ``holds`` is true; it is monotone."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(weights[order]), share)
    return float(values[order][min(int(reached), len(values) - 1)])


def _curves(sureness: Floats, wrong: Bools) -> _Curves:
    """The posterior over curves, on a grid around the best curve of each lapse (Laplace)."""
    from scipy.optimize import minimize

    errors = (float(wrong.sum()) + 0.5) / (len(wrong) + 1.0)
    steps = np.linspace(-_REACH, _REACH, _STEPS)
    grid = np.array(list(product(steps, steps)))
    parts: list[tuple[float, float, float, float]] = []
    for part, prior in _LAPSE_PARTS:
        lapse = part * errors

        def surprise(curve: Floats, lapse: float = lapse) -> float:
            return _surprise(lapse, curve, sureness, wrong)

        best = minimize(surprise, [_PLACE[0], _LOG_SLOPE[0]], method="BFGS")
        root = np.linalg.cholesky(best.hess_inv + 1e-9 * np.eye(2))
        log_volume = float(np.log(prior * np.abs(np.linalg.det(root))))
        for place, log_slope in best.x + grid @ root.T:
            log_weight = log_volume - surprise(np.array([place, log_slope]))
            slope = math.exp(min(log_slope, _LARGEST_LOG_SLOPE))
            parts.append((lapse, float(place), slope, log_weight))
    lapses, places, slopes, log_weights = (np.array(part) for part in zip(*parts, strict=True))
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    kept = weights > _LEAST_WEIGHT
    weights = weights[kept] / weights[kept].sum()
    return _Curves(lapses[kept], places[kept], slopes[kept], weights)


def _surprise(lapse: float, curve: Floats, sureness: Floats, wrong: Bools) -> float:
    """Minus the logarithm of likelihood times prior."""
    place, log_slope = (float(part) for part in curve)
    slope = math.exp(min(log_slope, _LARGEST_LOG_SLOPE))
    differs = np.clip(_differs(lapse, place, slope, sureness), 1e-12, 1.0 - 1e-12)
    likelihood = float(np.log(np.where(wrong, differs, 1.0 - differs)).sum())
    off_place = (place - _PLACE[0]) / _PLACE[1]
    off_slope = (log_slope - _LOG_SLOPE[0]) / _LOG_SLOPE[1]
    return 0.5 * (off_place**2 + off_slope**2) - likelihood


def _of_curves(curves: _Curves, sureness: Floats) -> Floats:
    """(c, n) probabilities of another answer than the teacher's."""
    lapse, place, slope = (one[:, None] for one in (curves.lapse, curves.place, curves.slope))
    return _differs(lapse, place, slope, sureness)


def _differs(lapse: Any, place: Any, slope: Any, sureness: Floats) -> Floats:
    exponent = np.clip(place + slope * sureness, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    found: Floats = lapse + (1.0 - lapse) / (1.0 + np.exp(exponent))
    return found


def _middle_curve(curves: _Curves) -> AgreementCurve:
    """The curve of the mean parameters."""
    weight = curves.weight
    slope = float(np.exp(np.log(curves.slope) @ weight))
    return AgreementCurve(float(curves.place @ weight), slope, float(curves.lapse @ weight))
