"""The consensus of several readings of one question, and its certainty.

Readings are weighted by their services' own confidence (an unstated one counts one half), so the
certainty is uncalibrated. Only ``ok`` readings vote; the first ``fallback`` one does where there
is no other.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median_low
from typing import Final, cast

from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.evidence.distances.sets import member_weights
from orchestration_assets.evidence.posterior import Posterior, posterior
from orchestration_assets.evidence.records.consensus import (
    NO_MODELS,
    Models,
    record_risk,
    settled_record,
)
from orchestration_assets.evidence.records.standing_cells import CellConsensus
from orchestration_assets.extensions.kinds import own_kind
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer

Vote = tuple[str, Reading]
_WeightedAnswers = Sequence[tuple[Answer, float]]

_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Consensus:
    """The consensus answer, None when no service gave one, and how well readings support it.

    ``certainty`` in [0, 1]: the probability of a label or of a whole record; for other kinds the
    mean confidence times 1 - ``spread``; for vectors the mean confidence alone. ``error_risk``:
    probability in [0, 1] that a label, or any value of a record, is wrong, None for other kinds.
    ``spread`` in [0, 1]: a label's normalised entropy, else the mean distance over all pairs of
    readings (0 for a single one); None for vectors and without an answer. ``supporters`` gave the
    answer or one that is nearer to it than the task's ``disagree_at``, ``dissenters`` all others,
    both in the order of asking; of a record, those dissent who contradict one of its values, not
    those who leave one out. ``cells``: what stands of each value of a record.
    """

    answer: Answer | None
    certainty: float
    error_risk: float | None
    spread: float | None
    supporters: tuple[str, ...]
    dissenters: tuple[str, ...]
    cells: tuple[CellConsensus, ...] = ()


def consensus(votes: Sequence[Vote], task: Task, models: Models = NO_MODELS) -> Consensus:
    """The answer that the readings support best.

    label: the most probable one. set: the members that carry at least half of the confidence,
    or the best supported ones, as many as the median set has, when none does. text: the reading
    with the smallest confidence-weighted distance to the others (weighted medoid). score: the
    confidence-weighted mean. vector: that of the surest service, because the spaces of
    different services are not comparable. record: value by value, the most probable, by what the
    ``models`` know of the task's fields. Ties go to the surer, then to the earlier reading.
    """
    counted = _counted_votes(votes)
    if not counted:
        return Consensus(None, 0.0, None, None, (), ())
    if task.kind is AnswerKind.LABEL:
        combined = posterior([reading for _, reading in counted], len(task.labels))
        return _support(next(iter(combined.probabilities)), counted, task, combined)
    if task.kind is AnswerKind.RECORD:
        return _record_consensus(counted, task, models, None)
    best = own_kind(task.own_kind).standing if task.own_kind else _BEST[task.kind]
    return _support(best(_weighted_answers(counted), task), counted, task)


def support_of(
    answer: Answer, votes: Sequence[Vote], task: Task, models: Models = NO_MODELS
) -> Consensus:
    """How well the readings support a given answer, such as a judge's."""
    counted = _counted_votes(votes)
    if isinstance(answer, RecordAnswer):
        return _record_consensus(counted, task, models, answer)
    return _support(answer, counted, task)


_GIVEN: Final = ""
"""Stands for the answer that was given, beside the names of services."""


def _record_consensus(
    counted: Sequence[Vote], task: Task, models: Models, given: RecordAnswer | None
) -> Consensus:
    """The record that stands, or how well the readings support the one that is ``given``."""
    records = {name: cast(RecordAnswer, reading.answer) for name, reading in counted}
    confidences = {name: reading.confidence for name, reading in counted}
    same = next((name for name, record in records.items() if record == given), None)
    if given is None or same is not None:
        answer, cells = settled_record(records, confidences, task.fields, models, same)
    else:
        # of no service: its risk is that of values that only it gives
        whose = {**records, _GIVEN: given}
        answer, cells = settled_record(whose, confidences, task.fields, NO_MODELS, _GIVEN)
        cells = [_without_given(one) for one in cells]
    against = {name for cell in cells for name in cell.dissenters}
    spread = _spread([answer for answer, _ in _weighted_answers(counted)], task)
    risk = record_risk(cells)
    return Consensus(
        (given or answer) or None,
        1.0 - risk,
        risk,
        spread,
        tuple(name for name in records if name not in against),
        tuple(name for name in records if name in against),
        tuple(cells),
    )


def _without_given(cell: CellConsensus) -> CellConsensus:
    return replace(
        cell,
        supporters=tuple(name for name in cell.supporters if name),
        missing=tuple(name for name in cell.missing if name),
    )


