"""Outcomes: how right each service's answer was, by gold, by people, or by a judging service."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.evidence.distances import distance
from orchestration_assets.evidence.records.judged import judged_fields, right_share
from orchestration_assets.evidence.verdict_history import gold_rows, stored_weights
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.answers import Answer, AnswerColumns, answer_of, fits, shown
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.outcomes import OutcomeRow, OutcomeSource
from orchestration_assets.schemas.policy import LEARNED, Choice, Policy, TaskConfig
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS, RESOLUTIONS
from orchestration_assets.schemas.verdicts import GoldRow
from resources.table_store import TableStore

# vectors are not right or wrong
_NEVER_OUTCOMES: Final = frozenset({"answer_vector"})
_NOT_ASKED: Final = frozenset({Status.DEFERRED, Status.OVER_BUDGET})

_Row = TypeVar("_Row")
ContentTask = tuple[str, str]
"""A task, and the hash of the content that it is about."""


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """The columns of a reading that outcomes are made of."""

    batch: str
    item_id: str
    content_hash: str
    task: str
    service: str
    service_version: str
    final: bool
    saw: tuple[str, ...]
    status: Status
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    confidence: float | None
    answer_vector: tuple[float, ...] | None = None
    answer_record: str | None = None
    voice: bool | None = None

    @property
    def unaided(self) -> bool:
        """Whether it is what the service answers by itself, if it was asked at all."""
        # what a service answers in knowledge of others is not what it would answer by itself
        return self.status not in _NOT_ASKED and set(self.saw) <= {self.service}


@dataclass(frozen=True, slots=True)
class StandingAnswer:
    """The columns of a resolution that say what stood."""

    batch: str
    item_id: str
    content_hash: str
    task: str
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None = None
    answer_record: str | None = None


@dataclass(frozen=True, slots=True)
class _Planned:
    batch: str
    item_id: str
    content_hash: str
    task: str
    option: str


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """The right answer, what says so and who. A judge says so of the answers that it was shown:
    those of the services ``judged`` in the ``batch``; None where the answers of all count."""

    answer: Answer
    why: OutcomeSource
    said_by: str
    weight: float | None
    judged: frozenset[str] | None = None
    batch: str | None = None

    def counts_for(self, reading: RecordedReading) -> bool:
        """Whether it says how right a reading is."""
        if self.judged is None:
            return True
        return reading.batch == self.batch and reading.service in self.judged


@dataclass(frozen=True)
class OutcomeEvidence:
    """What the stored tables say of answers; what is stored later comes last.

    ``readings`` gives the readings that are final, each time it is called; ``standing`` are the
    answers that stood by what was decided without a learned model.
    """

    readings: Callable[[], Iterable[RecordedReading]]
    standing: Iterable[StandingAnswer] = ()
    gold: Collection[GoldRow] = ()
    weights: Mapping[str, VerdictWeights] = field(default_factory=dict)


def read_outcome_evidence(store: TableStore) -> OutcomeEvidence:
    """Gold, readings and what stood, of all batches of a home."""
    gold = gold_rows(store)
    return OutcomeEvidence(
        lambda: _final_readings(store), _standing(store), gold, stored_weights(store, gold)
    )


def policy_outcomes(policy: Policy, evidence: OutcomeEvidence) -> list[OutcomeRow]:
    """The outcomes of every task whose answers can be right or wrong, in the order of their key."""
    tasks = {
        name: task
        for name, task in build_tasks(policy).items()
        if task.kind is not AnswerKind.VECTOR
    }
    judges = {name: judges_of(policy.tasks[name]) for name in tasks}
    gold = _of_people(evidence, tasks)
    judged = _of_judges(evidence, tasks, judges)
    stood: dict[ContentTask, StandingAnswer] = {}
    for resolution in evidence.standing:
        if resolution.task in tasks and resolution.answer is not None:
            stood[resolution.task, resolution.content_hash] = resolution
    rows: dict[tuple[str, ...], OutcomeRow] = {}
    for reading in evidence.readings():
        if reading.task not in tasks or not reading.unaided:
            continue
        key = (reading.task, reading.content_hash)
        for right in filter(None, (gold.get(key), judged.get(key))):
            if right.counts_for(reading):
                row = _outcome(reading, right, tasks[reading.task], stood.get(key))
                rows[*key, row.service, row.service_version, row.why] = row
    return [rows[place] for place in sorted(rows)]


def judges_of(task: TaskConfig) -> frozenset[str]:
    """Every service that judges in some way to process an item of the task."""

    def within(choice: Choice) -> Iterator[str]:
        if choice.judge is not None:
            yield choice.judge.service
        for inside in choice.sub_choices.values():
            yield from within(inside)

    return frozenset(name for choice in task.choices.values() for name in within(choice))


def closeness(answer: Answer, right: Answer, task: Task) -> float:
    """How right an answer is, from 0 to 1: 1 less its distance to the right one. Of a record, the
    share of its values that are right, of those that the right one judges."""
    if isinstance(answer, RecordAnswer) and isinstance(right, RecordAnswer):
        return right_share(answer, right, task.fields) or 0.0
    return 1.0 - distance(answer, right, task)


def _outcome(
    reading: RecordedReading, right: RightAnswer, task: Task, stood: StandingAnswer | None
) -> OutcomeRow:
    answer = _fitting(reading, task) if reading.status is Status.OK else None
    # by its own measure what a judge has chosen is right, so that tells nothing
    weighs = right.why is not OutcomeSource.JUDGE
    standing = None if stood is None or not weighs else _fitting(stood, task)
    return OutcomeRow(
        batch=reading.batch,
        item_id=reading.item_id,
        content_hash=reading.content_hash,
        task=reading.task,
        kind=task.kind,
        service=reading.service,
        service_version=reading.service_version,
        status=reading.status,
        answer=shown(answer),
        confidence=reading.confidence,
        score=0.0 if answer is None else closeness(answer, right.answer, task),
        why=right.why,
        said_by=right.said_by,
        right=shown(right.answer) or "",
        weight=right.weight,
        stood=None if standing is None else closeness(standing, right.answer, task),
    )


def _fitting(row: AnswerColumns, task: Task) -> Answer | None:
    """The answer, if it is of the task's kind: what the policy asked before may have been other."""
    answer = answer_of(row)
    return answer if answer is not None and fits(answer, task.kind) else None


