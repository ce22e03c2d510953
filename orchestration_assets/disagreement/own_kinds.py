"""Disagreement between answers of a kind that a plug-in adds: it says what a difference changes."""

from typing import Final

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.disagreement.measure import (
    Measure,
    PairMeasure,
    Sides,
    TaskReadings,
    describe_answer,
    required_answer,
)
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.extensions.kinds import own_kind
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Consequence, DisagreementKind

_LIKE: Final = {
    AnswerKind.SET: DisagreementKind.SET_MISMATCH,
    AnswerKind.TEXT: DisagreementKind.TEXT_DIVERGENCE,
}


def own_measure(batch: TaskReadings) -> Measure:
    """The distance of the plug-in, and what it says that the other answer would change."""
    task, kind = batch.task, own_kind(batch.task.own_kind)

    def judge(item_id: str, first: Vote, second: Vote) -> Judgement:
        found = kind.difference(required_answer(first), required_answer(second), task)
        if found.strength == 0.0:
            return harmless(found.sentence)
        return Judgement(Consequence.OTHER_VALUE, found.strength, found.sentence)

    def sides(first: Answer, second: Answer) -> Sides:
        return kind.exclusive(first, second, task)

    return PairMeasure(_LIKE[task.kind], task, judge, sides, describe_answer)
