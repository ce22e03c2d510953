"""The distance of two answers to one task, for each kind of answer.

Of one pair without context, as plans need it to stop and to name dissenters. Over a whole batch,
``disagreement`` measures scores and vectors against the batch instead.
"""

from typing import cast

from orchestration_assets.evidence.distances.labels import label_distance
from orchestration_assets.evidence.distances.records import record_distance
from orchestration_assets.evidence.distances.scores import score_distance
from orchestration_assets.evidence.distances.sets import set_distance
from orchestration_assets.evidence.distances.texts import text_distance
from orchestration_assets.evidence.distances.vectors import vector_distance
from orchestration_assets.extensions.kinds import own_kind
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer

__all__ = ["apart", "distance"]


def distance(first: Answer, second: Answer, task: Task) -> float:
    """The distance of two answers of the task's kind: in [0, 1], symmetric, 0 for equal ones.

    Both must fit the kind; services' answers are held to that when they come in. Raises
    OwnKindError where the kind of a plug-in breaks.
    """
    if task.own_kind:
        return own_kind(task.own_kind).distance(first, second, task)
    if task.kind is AnswerKind.LABEL:
        return label_distance(cast(str, first), cast(str, second))
    if task.kind is AnswerKind.SET:
        return set_distance(cast(tuple[str, ...], first), cast(tuple[str, ...], second))
    if task.kind is AnswerKind.TEXT:
        return text_distance(cast(str, first), cast(str, second))
    if task.kind is AnswerKind.SCORE:
        return score_distance(cast(float, first), cast(float, second), task.scale)
    if task.kind is AnswerKind.RECORD:
        return record_distance(cast(RecordAnswer, first), cast(RecordAnswer, second), task.fields)
    return vector_distance(cast(tuple[float, ...], first), cast(tuple[float, ...], second))


def is_disagreement(answer_distance: float, task: Task) -> bool:
    """Whether a distance makes two answers disagree; equal answers never do."""
    return 0.0 < answer_distance >= task.disagree_at