def _support(
    answer: Answer, counted: Sequence[Vote], task: Task, combined: Posterior | None = None
) -> Consensus:
    """``combined`` is the posterior of the counted votes on a label, where it is known already."""
    supporters, dissenters = _split_by_support(answer, counted, task)
    # as statistics.fmean has it, which counts what it is given one by one
    confidence = math.fsum(confidence_of(reading) for _, reading in counted) / len(counted)
    error_risk: float | None = None
    spread: float | None = None
    certainty = confidence
    if task.kind is AnswerKind.LABEL:
        if combined is None:
            combined = posterior([reading for _, reading in counted], len(task.labels))
        certainty = combined.probabilities.get(cast(str, answer), 0.0)
        error_risk, spread = 1.0 - certainty, combined.entropy
    elif task.kind is not AnswerKind.VECTOR:
        spread = _spread([answer for answer, _ in _weighted_answers(counted)], task)
        certainty = confidence * (1.0 - spread)
    return Consensus(answer, certainty, error_risk, spread, supporters, dissenters)


def _counted_votes(votes: Sequence[Vote]) -> list[Vote]:
    ok = [vote for vote in votes if vote[1].status is Status.OK]
    # a fallback's answer is better than none, but never one voice among others: it is not
    # independent of the service that gave it, and two may come from the same one
    fallback = [vote for vote in votes if vote[1].status is Status.FALLBACK][:1]
    return ok or [(name, replace(reading, status=Status.OK)) for name, reading in fallback]


def _weighted_answers(counted: Sequence[Vote]) -> _WeightedAnswers:
    """Each answer with its confidence; all alike when every service has none at all."""
    weights = [confidence_of(reading) for _, reading in counted]
    if not any(weights):
        weights = [1.0] * len(weights)
    answers = [cast(Answer, reading.answer) for _, reading in counted]
    return list(zip(answers, weights, strict=True))


def _split_by_support(
    answer: Answer, counted: Sequence[Vote], task: Task
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if task.kind is AnswerKind.VECTOR:
        return tuple(name for name, _ in counted), ()
    disagrees = [
        is_disagreement(distance(cast(Answer, reading.answer), answer, task), task)
        for _, reading in counted
    ]
    by_name = [(name, differs) for (name, _), differs in zip(counted, disagrees, strict=True)]
    return (
        tuple(name for name, differs in by_name if not differs),
        tuple(name for name, differs in by_name if differs),
    )


def _spread(answers: Sequence[Answer], task: Task) -> float:
    distances = [distance(a, b, task) for a, b in combinations(answers, 2)]
    # fsum: the same value in whatever order the services were asked
    return math.fsum(distances) / len(distances) if distances else 0.0


def _best_set(votes: _WeightedAnswers, task: Task) -> Answer:
    """Members by support, then by the weight of their ranks; each as its surest service wrote it.

    Members count as the same under the folding of the set distance.
    """
    sets = [(cast(tuple[str, ...], members), weight) for members, weight in votes]
    support: defaultdict[str, list[float]] = defaultdict(list)
    ranks: defaultdict[str, list[float]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for members, weight in sorted(sets, key=lambda vote: (-vote[1], vote[0])):
        for member in members:
            spelled.setdefault(fold(member), member)
        for key, rank_weight in member_weights(members).items():
            support[key].append(weight)
            ranks[key].append(weight * rank_weight)
    total = math.fsum(weight for _, weight in sets)
    support_shares = {key: math.fsum(weights) / total for key, weights in support.items()}
    order = sorted(
        support_shares, key=lambda key: (-support_shares[key], -math.fsum(ranks[key]), key)
    )
    majority = [key for key in order if support_shares[key] >= _HALF]
    size = median_low(len(member_weights(members)) for members, _ in sets)
    return tuple(spelled[key] for key in majority or order[:size])


def _best_text(votes: _WeightedAnswers, task: Task) -> Answer:
    """The weighted medoid: the sum of weight times distance to all others is smallest."""

    def weighted_distance(position: int) -> tuple[float, float]:
        text, weight = votes[position]
        total = math.fsum(
            other_weight * distance(text, other_text, task) for other_text, other_weight in votes
        )
        return total, -weight

    return votes[min(range(len(votes)), key=weighted_distance)][0]


def _best_score(votes: _WeightedAnswers, task: Task) -> Answer:
    scores = [(cast(float, score), weight) for score, weight in votes]
    total = math.fsum(weight for _, weight in scores)
    mean = math.fsum(score * weight for score, weight in scores) / total
    # rounding must not carry the mean beyond what anybody said
    return min(max(mean, min(scores)[0]), max(scores)[0])


def _best_vector(votes: _WeightedAnswers, task: Task) -> Answer:
    return max(votes, key=lambda vote: vote[1])[0]


_BEST: Final[Mapping[AnswerKind, Callable[[_WeightedAnswers, Task], Answer]]] = {
    AnswerKind.SET: _best_set,
    AnswerKind.TEXT: _best_text,
    AnswerKind.SCORE: _best_score,
    AnswerKind.VECTOR: _best_vector,
}
