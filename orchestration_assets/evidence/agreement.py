"""A logistic regression on which services agree with an answer, and with what confidence.

It never looks at which label is meant. What it cannot express, such as confusions of single
labels, it cannot get wrong either; and unlike a product of likelihoods it weighs services
jointly, so that two which err together do not count twice.
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
    """A fitted regression over ``K`` services.

    ``knots`` (K, 64): quantiles of each service's confidence, NaN where it states none.
    ``middle`` (means), ``scale`` (standard deviations) and ``weights`` (3 K,) are of the features,
    ``offset`` is the intercept: the log-odds where every feature is at its mean.
    """

    knots: Floats
    middle: Floats
    scale: Floats
    weights: Floats
    offset: float

    def log_odds(self, answers: Ints, confidences: Floats, chosen: Ints) -> Floats:
        """(n,) log-odds that the ``chosen`` answers (n,) are right, from answers and confidences
        (n, K)."""
        features = _features(self.knots, answers, confidences, chosen)
        log_odds: Floats = ((features - self.middle) / self.scale) @ self.weights + self.offset
        return log_odds


def fit_agreement(
    answers: Ints,
    confidences: Floats,
    chosen: Ints,
    correct: Floats,
    prior: AgreementModel | None = None,
    ridge: float = 4.0,
    weights: Floats | None = None,
) -> AgreementModel:
    """Fits to answers and confidences (n, K) and the probability in [0, 1] that each ``chosen``
    answer (n,) is ``correct`` (n,); ``weights`` (n,) of the items, else 1.

    ``ridge`` holds weights and offset towards those of ``prior``, of the same services; None:
    towards weights of nought and even odds.
    """
    if prior is None:
        knots = _quantiles(confidences)
        features = _features(knots, answers, confidences, chosen)
        middle, scale = features.mean(axis=0), features.std(axis=0) + _LEAST_SCALE
        prior = AgreementModel(knots, middle, scale, np.zeros(len(middle)), 0.0)
    else:
        features = _features(prior.knots, answers, confidences, chosen)
    design = np.column_stack([(features - prior.middle) / prior.scale, np.ones(len(features))])
    centre = np.append(prior.weights, prior.offset)
    ridges = np.full(len(centre), ridge)
    coefficients = fit_logistic(design, correct, ridges, centre, weights)
    return replace(prior, weights=coefficients[:-1], offset=float(coefficients[-1]))


def _quantiles(confidences: Floats) -> Floats:
    knots = np.full((confidences.shape[1], _KNOTS), np.nan)
    for k in range(confidences.shape[1]):
        stated = confidences[~np.isnan(confidences[:, k]), k]
        if stated.size:
            knots[k] = np.quantile(stated, np.linspace(0.0, 1.0, _KNOTS))
    return knots


def _features(knots: Floats, answers: Ints, confidences: Floats, chosen: Ints) -> Floats:
    """(n, 3 K): for each service its agreement, the rank of its confidence, and their product.

    1 for agreement and -1 for another answer; ranks from -1 to 1; 0 where none was given.
    """
    given = answers != MISSING
    agrees = np.where(given, np.where(answers == chosen[:, None], 1.0, -1.0), 0.0)
    ranks = np.zeros(confidences.shape)
    for k in range(confidences.shape[1]):
        stated = np.flatnonzero(~np.isnan(confidences[:, k]) & given[:, k])
        below = np.searchsorted(knots[k], confidences[stated, k], side="left")
        up_to = np.searchsorted(knots[k], confidences[stated, k], side="right")
        ranks[stated, k] = (below + up_to) / _KNOTS - 1.0
    return np.column_stack([agrees, ranks, agrees * ranks])
