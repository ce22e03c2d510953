"""In which order questions of all batches are asked, and of whom: all pure.

Within a batch questions keep the order in which its queue was drawn, for what a verdict stands for
rests on it. Of several batches the one whose next verdict is worth most comes first.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from orchestration_assets.schemas.disagreement import ReviewRow

DOUBLE_EVERY: Final = 5
"""One question of so many is asked of a second person, so that people can be compared."""

QuestionKey = tuple[str, str]
"""Content hash and task."""
Judged = Mapping[QuestionKey, frozenset[str]]
"""Who judged a question."""


def question_key(row: ReviewRow) -> QuestionKey:
    """What a verdict on the question is about."""
    return row.content_hash, row.task


def question_name(row: ReviewRow) -> str:
    """The name of a question in addresses: 16 hexadecimal digits."""
    told = "\0".join((row.batch, row.item_id, row.task, str(row.round)))
    return blake2b(told.encode(), digest_size=8).hexdigest()


def is_asked_twice(key: QuestionKey) -> bool:
    """Whether a second person is asked too: settled by the question alone."""
    digest = blake2b("\0".join(key).encode(), digest_size=4).digest()
    return int.from_bytes(digest) % DOUBLE_EVERY == 0


def in_asking_order(queues: Iterable[Sequence[ReviewRow]]) -> list[ReviewRow]:
    """The open questions of all queues, each content and task once."""
    waiting: list[tuple[float, str, int, Iterator[ReviewRow], ReviewRow]] = []

    def push(rest: Iterator[ReviewRow], number: int) -> None:
        row = next(rest, None)
        if row is not None:
            heapq.heappush(waiting, (-row.value, row.batch, number, rest, row))

    for number, queue in enumerate(queues):
        still_asked = (row for row in queue if row.probability is None)
        push(iter(sorted(still_asked, key=lambda row: row.place)), number)
    ordered: dict[QuestionKey, ReviewRow] = {}
    while waiting:
        _, _, number, rest, row = heapq.heappop(waiting)
        ordered.setdefault(question_key(row), row)
        push(rest, number)
    return list(ordered.values())


def open_for(
    who: str, rows: Sequence[ReviewRow], judged: Judged, elsewhere: Collection[QuestionKey]
) -> list[ReviewRow]:
    """What a person is asked: nothing twice, and what somebody judged only where two are asked.

    ``elsewhere`` are questions that are before somebody else now.
    """
    found = []
    for row in rows:
        key = question_key(row)
        people = judged.get(key, frozenset())
        wanted = 2 if is_asked_twice(key) else 1
        if who in people or len(people) >= wanted:
            continue
        if key not in elsewhere or is_asked_twice(key):
            found.append(row)
    return found
