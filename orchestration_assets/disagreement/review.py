"""Which questions people should look at, as a sample with known probabilities.

The most valuable verdicts are the most probable and come first; an audit share is even over all
answers, so that accepted ones come in too (:mod:`~orchestration_assets.evidence.review_sampling`).
The value of a verdict is risk times impact times what it teaches. Impact is the task's, times the
addresses that hold the content. What a verdict teaches falls with every earlier question of the
same pattern (the same services for and against, on the same task): 1, 1/sqrt 2, 1/sqrt 3 ...
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.listed_answers import MOST_LISTED, can_be_listed
from orchestration_assets.disagreement.readings import Key
from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.evidence.review_sampling import permanent_number, sizes_of
from orchestration_assets.evidence.verdict_weights import open_probabilities
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.disagreement import QueuedReading, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind, Consequence, Status, Triage
from orchestration_assets.schemas.equal_rows import row_codes
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import plain_fields, record_of
from orchestration_assets.schemas.tables import (
    RESOLUTIONS,
    DisagreementRow,
    ReadingSummary,
    ResolutionRow,
)

_LONGEST: Final = 300
_LONGEST_CHOICE: Final = 200
_LONGEST_RECORD: Final = 4_000
_MOST_SENTENCES: Final = 3


@dataclass(frozen=True, slots=True)
class QuestionDispute:
    """What services disagree on about one question: the highest ``severity`` of its disagreements,
    0 when none has a consequence, and how these differ, in words, the gravest first."""

    severity: float
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """What is known of the questions beside their resolutions: tasks by name, and by question the
    kinds of dispute that were found, and the disagreements."""

    tasks: Mapping[str, Task] = field(default_factory=dict)
    kinds: Mapping[Key, Sequence[str]] = field(default_factory=dict)
    disputes: Mapping[Key, QuestionDispute] = field(default_factory=dict)


def disputes_of(disagreements: Iterable[DisagreementRow]) -> dict[Key, QuestionDispute]:
    """Every question that services disagree on, with or without consequence."""
    by_question: dict[Key, list[DisagreementRow]] = {}
    for row in disagreements:
        by_question.setdefault((row.item_id, row.task), []).append(row)
    return {key: _dispute(rows) for key, rows in by_question.items()}


def _dispute(rows: list[DisagreementRow]) -> QuestionDispute:
    grave = [row for row in rows if row.consequence is not Consequence.NONE]
    grave.sort(key=lambda row: (-row.severity, row.service_a, row.service_b))
    sentences = dict.fromkeys(row.sentence[:_LONGEST] for row in grave if row.sentence)
    severity = grave[0].severity if grave else 0.0
    return QuestionDispute(severity, tuple(sentences)[:_MOST_SENTENCES])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A question that may be asked: ``row`` is its place among the resolutions, ``pattern`` the
    same for all questions of a task with the same services for and against."""

    row: int
    item_id: str
    content_hash: str
    task: str
    pattern: int
    triage: Triage
    risk: float
    impact: float


