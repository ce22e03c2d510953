"""Which questions people should look at, as a sample with known probabilities.

The most valuable verdicts are the most probable and come first; an audit share is even over all
answers, so that accepted ones come in too (:mod:`~orchestration_assets.evidence.review_sampling`).
The value of a verdict is risk times impact times what it teaches. Impact is the task's, times the
addresses that hold the content. What a verdict teaches falls with every earlier question of the
same pattern (the same services for and against, on the same task): 1, 1/sqrt 2, 1/sqrt 3 ...
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestration_assets.content.listed_answers import MOST_LISTED, can_be_listed
from orchestration_assets.disagreement.label_weights import Key
from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.evidence.review_sampling import permanent_number, sizes_of
from orchestration_assets.evidence.verdict_weights import open_probabilities
from orchestration_assets.schemas.disagreement import QueuedReading, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind, Consequence, Status, Triage
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import DisagreementRow, ReadingSummary, ResolutionRow

_LONGEST: Final = 300
_LONGEST_CHOICE: Final = 200
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


def review_queue(
    resolutions: Iterable[ResolutionRow],
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
    candidates: list[tuple[tuple[str, ...], ReviewRow]] = []
    certain: list[ReviewRow] = []
    for row in resolutions:
        key = (row.content_hash, row.task)
        if key in done and (key not in answered or key in with_probability):
            continue
        candidate = _candidate(row, facts, copies, impacts)
        if candidate is None:
            continue
        if key in done:
            certain.append(replace(candidate, chance=1.0, probability=1.0))
            continue
        pattern: tuple[str, ...] = (row.task, "|".join(row.supporters), "|".join(row.dissenters))
        candidates.append((pattern, candidate))
    valued = _valued(candidates, facts.disputes)
    asked = [row for row in before if row.probability is None]
    drawn = _sampled(valued, number, max_rows, audit_share)
    if asked and number == asked[0].round and _design(drawn) != _design(asked):
        earlier, number = [*earlier, *map(_unanswered, asked)], number + 1
        drawn = _sampled(valued, number, max_rows, audit_share)
    # where nothing may be asked, what is judged is not all there is
    known = [replace(row, round=number) for row in certain] if max_rows else []
    return [*earlier, *known, *drawn]


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


def _design(drawn: Sequence[ReviewRow]) -> list[tuple[str, str, float, float, float]]:
    """What the probabilities of a draw rest on."""
    return [(row.content_hash, row.task, row.size, row.priority, row.beyond) for row in drawn]


def _valued(
    candidates: list[tuple[tuple[str, ...], ReviewRow]], disputes: Mapping[Key, QuestionDispute]
) -> list[ReviewRow]:
    """The questions with what each teaches, and the value of its verdict: none where services
    disagree, and nothing hangs on it."""
    # within a pattern the riskiest comes first, and teaches most
    candidates.sort(key=lambda c: (-c[1].error_risk * c[1].impact, c[1].item_id, c[1].task))
    earlier: Counter[tuple[str, ...]] = Counter()
    valued: list[ReviewRow] = []
    for pattern, question in candidates:
        teaches = 1.0 / (1.0 + earlier[pattern]) ** 0.5
        earlier[pattern] += 1
        dispute = disputes.get((question.item_id, question.task))
        harmless = dispute is not None and dispute.severity == 0.0
        value = 0.0 if harmless else question.error_risk * question.impact * teaches
        valued.append(replace(question, teaches=teaches, value=value))
    return valued


def _sampled(
    questions: list[ReviewRow], round_number: int, max_rows: int, audit_share: float
) -> list[ReviewRow]:
    """The questions of the highest priority in this round, in its order."""
    sizes = sizes_of([question.value for question in questions], audit_share)
    even = audit_share / max(len(questions), 1)
    sized = []
    for question, size in zip(questions, sizes.tolist(), strict=True):
        number = permanent_number(question.task, question.content_hash, str(round_number))
        audit = size < 2.0 * even
        priority = size / number
        sized.append(
            replace(question, round=round_number, size=size, priority=priority, audit=audit)
        )
    sized.sort(key=lambda question: (-question.priority, question.item_id, question.task))
    beyond = sized[max_rows].priority if max_rows < len(sized) else 0.0
    return [
        replace(
            question,
            place=place,
            beyond=beyond,
            chance=min(1.0, question.size / beyond) if beyond else 1.0,
        )
        for place, question in enumerate(sized[:max_rows], 1)
    ]


def _candidate(
    row: ResolutionRow,
    facts: QuestionFacts,
    copies: Mapping[str, int],
    impacts: Mapping[str, float],
) -> ReviewRow | None:
    triage, risk = row.triage, row.error_risk
    key = (row.item_id, row.task)
    dispute = facts.disputes.get(key, QuestionDispute(0.0, ()))
    if row.kind == AnswerKind.VECTOR:
        return None
    if triage is None or risk is None:
        # a label that services dispute and that none was let stand belongs to the whole as well
        label = row.kind == AnswerKind.LABEL and any(
            reading.status == Status.OK for reading in row.readings
        )
        if not label and dispute.severity == 0.0:
            return None
        triage, risk = Triage.REVIEW, 0.5 if label else 0.5 * dispute.severity
    task = facts.tasks.get(row.task)
    return ReviewRow(
        batch=row.batch,
        place=0,
        item_id=row.item_id,
        content_hash=row.content_hash,
        path=row.path,
        task=row.task,
        kind=row.kind,
        question=task.question if task else "",
        allowed=allowed_answers(task) if task else "",
        choices=_choices(row, task),
        answer=row.answer,
        triage=triage,
        error_risk=risk,
        impact=impacts.get(row.task, 1.0) * max(copies.get(row.item_id, 1), 1),
        teaches=1.0,
        value=0.0,
        round=1,
        size=0.0,
        priority=0.0,
        beyond=0.0,
        chance=0.0,
        audit=False,
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
