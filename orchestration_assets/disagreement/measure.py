"""What a measure of one kind of answer knows of one task of a batch, and what it can say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from orchestration_assets.disagreement.readings import ServiceReadings, Vote
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import DisagreementKind
from orchestration_assets.schemas.items import Task

Sides = tuple[tuple[str, ...], tuple[str, ...]]

_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class TaskBatch:
    """One task's ``ok`` readings over a batch, by item in the order of the resolutions.

    ``paths`` names each item for people.
    """

    task: Task
    votes: Mapping[str, ServiceReadings]
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contrast:
    """What only the first and what only the second says, and either side in words."""

    only: Sides
    words: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """How far two answers lie apart, in [0, 1], and whether they ``disagree``.

    ``strength`` in [0, 1] is what severity takes for the distance. ``unusual`` is the share of
    recorded contents on which the two services lie nearer, None where no threshold is calibrated;
    ``basis`` says in words what decided.
    """

    distance: float
    disagree: bool
    strength: float
    unusual: float | None
    basis: str


class Measure(Protocol):
    """Compares two services' readings of one item, against the rest of the batch if it helps."""

    @property
    def kind(self) -> DisagreementKind:
        """The kind of disagreement that is found."""

    def compare(self, item_id: str, first: Vote, second: Vote) -> Compared | None:
        """How far apart the answers are; None when the batch is too small to tell."""

    def contrast(self, item_id: str, first: Vote, second: Vote) -> Contrast:
        """What sets the answers apart."""


MakeMeasure = Callable[[TaskBatch], Measure]


@dataclass(frozen=True, slots=True)
class PairMeasure:
    """A measure that needs no more than the two readings: the distance of ``evidence``."""

    kind: DisagreementKind
    task: Task
    only_sided: Callable[[Answer, Answer], Sides]
    in_words: Callable[[Vote, Sequence[str]], str]

    def compare(self, item_id: str, first: Vote, second: Vote) -> Compared:
        return by_policy(distance(given(first), given(second), self.task), self.task)

    def contrast(self, item_id: str, first: Vote, second: Vote) -> Contrast:
        only = self.only_sided(given(first), given(second))
        return Contrast(only, (self.in_words(first, only[0]), self.in_words(second, only[1])))


def by_policy(found: float, task: Task, why: str = "") -> Compared:
    """Compared with the task's ``disagree_at``; ``why`` nothing better is known, if it is."""
    basis = f"disagree_at {task.disagree_at:g}{f': {why}' if why else ''}"
    return Compared(found, is_disagreement(found, task), found, None, basis)


def given(vote: Vote) -> Answer:
    """The answer of an ``ok`` reading."""
    answer = vote[1].answer
    if answer is None:
        raise ValueError(f"{vote[0]} gave no answer")
    return answer


def answer_in_words(vote: Vote, only: Sequence[str] = ()) -> str:
    """The answer as one line, with what it rests on."""
    return with_evidence(vote, shown(given(vote)) or "")


def alone_in_words(vote: Vote, only: Sequence[str]) -> str:
    """What the other side lacks, with what the answer rests on."""
    return with_evidence(vote, f"alone says {listed(only)}" if only else "adds nothing")


def with_evidence(vote: Vote, said: str) -> str:
    """The words, with what the answer rests on in brackets."""
    return f"{said} ({vote[1].evidence})" if vote[1].evidence else said


def listed(members: Sequence[str]) -> str:
    """The first few members, and how many more there are."""
    more = len(members) - _NAMED
    return ", ".join(members[:_NAMED]) + (f" and {more} more" if more > 0 else "")
