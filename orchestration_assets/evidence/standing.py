"""Which readings of one question the answer that stands rests on, and who contradicts whom.

An answer stands over those that its service was shown: a judge's over the readings that it judged,
a later step's of a chain over the earlier steps. Only readings that came about without each other
can contradict each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, cast

from orchestration_assets.evidence.consensus import Consensus, Vote, consensus, support_of
from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.evidence.records.consensus import (
    NO_MODELS,
    Models,
)
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task

ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})


@dataclass(frozen=True)
class Roles:
    """The part that the final readings of one question have in its answer, by service.

    ``decides``: the services whose readings the answer rests on. ``saw``: service -> the services
    whose answers it was shown. ``voices``: member of a panel -> its first answer, given before it
    was shown any, None where that was none. ``follows``: member -> the members to whose answer it
    moved.
    """

    decides: frozenset[str] = frozenset()
    saw: Mapping[str, Collection[str]] = field(default_factory=dict)
    voices: Mapping[str, Reading | None] = field(default_factory=dict)
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def _known(self) -> dict[str, frozenset[str]]:
        if not any(self.saw.values()):
            return {}
        known: dict[str, set[str]] = {}
        for name in self.saw:
            reached: set[str] = set()
            ahead = [*self.saw[name]]
            while ahead:
                if (earlier := ahead.pop()) not in reached:
                    reached.add(earlier)
                    ahead += self.saw.get(earlier, ())
            known[name] = reached
        return {name: frozenset(reached - {name}) for name, reached in known.items()}

    def knew(self, service: str, other: str) -> bool:
        """Whether the service knew the other's answer, also through a third one."""
        return other in self._known.get(service, frozenset())

    def supersedes(self, service: str, other: str) -> bool:
        """Whether the service knew the other's answer, and not the other way round."""
        return self.knew(service, other) and not self.knew(other, service)

    def apart(self, service: str, other: str) -> bool:
        """Whether the two answers can contradict each other: neither is built on the other."""
        return not (self.supersedes(service, other) or self.supersedes(other, service))

    def unaided(self, service: str) -> bool:
        """Whether the service was shown no answer of another: its reading is independent."""
        return not self._known.get(service)


def decisive(votes: Sequence[Vote], saw: Mapping[str, Collection[str]]) -> Roles:
    """The roles of readings that no judge and no escalation has superseded.

    Those decide that are superseded by no other one that answered; a fallback's answer only where
    there is no other, and then the first.
    """
    roles = Roles(saw=saw)
    answered = [vote for vote in votes if vote[1].status in ANSWERED]
    left = [
        (name, reading)
        for name, reading in answered
        if not any(roles.supersedes(other, name) for other, _ in answered)
    ]
    ok = [name for name, reading in left if reading.status is Status.OK]
    return Roles(frozenset(ok or [name for name, _ in left][:1]), saw)


def deciding(votes: Sequence[Vote], roles: Roles) -> list[Vote]:
    """The votes that the answer rests on, each with full right: also that of a fallback."""
    return [_entitled(vote) for vote in votes if vote[0] in roles.decides]


def voices(votes: Sequence[Vote], roles: Roles) -> list[Vote]:
    """The votes as they were found without each other: of members of a panel their first answers.

    A member that first answered after it was shown the others' answers has no voice of its own.
    """
    own = ((name, roles.voices.get(name, reading)) for name, reading in votes)
    return [(name, reading) for name, reading in own if reading is not None]


def _entitled(vote: Vote) -> Vote:
    name, reading = vote
    if reading.status is Status.FALLBACK:
        return name, replace(reading, status=Status.OK)
    return vote


def standing(
    votes: Sequence[Vote],
    roles: Roles,
    task: Task,
    answer: Answer | None = None,
    models: Models = NO_MODELS,
) -> Consensus:
    """The answer of the readings that decide (or the one given), as all readings support it.

    ``certainty``, ``error_risk`` and ``spread`` weigh every reading, so that a decision against
    the others shows as the risk that it is. ``dissenters`` gave an answer far from it and
    contradict a reading that was found without theirs; whoever was only overruled, by a service
    that knew the answer, is none. Of a panel these figures are those of the first answers: what
    members said after they were shown the others' repeats voices that are counted already.
    """
    own = deciding(votes, roles)
    agreed = consensus(own, task, models) if answer is None else None
    if agreed is not None:
        answer = agreed.answer
    if answer is None:
        return Consensus(None, 0.0, None, None, (), ())
    counted = [
        _entitled(vote) if vote[0] in roles.decides else vote
        for vote in votes
        if vote[1].status in ANSWERED
    ]
    # mostly nobody else answered, and what those who decide support is known
    found = agreed if agreed and counted == own else support_of(answer, counted, task, models)
    if roles.voices:
        found = _as_sure_as(support_of(answer, voices(counted, roles), task, models), found)
    readings = {name: reading for name, reading in counted if reading.status is Status.OK}
    dissenters = tuple(
        name for name in found.dissenters if _contradicts(name, readings, roles, task)
    )
    return found if dissenters == found.dissenters else replace(found, dissenters=dissenters)


def _as_sure_as(first: Consensus, last: Consensus) -> Consensus:
    """What stands by the last answers, as sure as the first ones make it."""
    risks = {one.cell.path: one.risk for one in first.cells}
    cells = [
        replace(one, risk=max(one.risk, risks.get(one.cell.path, one.risk))) for one in last.cells
    ]
    return replace(
        last,
        certainty=first.certainty,
        error_risk=first.error_risk,
        spread=first.spread,
        cells=tuple(cells),
    )


def overruled(votes: Sequence[Vote], roles: Roles, task: Task, answer: Answer) -> tuple[str, ...]:
    """The services whose other answer is known to those that decide, or that were shown what
    stands and said otherwise (a judge whose panel decides after all), in the order of asking."""
    if task.kind is AnswerKind.VECTOR:
        return ()
    return tuple(
        name
        for name, reading in votes
        if reading.status is Status.OK
        and name not in roles.decides
        and is_disagreement(distance(cast(Answer, reading.answer), answer, task), task)
        and any(roles.knew(decider, name) or roles.knew(name, decider) for decider in roles.decides)
    )


def disputed(votes: Sequence[Vote], roles: Roles, task: Task) -> bool:
    """Whether the readings that decide contradict each other."""
    if task.kind is AnswerKind.VECTOR:
        return False
    own = deciding(votes, roles)
    readings = {name: reading for name, reading in own if reading.status is Status.OK}
    return any(_differ(readings, a, b, task) for a in readings for b in readings if a < b)


def _contradicts(name: str, readings: Mapping[str, Reading], roles: Roles, task: Task) -> bool:
    return any(
        other != name
        and roles.apart(name, other)
        and (other in roles.decides or _differ(readings, name, other, task))
        for other in readings
    )


def _differ(readings: Mapping[str, Reading], a: str, b: str, task: Task) -> bool:
    first, second = cast(Answer, readings[a].answer), cast(Answer, readings[b].answer)
    return is_disagreement(distance(first, second, task), task)
