"""The interface of a measure: how far two answers to one task of a batch lie apart, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from orchestration_assets.disagreement.consequences.judgement import Judgement, harmless
from orchestration_assets.disagreement.readings import ServiceReadings, Vote
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import Consequence, DisagreementKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.tables import FieldDifference

Sides = tuple[tuple[str, ...], tuple[str, ...]]

_MAX_MEMBERS: Final = 6
_EQUAL: Final = harmless("both say the same")


@dataclass(frozen=True, slots=True)
class TaskReadings:
    """One task's ``ok`` readings over a batch, by item in the order of the resolutions.

    ``paths`` names each item for people. ``standing``: of record tasks, what stands of an item.
    """

    task: Task
    votes: Mapping[str, ServiceReadings]
    paths: Mapping[str, str]
    standing: Mapping[str, RecordAnswer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Differences:
    """What is exclusive to the first and to the second answer, and a description of either.

    ``kind`` where it depends on the two answers; ``fields``: the values on which two records
    differ.
    """

    only: Sides
    descriptions: tuple[str, str]
    kind: DisagreementKind | None = None
    fields: tuple[FieldDifference, ...] | None = None


@dataclass(frozen=True, slots=True)
class AnswerComparison:
    """How far two answers lie apart, in [0, 1], and what that would change.

    ``far``: whether the distance alone makes it worth recording. ``unusual`` is the share of
    recorded contents on which the two services lie nearer, None where no threshold is calibrated;
    ``basis`` says in words what decided.
    """

    distance: float
    far: bool
    judgement: Judgement
    unusual: float | None
    basis: str

    @property
    def disagree(self) -> bool:
        """Whether the two answers are a row of the table."""
        return self.far or self.judgement.consequence is not Consequence.NONE


class Measure(Protocol):
    """Compares two services' readings of one item, against the rest of the batch if it helps."""

    @property
    def kind(self) -> DisagreementKind:
        """The kind of disagreement that is found."""

    def compare(self, item_id: str, first: Vote, second: Vote) -> AnswerComparison | None:
        """How far apart the answers are; None when the batch is too small to tell."""

    def differences(self, item_id: str, first: Vote, second: Vote) -> Differences:
        """What sets the answers apart."""


MakeMeasure = Callable[[TaskReadings], Measure]


@dataclass(frozen=True, slots=True)
class PairMeasure:
    """A measure that needs no more than the two readings: the distance of ``evidence``, and what
    ``judge`` makes of the difference."""

    kind: DisagreementKind
    task: Task
    judge: Callable[[str, Vote, Vote], Judgement]
    exclusive_parts: Callable[[Answer, Answer], Sides]
    in_words: Callable[[Vote, Sequence[str]], str]

    def compare(self, item_id: str, first: Vote, second: Vote) -> AnswerComparison:
        answers = required_answer(first), required_answer(second)
        apart = distance(*answers, self.task)
        judgement = self.judge(item_id, first, second) if answers[0] != answers[1] else _EQUAL
        return compare_by_policy(apart, self.task, judgement)

    def differences(self, item_id: str, first: Vote, second: Vote) -> Differences:
        only = self.exclusive_parts(required_answer(first), required_answer(second))
        return Differences(only, (self.in_words(first, only[0]), self.in_words(second, only[1])))


def compare_by_policy(
    answer_distance: float, task: Task, judgement: Judgement, reason: str = ""
) -> AnswerComparison:
    """Compared with the task's ``disagree_at``; ``reason`` nothing better is known, if it is."""
    basis = f"disagree_at {task.disagree_at:g}{f': {reason}' if reason else ''}"
    far = is_disagreement(answer_distance, task)
    if not far and judgement.consequence is not Consequence.NONE:
        basis = f"{judgement.consequence} at a distance below {basis}"
    return AnswerComparison(answer_distance, far, judgement, None, basis)


def required_answer(vote: Vote) -> Answer:
    """The answer of an ``ok`` reading."""
    answer = vote[1].answer
    if answer is None:
        raise ValueError(f"{vote[0]} gave no answer")
    return answer


def describe_answer(vote: Vote, only: Sequence[str] = ()) -> str:
    """The answer as one line, with what it rests on."""
    return with_evidence(vote, shown(required_answer(vote)) or "")


def describe_exclusive(vote: Vote, only: Sequence[str]) -> str:
    """What the other side lacks, with what the answer rests on."""
    return with_evidence(vote, f"alone says {first_members(only)}" if only else "adds nothing")


def with_evidence(vote: Vote, description: str) -> str:
    """The words, with what the answer rests on in brackets."""
    return f"{description} ({vote[1].evidence})" if vote[1].evidence else description


def first_members(members: Sequence[str]) -> str:
    """The first few members, and how many more there are."""
    more = len(members) - _MAX_MEMBERS
    return ", ".join(members[:_MAX_MEMBERS]) + (f" and {more} more" if more > 0 else "")
