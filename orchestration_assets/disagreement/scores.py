"""Disagreement between scores, each standardised by its own service's scores in the batch.

Services use one scale differently: one never leaves [0.4, 0.6], another jumps between the ends.
What counts is whether an item stands high for one and low for the other.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, cast

from orchestration_assets.disagreement.consequences.scores import (
    MAD_TO_DEVIATION,
    UsualDifference,
    judge_scores,
    usual_difference,
)
from orchestration_assets.disagreement.measure import (
    AnswerComparison,
    Differences,
    Measure,
    TaskReadings,
    compare_by_policy,
    describe_answer,
    required_answer,
    with_evidence,
)
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.evidence.distances.scores import score_distance
from orchestration_assets.schemas.enums import DisagreementKind
from orchestration_assets.schemas.items import Task

MIN_READINGS: Final = 20  # fewer do not tell how a service uses the scale


@dataclass(frozen=True, slots=True)
class ScaleUse:
    """How one service uses the scale: robust location and scale (Huber 1981, 5.1 and 6.4)."""

    middle: float
    deviation: float

    def standardised(self, score: float) -> float:
        return (score - self.middle) / self.deviation


@dataclass(frozen=True, slots=True)
class ScoreMeasure:
    """The gap of standardised scores; on the task's scale where a service's use is unknown.

    ``scores``: service -> item -> score.
    """

    task: Task
    usages: Mapping[str, ScaleUse]
    scores: Mapping[str, Mapping[str, float]]
    _usual: dict[tuple[str, str], UsualDifference] = field(default_factory=dict)

    @property
    def kind(self) -> DisagreementKind:
        return DisagreementKind.SCORE_GAP

    def compare(self, item_id: str, first: Vote, second: Vote) -> AnswerComparison:
        a, b = _score(first), _score(second)
        usual = self._usual_difference(first[0], second[0])
        judgement = judge_scores(first[0], a, second[0], b, self.task, usual)
        return compare_by_policy(self._distance(first, second), self.task, judgement)

    def _usual_difference(self, first: str, second: str) -> UsualDifference:
        if (first, second) not in self._usual:
            given, other = self.scores[first], self.scores[second]
            both = [(score, other[item]) for item, score in given.items() if item in other]
            self._usual[first, second] = usual_difference(both, self.task)
        return self._usual[first, second]

    def _distance(self, first: Vote, second: Vote) -> float:
        """2 Phi(|z1 - z2| / sqrt 2) - 1: how often two unrelated items lie nearer than these.

        The difference of two independent standard normal scores has variance 2.
        """
        a, b = self.usages.get(first[0]), self.usages.get(second[0])
        scores = _score(first), _score(second)
        if a is None or b is None:
            return score_distance(*scores, self.task.scale)
        # 2 Phi(x / sqrt 2) - 1 = erf(x / 2)
        return math.erf(abs(a.standardised(scores[0]) - b.standardised(scores[1])) / 2.0)

    def differences(self, item_id: str, first: Vote, second: Vote) -> Differences:
        standardised = first[0] in self.usages and second[0] in self.usages
        say = self._standing if standardised else describe_answer
        return Differences(((), ()), (say(first), say(second)))

    def _standing(self, vote: Vote) -> str:
        usage = self.usages[vote[0]]
        z = usage.standardised(_score(vote))
        side = "above" if z >= 0.0 else "below"
        where = f"{abs(z):.1f} deviations {side} its median of {usage.middle:.3g}"
        return with_evidence(vote, f"{_score(vote):.3g}, {where}")


def score_measure(batch: TaskReadings) -> Measure:
    """Standardises each service that gave enough scores, not all about the same."""
    scores: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for item, votes in batch.votes.items():
        for vote in votes:
            scores[vote[0]][item] = _score(vote)
    usages = {name: _usage([*given.values()]) for name, given in scores.items()}
    known = {name: usage for name, usage in usages.items() if usage is not None}
    return ScoreMeasure(batch.task, known, scores)


def _usage(scores: Sequence[float]) -> ScaleUse | None:
    if len(scores) < MIN_READINGS:
        return None
    middle = median(scores)
    deviation = MAD_TO_DEVIATION * median(abs(score - middle) for score in scores)
    return ScaleUse(middle, deviation) if deviation > 0.0 else None


def _score(vote: Vote) -> float:
    return cast(float, required_answer(vote))
