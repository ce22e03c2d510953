"""The naive Bayes posterior of each answer, from several readings of one question.

Naive Bayes over the services' own confidences: a service that answers ``a`` with confidence
``c`` gives ``a`` the likelihood ``c`` and spreads ``1 - c`` evenly over the other possible
answers (or as its alternatives say). Every service is taken to guess evenly in 2 % of its answers,
so that none can rule out an answer by itself. Readings are taken as independent, so correlated
services make the result overconfident; it is uncalibrated and called so wherever it is shown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading

GUESSING = 0.02  # share of answers that a service guesses, whatever its confidence
MIN_OTHERS = 2  # an open question has at least this many answers that nobody gave


@dataclass(frozen=True, slots=True)
class Posterior:
    """``probabilities``: answer -> probability, most probable first (ties by name).

    ``other`` is the probability that an answer which nobody gave is right; ``entropy`` is the
    Shannon entropy over all of it divided by its maximum, in [0, 1].
    """

    probabilities: Mapping[str, float]
    other: float
    entropy: float

    @property
    def answer(self) -> str | None:
        return next(iter(self.probabilities), None)

    @property
    def probability(self) -> float:
        return next(iter(self.probabilities.values()), 0.0)


def posterior(readings: Sequence[Reading], n_answers: int = 0) -> Posterior:
    """The posterior over labels given the ``ok`` readings among ``readings``.

    ``n_answers`` is the number of possible answers; 0 for an open question. Only answers that
    some service gave can win.
    """
    votes = [(str(reading.answer), reading) for reading in readings if reading.status is Status.OK]
    given = sorted({label for label, _ in votes})
    if not given:
        return Posterior({}, 1.0, 1.0)
    n_others = max(n_answers - len(given), MIN_OTHERS)
    scores = dict.fromkeys(given, 0.0)
    other = math.log(n_others)
    for label, reading in votes:
        shares, rest = _likelihood(label, reading, len(given) + n_others)
        for answer in given:
            scores[answer] += math.log(shares.get(answer, rest))
        other += math.log(rest)
    top = max(*scores.values(), other)
    weights = {answer: math.exp(score - top) for answer, score in scores.items()}
    weight_other = math.exp(other - top)
    total = sum(weights.values()) + weight_other
    ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    probabilities = {answer: weight / total for answer, weight in ranked}
    return Posterior(
        probabilities, weight_other / total, _entropy(probabilities, weight_other / total, n_others)
    )


def _likelihood(label: str, reading: Reading, n_answers: int) -> tuple[dict[str, float], float]:
    """What the reading gives each answer that it names, and any answer that it does not."""
    shares = {other.answer: other.confidence for other in reading.alternatives}
    shares[label] = confidence_of(reading)
    total = sum(shares.values())
    if total > 1.0:
        shares = {answer: share / total for answer, share in shares.items()}
    rest = max(1.0 - sum(shares.values()), 0.0) / max(n_answers - len(shares), 1)
    return {a: _with_guessing(share, n_answers) for a, share in shares.items()}, _with_guessing(
        rest, n_answers
    )


def _with_guessing(share: float, n_answers: int) -> float:
    return (1.0 - GUESSING) * share + GUESSING / n_answers


def _entropy(probabilities: Mapping[str, float], other: float, n_others: int) -> float:
    entropy = -sum(p * math.log(p) for p in probabilities.values() if p > 0.0)
    if other > 0.0:
        entropy -= other * math.log(other / n_others)
    return min(1.0, max(0.0, entropy / math.log(len(probabilities) + n_others)))
