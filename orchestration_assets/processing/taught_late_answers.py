"""Lessons that the teacher left without an answer, once its other answers were learned from."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from orchestration_assets.evidence.consensus import consensus
from orchestration_assets.evidence.standing import ANSWERED
from orchestration_assets.processing.asker import CALLED
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.processing.taught_fallback import HEARD, instead_of_teacher
from orchestration_assets.schemas.answers import answer_columns, shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.tables import CallRow, DecisionRow, InterpretationRow
from orchestration_assets.services.taught.taught_service import TaughtService


def with_late_answers(
    part: BatchResult, service: TaughtService, task: Task, load_item: Callable[[str], Item]
) -> BatchResult:
    """The part, with an answer of ``service`` where its teacher failed and nothing else answered.

    Every row stays: the teacher's reading becomes a fallback, and one call and two decisions say
    whose answer it is. Plans with an answer, and items of which it is not sure, are as before.
    """
    answered = {
        (row.item_id, row.task)
        for rows in part.interpretations.values()
        for row in rows
        if row.decides and row.status in ANSWERED
    }
    whole = BatchResult(stopped=part.stopped, circuits_opened=part.circuits_opened)
    whole.decisions += part.decisions
    whole.calls += part.calls
    whole.parts += part.parts
    for model, rows in part.interpretations.items():
        for row in rows:
            reading = None
            if _is_unanswered(row, service) and (row.item_id, row.task) not in answered:
                reading = _late_answer(row, service, task, load_item)
            if reading is not None:
                whole.calls.append(_call(row, service.name, part.calls))
                whole.decisions += _decisions(row, service.name, task, reading, part.decisions)
            whole.interpretations[model].append(_with_reading(row, reading) if reading else row)
    return whole


def _is_unanswered(row: InterpretationRow, service: TaughtService) -> bool:
    is_teachers = (row.service, row.task) == (service.config.by, service.config.task)
    unaided = set(row.saw) <= {service.name}
    return is_teachers and row.final and row.status not in HEARD and unaided


def _late_answer(
    row: InterpretationRow,
    service: TaughtService,
    task: Task,
    load_item: Callable[[str], Item],
) -> Reading | None:
    try:
        question = Question(task, load_item(row.item_id))
    except Exception:  # noqa: BLE001 -- its reading says why the content could not be read
        return None
    return instead_of_teacher(service, question, row.reason)


def _with_reading(row: InterpretationRow, reading: Reading) -> InterpretationRow:
    return replace(
        row,
        decides=True,
        status=reading.status,
        **answer_columns(reading.answer),
        confidence=reading.confidence,
        alternatives=reading.alternatives,
        evidence=reading.evidence,
        reason=reading.reason,
    )


def _call(row: InterpretationRow, taught: str, calls: Iterable[CallRow]) -> CallRow:
    """One more attempt at the teacher's call, as one at a fallback is."""
    place = (row.item_id, row.task, row.service, row.step, row.round)
    last = max(
        call.attempt
        for call in calls
        if (call.item_id, call.task, call.service, call.step, call.round) == place
    )
    return CallRow(
        batch=row.batch,
        item_id=row.item_id,
        task=row.task,
        service=row.service,
        step=row.step,
        round=row.round,
        attempt=last + 1,
        origin=CALLED,
        called=taught,
        status=Status.OK,
        cost_usd=0.0,
        started_at=datetime.now(UTC),
        elapsed_ms=0.0,
    )


def _decisions(
    row: InterpretationRow,
    taught: str,
    task: Task,
    reading: Reading,
    decisions: Iterable[DecisionRow],
) -> list[DecisionRow]:
    last = max(
        (one for one in decisions if (one.item_id, one.task) == (row.item_id, row.task)),
        key=lambda one: one.decision,
    )
    ask = replace(
        last,
        decision=last.decision + 1,
        action="ask",
        services=(taught,),
        reason=f"{row.service} gave no answer, and {taught} has learned enough meanwhile",
    )
    leading = consensus([(row.service, reading)], task)
    stop = replace(
        ask,
        decision=ask.decision + 1,
        action="stop",
        services=(),
        reason=f"the answer of {taught} stands",
        answer=shown(leading.answer),
        certainty=leading.certainty,
    )
    return [ask, stop]
