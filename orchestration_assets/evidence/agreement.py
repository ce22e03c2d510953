"""How probably an answer is right, by who gives it, who gives another, and how sure each is.

A logistic regression that never looks at which label is meant. What it cannot express, such as
confusions of single labels, it cannot get wrong either; and unlike a product of likelihoods it
weighs services jointly, so that two which err together do not count twice.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from orchestration_assets.evidence.logistic import fit_logistic
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints

_KNOTS: Final = 64
_LEAST_SCALE: Final = 1e-6


@dataclass(frozen=True)
class AgreementModel:
    """What was learnt about ``K`` services.

    ``knots`` (K, 64): quantiles of each service's confidence, NaN where it states none.
    ``middle``, ``scale`` and ``weights`` (3 K,) are of the features, ``offset`` is the log-odds
    where all of them are at their middle.
    """

    knots: Floats
    middle: Floats
    scale: Floats
    weights: Floats
    offset: float

    def odds(self, answers: Ints, confidences: Floats, standing: Ints) -> Floats:
        """(n,) log-odds that the standing answers (n,) are right, from answers and confidences
        (n, K)."""
        features = _features(self.knots, answers, confidences, standing)
        found: Floats = ((features - self.middle) / self.scale) @ self.weights + self.offset
        return found


def fit_agreement(
    answers: Ints,
    confidences: Floats,
    standing: Ints,
    right: Floats,
    near: AgreementModel | None = None,
    ridge: float = 4.0,
) -> AgreementModel:
    """From items answered as in (n, K), and how probably their standing answers (n,) are right.

    ``ridge`` holds weights and offset towards those of ``near``, of the same services; None:
    towards weights of nought and even odds.
    """
    if near is None:
        knots = _quantiles(confidences)
        features = _features(knots, answers, confidences, standing)
        middle, scale = features.mean(axis=0), features.std(axis=0) + _LEAST_SCALE
        near = AgreementModel(knots, middle, scale, np.zeros(len(middle)), 0.0)
    else:
        features = _features(near.knots, answers, confidences, standing)
    design = np.column_stack([(features - near.middle) / near.scale, np.ones(len(features))])
    centre = np.append(near.weights, near.offset)
    found = fit_logistic(design, right, np.full(len(centre), ridge), centre)
    return replace(near, weights=found[:-1], offset=float(found[-1]))


def _quantiles(confidences: Floats) -> Floats:
    knots = np.full((confidences.shape[1], _KNOTS), np.nan)
    for k in range(confidences.shape[1]):
        stated = confidences[~np.isnan(confidences[:, k]), k]
        if stated.size:
            knots[k] = np.quantile(stated, np.linspace(0.0, 1.0, _KNOTS))
    return knots


def _features(knots: Floats, answers: Ints, confidences: Floats, standing: Ints) -> Floats:
    """(n, 3 K): for each service whether it agrees, how sure it is by rank, and both together.

    1 for agreement and -1 for another answer; ranks from -1 to 1; nothing where none was given.
    """
    given = answers != MISSING
    agrees = np.where(given, np.where(answers == standing[:, None], 1.0, -1.0), 0.0)
    ranks = np.zeros(confidences.shape)
    for k in range(confidences.shape[1]):
        stated = np.flatnonzero(~np.isnan(confidences[:, k]) & given[:, k])
        below = np.searchsorted(knots[k], confidences[stated, k], side="left")
        upto = np.searchsorted(knots[k], confidences[stated, k], side="right")
        ranks[stated, k] = (below + upto) / _KNOTS - 1.0
    return np.column_stack([agrees, ranks, agrees * ranks])
