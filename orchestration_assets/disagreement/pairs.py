"""Pairs of services whose answers to one question differ, and what that would change."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Final

from orchestration_assets.disagreement.measure import MakeMeasure, Measure, TaskReadings
from orchestration_assets.disagreement.own_kinds import own_measure
from orchestration_assets.disagreement.pair_measures import (
    label_measure,
    set_measure,
    text_measure,
)
from orchestration_assets.disagreement.readings import (
    Key,
    QuestionColumns,
    ServiceReadings,
    Vote,
    ok_votes,
    once_for_each,
)
from orchestration_assets.disagreement.records import record_measure
from orchestration_assets.disagreement.scores import score_measure
from orchestration_assets.disagreement.vectors import BatchThresholds, vector_measure
from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.tables import DisagreementRow

_MEASURES: Final[Mapping[AnswerKind, MakeMeasure]] = {
    AnswerKind.LABEL: label_measure,
    AnswerKind.SET: set_measure,
    AnswerKind.TEXT: text_measure,
    AnswerKind.SCORE: score_measure,
    AnswerKind.RECORD: record_measure,
}

_ALL_APART: Final = Roles()
_SAME_WHERE_EQUAL: Final = frozenset(AnswerKind) - {AnswerKind.SCORE, AnswerKind.VECTOR}


def severity(strength: float, first: Reading, second: Reading) -> float:
    """How severe the disagreement of two answers is, in [0, 1].

    The strength of its consequence times both confidences: 1 when it is as bad as can be and both
    are certain, small when either hesitates, 0 without a consequence. An unstated confidence counts
    one half.
    """
    return strength * (confidence_of(first) * confidence_of(second))


def disagreements(
    questions: Iterable[QuestionColumns],
    readings: Mapping[Key, ServiceReadings],
    tasks: Mapping[str, Task],
    thresholds: Mapping[str, BatchThresholds] | None = None,
    errors: dict[str, str] | None = None,
    roles: Mapping[Key, Roles] | None = None,
    with_evidence: Callable[[Collection[Key]], Mapping[Key, ServiceReadings]] | None = None,
    standing: Mapping[Key, RecordAnswer] | None = None,
) -> Iterator[DisagreementRow]:
    """One row a pair of ``ok`` readings that lie far apart or that exclude each other.

    Far is from the task's ``disagree_at`` on; for vectors, where thresholds are ``thresholds`` for
    the task and hold for both services, farther apart than is usual. What the difference would
    change stands in the row: ``none`` where it is no dispute. Rows come in
    the order of the ``questions``, then of the services' names. Abstentions and failures take no
    part, nor do pairs of which, by ``roles``, one service knew the other's answer. ``errors``
    gets, by item and task, what went wrong where a question could not be compared.
    ``with_evidence`` gives the readings of questions with what they rest on, where ``readings`` are
    without it; only those are asked for whose answers are not all the same. ``standing``: the
    records that stand, in which differing values are named.
    """
    rows = list(questions)
    votes_of = once_for_each(ok_votes)
    measures = {
        name: _measure(
            _task_readings(rows, readings, task, votes_of, standing or {}),
            (thresholds or {}).get(name),
        )
        for name, task in tasks.items()
    }
    may_differ = once_for_each(_may_differ)
    compared = [
        row
        for row in rows
        if may_differ(readings.get((row.item_id, row.task), ()), tasks.get(row.task))
    ]
    if with_evidence is not None:
        readings = with_evidence([(row.item_id, row.task) for row in compared])
    for row in compared:
        key = (row.item_id, row.task)
        votes, part = ok_votes(readings.get(key, ())), (roles or {}).get(key, _ALL_APART)
        try:
            pairs = [
                found
                for first, second in combinations(votes, 2)
                if part.apart(first[0], second[0])
                and (found := _compared(row, first, second, measures[row.task])) is not None
            ]
        except Exception as error:
            if errors is None:
                raise
            errors[f"{row.path}, {row.task}"] = f"{type(error).__name__}: {error}"
            continue
        yield from pairs


def _may_differ(readings: ServiceReadings, task: Task | None) -> bool:
    """Whether two services' answers could be a row of the table.

    The same label, set, text or record never is; the same score may stand high for one service
    and low for another, and vectors are compared by what is near to them.
    """
    votes = ok_votes(readings)
    if len(votes) < 2 or task is None or task.kind not in _SAME_WHERE_EQUAL:
        return len(votes) > 1
    return any(vote[1].answer != votes[0][1].answer for vote in votes)


def _measure(batch: TaskReadings, thresholds: BatchThresholds | None) -> Measure:
    if batch.task.kind is AnswerKind.VECTOR:
        return vector_measure(batch, thresholds)
    if batch.task.own_kind:
        return own_measure(batch)
    return _MEASURES[batch.task.kind](batch)


def _task_readings(
    rows: Iterable[QuestionColumns],
    readings: Mapping[Key, ServiceReadings],
    task: Task,
    votes_of: Callable[[ServiceReadings], ServiceReadings],
    standing: Mapping[Key, RecordAnswer],
) -> TaskReadings:
    paths = {row.item_id: row.path for row in rows if row.task == task.name}
    votes = {item: votes_of(readings.get((item, task.name), ())) for item in paths}
    stands = {item: one for item in paths if (one := standing.get((item, task.name))) is not None}
    return TaskReadings(task, votes, paths, stands)


def _compared(
    row: QuestionColumns, first: Vote, second: Vote, measure: Measure
) -> DisagreementRow | None:
    found = measure.compare(row.item_id, first, second)
    if found is None or not found.disagree:
        return None
    differences = measure.differences(row.item_id, first, second)
    described_a, described_b = differences.descriptions
    (name_a, a), (name_b, b) = first, second
    return DisagreementRow(
        batch=row.batch,
        item_id=row.item_id,
        content_hash=row.content_hash,
        path=row.path,
        task=row.task,
        service_a=name_a,
        answer_a=shown(a.answer) or "",
        confidence_a=a.confidence,
        service_b=name_b,
        answer_b=shown(b.answer) or "",
        confidence_b=b.confidence,
        kind=differences.kind or measure.kind,
        distance=found.distance,
        consequence=found.judgement.consequence,
        severity=severity(found.judgement.strength, a, b),
        sentence=found.judgement.sentence,
        only_a=differences.only[0],
        only_b=differences.only[1],
        evidence=f"{name_a}: {described_a}; {name_b}: {described_b}",
        basis=found.basis,
        unusual=found.unusual,
        fields=differences.fields,
    )
