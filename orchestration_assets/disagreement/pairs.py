"""Who contradicts whom: pairs of services whose answers to one question lie too far apart."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Final

from orchestration_assets.disagreement.labels import label_measure
from orchestration_assets.disagreement.measure import MakeMeasure, Measure, TaskBatch
from orchestration_assets.disagreement.readings import ServiceReadings, Vote, ok_votes
from orchestration_assets.disagreement.scores import score_measure
from orchestration_assets.disagreement.sets import set_measure
from orchestration_assets.disagreement.texts import text_measure
from orchestration_assets.disagreement.vectors import PinnedThresholds, vector_measure
from orchestration_assets.evidence.confidence import confidence_of
from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.tables import DisagreementRow, ResolutionRow

_MEASURES: Final[Mapping[AnswerKind, MakeMeasure]] = {
    AnswerKind.LABEL: label_measure,
    AnswerKind.SET: set_measure,
    AnswerKind.TEXT: text_measure,
    AnswerKind.SCORE: score_measure,
}


def severity(strength: float, first: Reading, second: Reading) -> float:
    """How much two answers weigh against each other, in [0, 1].

    The strength of the disagreement (the distance, unless the measure knows better) times both
    confidences: 1 when they are opposite and certain, small when either hesitates. An unstated
    confidence counts one half.
    """
    return strength * (confidence_of(first) * confidence_of(second))


def disagreements(
    resolutions: Iterable[ResolutionRow],
    readings: Mapping[tuple[str, str], ServiceReadings],
    tasks: Mapping[str, Task],
    known: Mapping[str, PinnedThresholds] | None = None,
    broken: dict[str, str] | None = None,
) -> Iterator[DisagreementRow]:
    """One row a pair of ``ok`` readings that lie too far apart.

    That is from the task's ``disagree_at`` on; for vectors, where thresholds are ``known`` for
    the task and hold for both services, when they lie farther apart than is usual. Rows come in
    the order of the resolutions, then of the services' names. Abstentions and failures take no
    part. ``broken`` gets, by item and task, what went wrong where a question could not be compared.
    """
    rows = list(resolutions)
    measures = {
        name: _measure(_task_batch(rows, readings, task), (known or {}).get(name))
        for name, task in tasks.items()
    }
    for row in rows:
        votes = ok_votes(readings.get((row.item_id, row.task), ()))
        try:
            pairs = [
                found
                for first, second in combinations(votes, 2)
                if (found := _compared(row, first, second, measures[row.task])) is not None
            ]
        except Exception as error:
            if broken is None:
                raise
            broken[f"{row.path}, {row.task}"] = f"{type(error).__name__}: {error}"
            continue
        yield from pairs


def _measure(batch: TaskBatch, known: PinnedThresholds | None) -> Measure:
    if batch.task.kind is AnswerKind.VECTOR:
        return vector_measure(batch, known)
    return _MEASURES[batch.task.kind](batch)


def _task_batch(
    rows: Iterable[ResolutionRow],
    readings: Mapping[tuple[str, str], ServiceReadings],
    task: Task,
) -> TaskBatch:
    paths = {row.item_id: row.path for row in rows if row.task == task.name}
    votes = {item: ok_votes(readings.get((item, task.name), ())) for item in paths}
    return TaskBatch(task, votes, paths)


def _compared(
    row: ResolutionRow, first: Vote, second: Vote, measure: Measure
) -> DisagreementRow | None:
    found = measure.compare(row.item_id, first, second)
    if found is None or not found.disagree:
        return None
    contrast = measure.contrast(row.item_id, first, second)
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
        kind=measure.kind,
        distance=found.distance,
        severity=severity(found.strength, a, b),
        only_a=contrast.only[0],
        only_b=contrast.only[1],
        evidence=f"{name_a}: {contrast.words[0]}; {name_b}: {contrast.words[1]}",
        basis=found.basis,
        unusual=found.unusual,
    )
