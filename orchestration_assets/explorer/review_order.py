"""In which order questions of all batches are asked, and of whom: all pure.

Within a batch questions keep the order in which its queue was drawn, for what a verdict stands for
rests on it. Of several batches the one whose next verdict is worth most comes first.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from orchestration_assets.schemas.disagreement import ReviewRow

DOUBLE_EVERY: Final = 5
"""One question of so many is asked of a second person, so that people can be compared."""

QuestionKey = tuple[str, str]
"""Content hash and task."""
Judged = Mapping[QuestionKey, frozenset[str]]
"""Who judged a question."""
NOBODY: Final[Mapping[QuestionKey, Collection[str]]] = {}


@dataclass(frozen=True, slots=True)
class DeskQuestion:
    """A question for people: its row, what a verdict on it is about, its ``name`` in addresses (16
    hexadecimal digits), and whether a second person is asked too."""

    row: ReviewRow
    key: QuestionKey
    name: str
    twice: bool


def desk_question(row: ReviewRow) -> DeskQuestion:
    """The question of a row of a review queue."""
    key = (row.content_hash, row.task)
    told = "\0".join((row.batch, row.item_id, row.task, str(row.round)))
    name = blake2b(told.encode(), digest_size=8).hexdigest()
    return DeskQuestion(row, key, name, is_asked_twice(key))


def is_asked_twice(key: QuestionKey) -> bool:
    """Whether a second person is asked too: settled by the question alone."""
    digest = blake2b("\0".join(key).encode(), digest_size=4).digest()
    return int.from_bytes(digest) % DOUBLE_EVERY == 0


def in_asking_order(queues: Iterable[Sequence[DeskQuestion]]) -> list[DeskQuestion]:
    """The open questions of all queues, each content and task once."""
    waiting: list[tuple[float, str, int, Iterator[DeskQuestion], DeskQuestion]] = []

    def push(rest: Iterator[DeskQuestion], number: int) -> None:
        one = next(rest, None)
        if one is not None:
            heapq.heappush(waiting, (-one.row.value, one.row.batch, number, rest, one))

    for number, queue in enumerate(queues):
        still_asked = (one for one in queue if one.row.probability is None)
        push(iter(sorted(still_asked, key=lambda one: one.row.place)), number)
    ordered: dict[QuestionKey, DeskQuestion] = {}
    while waiting:
        _, _, number, rest, one = heapq.heappop(waiting)
        ordered.setdefault(one.key, one)
        push(rest, number)
    return list(ordered.values())


def open_for(
    who: str,
    questions: Sequence[DeskQuestion],
    judged: Judged,
    elsewhere: Mapping[QuestionKey, Collection[str]] = NOBODY,
) -> list[DeskQuestion]:
    """What a person is asked: nothing twice, and what somebody judged only where two are asked.

    ``elsewhere`` are the questions that others have before them now, and who: they count as if they
    had judged.
    """
    nobody: frozenset[str] = frozenset()
    found = []
    for one in questions:
        people = judged.get(one.key, nobody)
        asked = people.union(elsewhere.get(one.key, ()))
        if who not in people and len(asked) < (2 if one.twice else 1):
            found.append(one)
    return found
