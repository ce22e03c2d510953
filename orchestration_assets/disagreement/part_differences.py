"""The parts of an item on which services differ, where they were asked of parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.part_readings import PartReadingRow

_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})


@dataclass(frozen=True, slots=True)
class PartSaying:
    """What one service said of a part; ``answer`` None where it gave none, with the ``status``."""

    service: str
    status: Status
    answer: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PartDifference:
    """A part of which services say different things.

    ``start`` and ``end`` are characters of the item's text, None where they are not known.
    """

    number: int
    of: int
    heading: str
    start: int | None
    end: int | None
    says: tuple[PartSaying, ...]


def part_differences(rows: Iterable[PartReadingRow], task: Task) -> list[PartDifference]:
    """The parts of one item and task on which any two services disagree, or one alone answers.

    What a service said of a part last counts. Services that were shown other lists of entries have
    other parts: those of the same number are compared.
    """
    last: dict[tuple[int, str], PartReadingRow] = {}
    for row in rows:
        before = last.get((row.part, row.service))
        if before is None or before.round <= row.round:
            last[row.part, row.service] = row
    by_part: dict[int, list[PartReadingRow]] = {}
    for (number, _), row in sorted(last.items()):
        by_part.setdefault(number, []).append(row)
    return [_difference(said) for said in by_part.values() if _differ(said, task)]


def _differ(said: list[PartReadingRow], task: Task) -> bool:
    answered = [row for row in said if row.status in _ANSWERED]
    if 0 < len(answered) < len(said):
        return True
    answers = [answer for row in answered if (answer := answer_of(row)) is not None]
    return any(
        one != other and is_disagreement(distance(one, other, task), task)
        for place, one in enumerate(answers)
        for other in answers[place + 1 :]
    )


def _difference(said: list[PartReadingRow]) -> PartDifference:
    first = said[0]
    return PartDifference(
        first.part,
        first.parts,
        first.heading,
        first.start,
        first.end,
        tuple(PartSaying(row.service, row.status, row.answer, row.reason) for row in said),
    )
