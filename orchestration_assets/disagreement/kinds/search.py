"""Finds the kinds of dispute in a batch: which rules apply to which readings."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, cast

from orchestration_assets.disagreement.consequences.labels import (
    are_near_synonyms,
    are_spellings_of_one,
)
from orchestration_assets.disagreement.kinds.entity_conflicts import entity_conflict
from orchestration_assets.disagreement.kinds.figurative import figurative
from orchestration_assets.disagreement.kinds.finding import Finding
from orchestration_assets.disagreement.kinds.opposed_tone import ToneOf, opposed_tone
from orchestration_assets.disagreement.kinds.outlier_services import MIN_READINGS, outlier
from orchestration_assets.disagreement.kinds.type_conflicts import type_conflict
from orchestration_assets.disagreement.readings import (
    Key,
    QuestionColumns,
    ServiceReadings,
    ok_votes,
    once_for_each,
)
from orchestration_assets.evidence.distances import distance
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.disagreement import DisputeKindRow
from orchestration_assets.schemas.enums import AnswerKind, DisputeKind
from orchestration_assets.schemas.items import Task

_Match = tuple[tuple[str, ...], Finding]

_PAIR_RULES: Final[Mapping[DisputeKind, Callable[[str, str], Finding | None]]] = {
    DisputeKind.ENTITY_CONFLICT: entity_conflict,
    DisputeKind.TYPE_CONFLICT: type_conflict,
}
# these are told of single answers: by the rules of a task, and by what it was shown
_OF_ONE_ANSWER: Final = (DisputeKind.VIOLATION, DisputeKind.UNSUPPORTED_CITATION)
_SOUGHT: Final = tuple(kind for kind in DisputeKind if kind not in _OF_ONE_ANSWER)
_CONTENT_KINDS: Final = (DisputeKind.OPPOSED_TONE, DisputeKind.FIGURATIVE)


@dataclass(frozen=True, slots=True)
class KindSearch:
    """``kinds`` that are looked for, the ``tones`` services, and the content of an item; None
    where it is no prose or cannot be read again."""

    kinds: Collection[DisputeKind]
    tones: tuple[ToneOf, ...]
    text_of: Callable[[str], str | None]


def dispute_kinds(
    questions: Iterable[QuestionColumns],
    readings: Mapping[Key, ServiceReadings],
    tasks: Mapping[str, Task],
    search: KindSearch,
    errors: dict[str, str] | None = None,
) -> Iterator[DisputeKindRow]:
    """The kinds of all questions that several services answered, in the order of
    the ``questions``.

    What services say is compared for labels of an open set and for texts; any answers but vectors
    are looked through for an outlier; the content is read where scores disagree, since tone and
    figures of speech are what sets readings of prose apart. ``errors`` gets, by item, task and
    kind, what went wrong where a question could not be looked through.
    """
    votes_of, by_answers = once_for_each(ok_votes), once_for_each(_by_answers)
    for row in questions:
        votes = votes_of(readings.get((row.item_id, row.task), ()))
        if len(votes) < 2:
            continue
        task = tasks[row.task]
        for kind in _SOUGHT:
            try:
                if kind in _CONTENT_KINDS:
                    match = _of_content(kind, row.item_id, votes, task, search)
                else:
                    match = by_answers(kind, votes, task, search.kinds)
            except Exception as error:
                if errors is None:
                    raise
                place = f"{row.path}, {row.task}, {kind}"
                errors[place] = f"{type(error).__name__}: {error}"
                continue
            if match is None:
                continue
            services, finding = match
            yield DisputeKindRow(
                batch=row.batch,
                item_id=row.item_id,
                content_hash=row.content_hash,
                path=row.path,
                task=row.task,
                kind=kind,
                services=services,
                score=finding.score,
                evidence=finding.evidence,
            )


def _by_answers(
    kind: DisputeKind, votes: ServiceReadings, task: Task, kinds: Collection[DisputeKind]
) -> _Match | None:
    """What the answers alone tell: the same of all questions that were answered alike."""
    if kind not in kinds:
        return None
    if kind is DisputeKind.OUTLIER_SERVICE:
        return None if task.kind is AnswerKind.VECTOR else _outlier(votes, task)
    open_label = task.kind is AnswerKind.LABEL and not task.labels
    if task.kind is AnswerKind.TEXT or (open_label and kind is DisputeKind.TYPE_CONFLICT):
        return _clearest_pair(_PAIR_RULES[kind], votes)
    return None


def _outlier(votes: ServiceReadings, task: Task) -> _Match | None:
    if len(votes) < MIN_READINGS:
        return None
    answers = [cast(Answer, reading.answer) for _, reading in votes]
    finding = outlier([[_apart(a, b, task) for b in answers] for a in answers])
    if finding is None or finding.outlier_position is None:
        return None
    return (votes[finding.outlier_position][0],), finding


def _apart(first: Answer, second: Answer, task: Task) -> float:
    """Near-synonyms and spellings of one label are one label: nobody would act otherwise."""
    if task.kind is AnswerKind.LABEL:
        a, b = cast(str, first), cast(str, second)
        if are_near_synonyms(a, b, task.near_synonyms) or (
            not task.labels and are_spellings_of_one(a, b)
        ):
            return 0.0
    return distance(first, second, task)


def _clearest_pair(
    rule: Callable[[str, str], Finding | None], votes: ServiceReadings
) -> _Match | None:
    best: _Match | None = None
    for (name_a, a), (name_b, b) in combinations(votes, 2):
        finding = rule(cast(str, a.answer), cast(str, b.answer))
        if finding is not None and (best is None or finding.score > best[1].score):
            best = ((name_a, name_b), finding)
    return best


def _of_content(
    kind: DisputeKind, item_id: str, votes: ServiceReadings, task: Task, search: KindSearch
) -> _Match | None:
    if kind not in search.kinds or task.kind is not AnswerKind.SCORE:
        return None
    text = search.text_of(item_id)
    if text is None:
        return None
    if kind is DisputeKind.FIGURATIVE:
        finding = figurative(text)
    else:
        finding = opposed_tone(text, search.tones)
    return None if finding is None else (tuple(name for name, _ in votes), finding)
