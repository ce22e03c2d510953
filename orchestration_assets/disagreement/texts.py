"""Disagreement between texts: pairs of services whose words and claims diverge."""

from typing import cast

from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskBatch,
    alone_in_words,
)
from orchestration_assets.evidence.distances.texts import exclusive_terms
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind


def text_measure(batch: TaskBatch) -> Measure:
    """1 - similarity of wording, in which claims weigh more."""
    return PairMeasure(DisagreementKind.TEXT_DIVERGENCE, batch.task, _sides, alone_in_words)


def _sides(first: Answer, second: Answer) -> Sides:
    return exclusive_terms(cast(str, first), cast(str, second))