def _of_people(
    evidence: OutcomeEvidence, tasks: Mapping[str, Task]
) -> dict[ContentTask, RightAnswer]:
    """What gold and verdicts say of contents; where they name none, of what the item held."""
    unnamed: dict[tuple[str, str], GoldRow] = {}
    said: dict[ContentTask, GoldRow] = {}
    for row in sorted(evidence.gold, key=lambda row: row.item_id):
        if row.task not in tasks or row.kind is not tasks[row.task].kind:
            continue
        if row.answer_record is not None and not judged_fields(
            record_of(row.answer_record), tasks[row.task].fields
        ):
            continue  # the fields that it judges are none of the task any more
        if row.content_hash is None:
            unnamed[row.task, row.item_id] = row
        else:
            said[row.task, row.content_hash] = row
    if unnamed:
        for reading in evidence.readings():
            row_of_item = unnamed.get((reading.task, reading.item_id))
            if row_of_item is not None:
                said.setdefault((reading.task, reading.content_hash), row_of_item)
    return {key: _right_by(row, key[1], evidence.weights) for key, row in said.items()}


def _right_by(row: GoldRow, content: str, weights: Mapping[str, VerdictWeights]) -> RightAnswer:
    declared = row.who == DECLARED_BY
    answer: Answer = row.answer
    if row.answer_score is not None:
        answer = row.answer_score
    elif row.answer_set is not None:
        answer = row.answer_set
    elif row.answer_record is not None:
        answer = record_of(row.answer_record)
    return RightAnswer(
        answer,
        OutcomeSource.GOLD if declared else OutcomeSource.VERDICT,
        row.who,
        weights.get(row.task, VerdictWeights()).weights.get(content),
    )


def _of_judges(
    evidence: OutcomeEvidence, tasks: Mapping[str, Task], judges: Mapping[str, frozenset[str]]
) -> dict[ContentTask, RightAnswer]:
    """What a judge chose of the answers of most services, the last time that it was shown so many.

    Judgements are not joined: what was the best of some answers may be worse than others that were
    not shown with them.
    """
    found: dict[ContentTask, RightAnswer] = {}
    if not any(judges.values()):
        return found
    for reading in evidence.readings():
        seen = frozenset(reading.saw) - {reading.service}
        judging = reading.service in judges.get(reading.task, ()) and seen
        if not judging or reading.status is not Status.OK:
            continue
        answer = _fitting(reading, tasks[reading.task])
        if answer is not None:
            key = (reading.task, reading.content_hash)
            before = found[key].judged if key in found else None
            if isinstance(answer, RecordAnswer):
                answer = _as_a_whole(answer, tasks[reading.task])
            if before is None or len(seen) >= len(before):
                found[key] = RightAnswer(
                    answer, OutcomeSource.JUDGE, reading.service, 1.0, seen, reading.batch
                )
    return found


def _as_a_whole(record: RecordAnswer, task: Task) -> RecordAnswer:
    """A record as a verdict about all fields: what it leaves out is not there."""
    missing = tuple(one.name for one in task.fields if record.get(one.name) is None)
    return RecordAnswer(record.values, absent=missing)


def _final_readings(store: TableStore) -> Iterator[RecordedReading]:
    """The final readings of every batch, oldest first; of members of a panel what they said first,
    which is what they answer by themselves."""
    names = {name for table in INTERPRETATIONS.values() for name in store.batches(table.name)}
    for batch in sorted(names):
        for table in INTERPRETATIONS.values():
            kept = [batch] if store.exists(table.name, batch) else []
            read = _columns_of(store, table, kept, RecordedReading)
            counts = pc.if_else(pc.is_valid(read["voice"]), read["voice"], read["final"])
            yield from decode(RecordedReading, read.filter(counts))


def _standing(store: TableStore) -> Iterator[StandingAnswer]:
    """What stood in each batch, by plans that no learned model carried out, oldest first."""
    for batch in store.batches(RESOLUTIONS.name):
        if not store.exists(PROCESSING_PLANS.name, batch):
            continue
        plans = _columns_of(store, PROCESSING_PLANS, [batch], _Planned)
        others = plans.filter(pc.not_equal(plans["option"], LEARNED))
        # an item may be decided otherwise in each batch, and hold something else
        planned = {
            (plan.item_id, plan.task, plan.content_hash) for plan in decode(_Planned, others)
        }
        read = _columns_of(store, RESOLUTIONS, [batch], StandingAnswer)
        for row in decode(StandingAnswer, read):
            if (row.item_id, row.task, row.content_hash) in planned:
                yield row


def _columns_of(store: TableStore, table: Any, batches: list[str], record: type[_Row]) -> pa.Table:
    columns = [name for name in column_names(record) if name not in _NEVER_OUTCOMES]
    return store.read_batches(table, batches, columns)
