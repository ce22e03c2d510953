"""Measures of labels, sets and texts: two readings suffice to tell whether they disagree."""

from typing import cast

from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskReadings,
    describe_answer,
    describe_exclusive,
)
from orchestration_assets.evidence.distances.sets import exclusive_members
from orchestration_assets.evidence.distances.texts import exclusive_terms
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind


def label_measure(batch: TaskReadings) -> Measure:
    """0 for the same label, 1 for another."""
    return PairMeasure(DisagreementKind.LABEL_CONFLICT, batch.task, _labels, describe_answer)


def set_measure(batch: TaskReadings) -> Measure:
    """1 - rank-weighted overlap."""
    return PairMeasure(DisagreementKind.SET_MISMATCH, batch.task, _members, describe_exclusive)


def text_measure(batch: TaskReadings) -> Measure:
    """1 - similarity of wording, in which claims weigh more."""
    return PairMeasure(DisagreementKind.TEXT_DIVERGENCE, batch.task, _terms, describe_exclusive)


def _labels(first: Answer, second: Answer) -> Sides:
    return (cast(str, first),), (cast(str, second),)


def _members(first: Answer, second: Answer) -> Sides:
    return exclusive_members(cast(tuple[str, ...], first), cast(tuple[str, ...], second))


def _terms(first: Answer, second: Answer) -> Sides:
    return exclusive_terms(cast(str, first), cast(str, second))