@dataclass(frozen=True, slots=True)
class _Valued:
    """A candidate, how much it teaches, and the value of its verdict."""

    question: _Candidate
    teaches: float
    value: float


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A question of the queue as it was drawn."""

    valued: _Valued
    place: int
    round: int
    size: float
    priority: float
    beyond: float
    audit: bool


def review_queue(
    resolutions: pa.Table,
    facts: QuestionFacts,
    copies: Mapping[str, int],
    impacts: Mapping[str, float],
    judged: Iterable[tuple[str, str]],
    max_rows: int,
    audit_share: float = 0.2,
    before: Sequence[ReviewRow] = (),
    answered: Collection[tuple[str, str]] = (),
    elsewhere: Collection[tuple[str, str]] = (),
) -> list[ReviewRow]:
    """The questions to put before people, in the order of asking, after those of earlier rounds.

    Every resolved answer with a risk comes in; so does every label that was answered but for which
    no answer was let stand, at the risk of one half, and answers without a risk (texts, sets,
    scores) do when services disagree with a consequence, at half its severity: either of the two
    may be the one that stands. ``copies`` counts the addresses of an item, ``judged`` are (content
    hash, task) pairs whose answer is known: they are not asked about.
    ``before`` is the queue as it was; what people have ``answered`` of it is kept with the
    probability with which the answer came in, and the next round begins. So it does when what is
    asked must change: of a sheet that is out the rows are kept. What people have answered
    ``elsewhere`` came on sheets of earlier rounds alone. All that they judged before a round is
    kept with the probability 1, and the size 0.
    """
    done = set(judged)
    here = set(answered) - set(elsewhere)
    earlier, number = closed_rounds(before, here, done)
    with_probability = {(row.content_hash, row.task) for row in earlier if row.probability}
    candidates: list[_Candidate] = []
    certain: list[_Candidate] = []
    for candidate in _candidates(resolutions, facts.disputes, copies, impacts):
        key = (candidate.content_hash, candidate.task)
        if key not in done:
            candidates.append(candidate)
        elif key in answered and key not in with_probability:
            certain.append(candidate)
    valued = _valued(candidates, facts.disputes)
    asked = [row for row in before if row.probability is None]
    drawn = _sampled(valued, number, max_rows, audit_share)
    if asked and number == asked[0].round and list(map(_design, drawn)) != _designs(asked):
        earlier, number = [*earlier, *map(_unanswered, asked)], number + 1
        drawn = _sampled(valued, number, max_rows, audit_share)
    # where nothing may be asked, what is judged is not all there is
    known = [_judged_before(one, number) for one in certain] if max_rows else []
    rows = _review_rows([*known, *drawn], resolutions, facts)
    sure = (replace(row, chance=1.0, probability=1.0) for row in rows[: len(known)])
    return [*earlier, *sure, *rows[len(known) :]]


def closed_rounds(
    before: Sequence[ReviewRow],
    answered: Collection[tuple[str, str]],
    judged: Collection[tuple[str, str]],
) -> tuple[list[ReviewRow], int]:
    """The questions of earlier rounds, with the probabilities of those answered, and the number of
    the round that is to be asked: the same until something of it is answered.

    The others are kept at the probability 0: their sheet may come in late.
    """
    closed = [row for row in before if row.probability is not None]
    number = max((row.round for row in before), default=1)
    asked = [row for row in before if row.probability is None]
    found = open_probabilities(asked, answered, judged)
    if not found:
        return closed, number
    for row in asked:
        probability = found.get((row.content_hash, row.task), 0.0)
        closed.append(replace(row, place=0, probability=probability))
    return closed, number + 1


def _unanswered(row: ReviewRow) -> ReviewRow:
    return replace(row, place=0, probability=0.0)


def _design(drawn: _Drawn) -> tuple[str, str, float, float, float]:
    """What the probability of a drawn question rests on."""
    question = drawn.valued.question
    return (question.content_hash, question.task, drawn.size, drawn.priority, drawn.beyond)


def _designs(asked: Iterable[ReviewRow]) -> list[tuple[str, str, float, float, float]]:
    return [(row.content_hash, row.task, row.size, row.priority, row.beyond) for row in asked]


def _judged_before(question: _Candidate, round_number: int) -> _Drawn:
    return _Drawn(_Valued(question, 1.0, 0.0), 0, round_number, 0.0, 0.0, 0.0, False)


@dataclass(frozen=True, slots=True)
class _Resolved:
    """The columns of a resolution that say whether and how urgently it may be asked about."""

    item_id: str
    content_hash: str
    task: str
    kind: AnswerKind
    triage: Triage | None
    error_risk: float | None


def _candidates(
    resolutions: pa.Table,
    disputes: Mapping[Key, QuestionDispute],
    copies: Mapping[str, int],
    impacts: Mapping[str, float],
) -> Iterator[_Candidate]:
    """The questions that may be asked, in the order of the resolutions."""
    patterns = row_codes(resolutions.select(["task", "supporters", "dissenters"])).tolist()
    answered = _answered_without_risk(resolutions)
    for place, row in enumerate(decode(_Resolved, resolutions)):
        triage, risk = row.triage, row.error_risk
        if row.kind == AnswerKind.VECTOR:
            continue
        if triage is None or risk is None:
            # a label that services dispute and that none was let stand belongs to the whole as well
            label = row.kind == AnswerKind.LABEL and place in answered
            dispute = disputes.get((row.item_id, row.task))
            severity = dispute.severity if dispute else 0.0
            if not label and severity == 0.0:
                continue
            triage, risk = Triage.REVIEW, 0.5 if label else 0.5 * severity
        impact = impacts.get(row.task, 1.0) * max(copies.get(row.item_id, 1), 1)
        question = row.item_id, row.content_hash, row.task
        yield _Candidate(place, *question, patterns[place], triage, risk, impact)


def _answered_without_risk(resolutions: pa.Table) -> set[int]:
    """The places of the resolutions without a risk in which a service gave an answer."""
    without = pc.or_(pc.is_null(resolutions["triage"]), pc.is_null(resolutions["error_risk"]))
    places = pc.indices_nonzero(without)
    readings = resolutions["readings"].take(places).to_pylist()
    return {
        place
        for place, given in zip(places.to_pylist(), readings, strict=True)
        if any(reading["status"] == Status.OK for reading in given)
    }


def _valued(candidates: list[_Candidate], disputes: Mapping[Key, QuestionDispute]) -> list[_Valued]:
    """The questions with what each teaches, and the value of its verdict: none where services
    disagree, and nothing hangs on it."""
    # within a pattern the riskiest comes first, and teaches most
    ordered = sorted(candidates, key=lambda one: (-one.risk * one.impact, one.item_id, one.task))
    earlier: Counter[int] = Counter()
    valued: list[_Valued] = []
    for question in ordered:
        teaches = 1.0 / (1.0 + earlier[question.pattern]) ** 0.5
        earlier[question.pattern] += 1
        dispute = disputes.get((question.item_id, question.task))
        harmless = dispute is not None and dispute.severity == 0.0
        value = 0.0 if harmless else question.risk * question.impact * teaches
        valued.append(_Valued(question, teaches, value))
    return valued


def _sampled(
    questions: list[_Valued], round_number: int, max_rows: int, audit_share: float
) -> list[_Drawn]:
    """The questions of the highest priority in this round, in its order."""
    sizes = sizes_of([one.value for one in questions], audit_share).tolist()
    even = audit_share / max(len(questions), 1)
    of_round = str(round_number)
    sized = []
    for one, size in zip(questions, sizes, strict=True):
        question = one.question
        number = permanent_number(question.task, question.content_hash, of_round)
        sized.append((-(size / number), question.item_id, question.task, size, one))
    sized.sort(key=itemgetter(0, 1, 2))
    beyond = -sized[max_rows][0] if max_rows < len(sized) else 0.0
    return [
        _Drawn(one, place, round_number, size, -behind, beyond, size < 2.0 * even)
        for place, (behind, _, _, size, one) in enumerate(sized[:max_rows], 1)
    ]


def _review_rows(
    drawn: Sequence[_Drawn], resolutions: pa.Table, facts: QuestionFacts
) -> list[ReviewRow]:
    """The rows of the table, of which the resolutions are taken apart only here."""
    places = pa.array([one.valued.question.row for one in drawn], pa.int64())
    rows = RESOLUTIONS.rows(resolutions.take(places))
    return [_review_row(one, row, facts) for one, row in zip(drawn, rows, strict=True)]


def _review_row(drawn: _Drawn, row: ResolutionRow, facts: QuestionFacts) -> ReviewRow:
    question, key = drawn.valued.question, (row.item_id, row.task)
    dispute = facts.disputes.get(key, QuestionDispute(0.0, ()))
    task = facts.tasks.get(row.task)
    return ReviewRow(
        batch=row.batch,
        place=drawn.place,
        item_id=row.item_id,
        content_hash=row.content_hash,
        path=row.path,
        task=row.task,
        kind=row.kind,
        question=task.question if task else "",
        allowed=allowed_answers(task) if task else "",
        choices=_choices(row, task),
        answer=row.answer,
        triage=question.triage,
        error_risk=question.risk,
        impact=question.impact,
        teaches=drawn.valued.teaches,
        value=drawn.valued.value,
        round=drawn.round,
        size=drawn.size,
        priority=drawn.priority,
        beyond=drawn.beyond,
        chance=min(1.0, drawn.size / drawn.beyond) if drawn.beyond else 1.0,
        audit=drawn.audit,
        probability=None,
        readings=tuple(map(_queued, row.readings)),
        kinds=tuple(facts.kinds.get(key, ())),
        severity=dispute.severity,
        disputes=dispute.sentences,
    )


def _choices(row: ResolutionRow, task: Task | None) -> tuple[str, ...]:
    """The labels of a task in their order; what services said, in the order of the alphabet, where
    there are none or too many: the place of an answer shall not tell how many gave it."""
    if task and task.kind is AnswerKind.LABEL and 0 < len(task.labels) <= MOST_LISTED:
        return task.labels
    if task and task.kind is AnswerKind.RECORD:
        # a verdict names fields; this one that all of what stands is right
        standing = record_of(row.answer_record) if row.answer_record else None
        told = json.dumps(plain_fields(standing), ensure_ascii=False) if standing else ""
        return (told,) if told and can_be_listed(told, _LONGEST_RECORD) else ()
    said = {reading.answer for reading in row.readings if reading.status == Status.OK}
    listed = [one for one in said if one is not None and can_be_listed(one, _LONGEST_CHOICE)]
    return tuple(sorted(listed)[:MOST_LISTED])


def _queued(reading: ReadingSummary) -> QueuedReading:
    answer = reading.answer
    if answer is None:
        said = reading.status.replace("_", " ")
    else:
        said = answer if len(answer) <= _LONGEST else f"{answer[: _LONGEST - 1]}…"
    return QueuedReading(reading.service, said, reading.confidence, None)
