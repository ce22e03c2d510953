"""Disagreement between label answers: pairs of services that name different labels."""

from typing import cast

from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskBatch,
    answer_in_words,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind


def label_measure(batch: TaskBatch) -> Measure:
    """0 for the same label, 1 for another."""
    return PairMeasure(DisagreementKind.LABEL_CONFLICT, batch.task, _sides, answer_in_words)


def _sides(first: Answer, second: Answer) -> Sides:
    return (cast(str, first),), (cast(str, second),)
