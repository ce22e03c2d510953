"""Disagreement between set answers: pairs of services whose members hardly overlap."""

from typing import cast

from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskBatch,
    alone_in_words,
)
from orchestration_assets.evidence.distances.sets import exclusive_members
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import DisagreementKind


def set_measure(batch: TaskBatch) -> Measure:
    """1 - rank-weighted overlap."""
    return PairMeasure(DisagreementKind.SET_MISMATCH, batch.task, _sides, alone_in_words)


def _sides(first: Answer, second: Answer) -> Sides:
    return exclusive_members(cast(tuple[str, ...], first), cast(tuple[str, ...], second))
