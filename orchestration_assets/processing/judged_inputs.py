"""Verdicts of people about answers that other tasks build on: for those they stand."""

from collections.abc import Iterable, Mapping

from orchestration_assets.evidence.records.judged import corrected_record
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.tables import ItemProfile, PlanRow
from orchestration_assets.schemas.task_inputs import InputAnswer, Inputs, InputState
from orchestration_assets.schemas.verdicts import GoldRow

Judged = Mapping[tuple[str, str], Answer]
"""Item and task -> what people said about this very content."""


def judged_answers(
    gold: Iterable[GoldRow], plans: Iterable[PlanRow | ItemProfile], inputs: Inputs
) -> Judged:
    """The verdicts about contents, of plans or profiles, that tasks build on; of a record, those of
    its fields that were judged."""
    waited_for = {task for one in inputs.values() for task in one.waits_for}
    if not waited_for:
        return {}
    contents = {plan.item_id: plan.content_hash for plan in plans}
    return {
        (row.item_id, row.task): answer_judged(row)
        for row in gold
        if row.task in waited_for
        and row.content_hash is not None
        and contents.get(row.item_id) == row.content_hash
    }


def with_verdict(stands: InputAnswer, verdict: Answer | None, task: Task) -> InputAnswer:
    """What stands for later tasks: the verdict, where there is one.

    A verdict about a whole answer has no risk; one about some fields of a record, or about single
    entries of its lists, leaves that of the rest as it is.
    """
    if verdict is None:
        return stands
    if not isinstance(verdict, RecordAnswer):
        return InputAnswer(InputState.JUDGED, verdict, 0.0)
    before = stands.answer if isinstance(stands.answer, RecordAnswer) else RecordAnswer(())
    corrected = corrected_record(before, verdict, task.fields)
    if not corrected.values:
        return InputAnswer(InputState.ABSTAINED, reason="people say that there is none of it")
    return InputAnswer(InputState.JUDGED, corrected, stands.risk)


def answer_judged(row: GoldRow) -> Answer:
    """What people said."""
    if row.answer_record is not None:
        return record_of(row.answer_record)
    if row.answer_score is not None:
        return row.answer_score
    return row.answer if row.answer_set is None else row.answer_set
