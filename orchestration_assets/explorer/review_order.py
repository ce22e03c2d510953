"""In which order questions of all batches are asked, and of whom: all pure.

Within a batch questions keep the order in which its queue was drawn, for what a verdict stands for
rests on it. Of several batches the one whose next verdict is worth most comes first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DOUBLE_EVERY: Final = 5
"""One question of so many is asked of a second person, so that people can be compared."""

QuestionKey = tuple[str, str]
"""Content hash and task."""
Judged = Mapping[QuestionKey, Collection[str]]
"""Who judged a question."""
NOBODY: Final[Judged] = {}


@dataclass(frozen=True, slots=True)
class DeskQuestion:
    """A question for people: the batch whose queue asks it, its place in that table, what a verdict
    on it is about, its ``name`` in addresses (16 hexadecimal digits), and whether a second person
    is asked too."""

    batch: str
    at: int
    key: QuestionKey
    name: str
    twice: bool


def question_number(batch: str, item_id: str, task: str, number: int) -> int:
    """The name of a question, asked in a round of that number, as a number of 64 bits."""
    told = "\0".join((batch, item_id, task, str(number)))
    return int.from_bytes(blake2b(told.encode(), digest_size=8).digest())


def key_number(key: QuestionKey) -> int:
    """What a question is about, as a number of 64 bits."""
    return int.from_bytes(blake2b("\0".join(key).encode(), digest_size=8).digest())


def is_asked_twice(key: QuestionKey) -> bool:
    """Whether a second person is asked too: settled by the question alone."""
    digest = blake2b("\0".join(key).encode(), digest_size=4).digest()
    return int.from_bytes(digest) % DOUBLE_EVERY == 0


def is_closed(key: QuestionKey, who: str, judged: Judged, elsewhere: Judged) -> bool:
    """Whether a person is not asked: they judged it, or as many others as are asked judged it or
    have it before them."""
    people = set(judged.get(key, ()))
    asked = people.union(elsewhere.get(key, ()))
    return who in people or len(asked) >= (2 if is_asked_twice(key) else 1)


def asking_order(
    queues: Sequence[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]],
) -> npt.NDArray[np.int64]:
    """The questions of all queues in one order: ``queues`` are batches with their questions, as
    numbers in the order in which they were drawn, and the value of each.

    The next is always that of the batch whose next one is worth most, so a question waits as long
    as the least valuable one before it in its queue.
    """
    if not queues:
        return np.zeros(0, np.int64)
    names = sorted({batch for batch, _, _ in queues})
    rank = {name: place for place, name in enumerate(names)}
    numbers = np.concatenate([one for _, one, _ in queues])
    waits = np.concatenate([np.maximum.accumulate(-value) for _, _, value in queues])
    of = np.repeat([rank[batch] for batch, _, _ in queues], [len(one) for _, one, _ in queues])
    # a stable order: within a batch as they were drawn
    order: npt.NDArray[np.int64] = numbers[np.lexsort((of, waits))].astype(np.int64)
    return order
