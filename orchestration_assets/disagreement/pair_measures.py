"""Measures of labels, sets and texts: two readings suffice to tell how far apart they lie."""

from typing import cast

from orchestration_assets.disagreement.consequences.judgement import Judgement
from orchestration_assets.disagreement.consequences.labels import judge_labels
from orchestration_assets.disagreement.consequences.sets import judge_sets
from orchestration_assets.disagreement.consequences.texts import judge_texts
from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskReadings,
    describe_answer,
    describe_exclusive,
    required_answer,
)
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.evidence.distances.sets import exclusive_members
from orchestration_assets.evidence.distances.texts import exclusive_terms
from orchestration_assets.evidence.single_values import answers_in_values
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind


def label_measure(batch: TaskReadings) -> Measure:
    """0 for the same label, 1 for another."""

    def judge(item_id: str, first: Vote, second: Vote) -> Judgement:
        pair = first[0], second[0]
        others = (reading for name, reading in batch.votes[item_id] if name not in pair)
        return judge_labels(first, second, batch.task.near_synonyms, batch.task.labels, others)

    return PairMeasure(DisagreementKind.LABEL_CONFLICT, batch.task, judge, _labels, describe_answer)


def set_measure(batch: TaskReadings) -> Measure:
    """1 - rank-weighted overlap."""

    def judge(item_id: str, first: Vote, second: Vote) -> Judgement:
        a, b = (cast(tuple[str, ...], required_answer(vote)) for vote in (first, second))
        return judge_sets(first[0], a, second[0], b)

    return PairMeasure(
        DisagreementKind.SET_MISMATCH, batch.task, judge, _members, describe_exclusive
    )


def text_measure(batch: TaskReadings) -> Measure:
    """1 - similarity of wording, in which claims weigh more."""
    in_values = answers_in_values(
        cast(str, required_answer(vote)) for votes in batch.votes.values() for vote in votes
    )

    def judge(item_id: str, first: Vote, second: Vote) -> Judgement:
        return judge_texts(first, second, in_values=in_values)

    return PairMeasure(
        DisagreementKind.TEXT_DIVERGENCE, batch.task, judge, _terms, describe_exclusive
    )


def _labels(first: Answer, second: Answer) -> Sides:
    return (cast(str, first),), (cast(str, second),)


def _members(first: Answer, second: Answer) -> Sides:
    return exclusive_members(cast(tuple[str, ...], first), cast(tuple[str, ...], second))


def _terms(first: Answer, second: Answer) -> Sides:
    return exclusive_terms(cast(str, first), cast(str, second))
