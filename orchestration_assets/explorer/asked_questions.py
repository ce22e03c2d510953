"""What the queues of all batches ask, as columns: of each question what its order and its name need
alone. Its row is read when it is shown; half a million rows would be a gigabyte in each worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.explorer.review_order import (
    NOBODY,
    DeskQuestion,
    Judged,
    QuestionKey,
    asking_order,
    is_asked_twice,
    is_closed,
    key_number,
    question_number,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE

QUEUE_COLUMNS: Final = (
    *("batch", "item_id", "task", "round", "content_hash", "place", "value", "probability"),
)

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class QueuePart:
    """The queue of one batch, a row a question: names and keys as numbers, order and state."""

    batch: str
    hashes: pa.ChunkedArray
    tasks: tuple[str, ...]
    task: Numbers
    names: Numbers
    keys: Numbers
    twice: Numbers
    place: Numbers
    value: Numbers
    asked: Numbers


def queue_part(batch: str, queue: pa.Table) -> QueuePart:
    """The part of a review queue with ``QUEUE_COLUMNS``."""
    size = queue.num_rows
    names, keys = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    twice, task = np.zeros(size, bool), np.zeros(size, np.int16)
    tasks: dict[str, int] = {}
    columns = ("batch", "item_id", "task", "round", "content_hash")
    for at, (of, item_id, name, number, content) in enumerate(values(queue, *columns)):
        key = (content, name)
        names[at], keys[at] = question_number(of, item_id, name, number), key_number(key)
        twice[at], task[at] = is_asked_twice(key), tasks.setdefault(name, len(tasks))
    return QueuePart(
        batch,
        queue["content_hash"],
        tuple(tasks),
        task,
        names,
        keys,
        twice,
        queue["place"].to_numpy(),
        queue["value"].to_numpy(),
        pc.is_null(queue["probability"]).to_numpy(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class AskedQuestions:
    """Every question of the queues, newest batch first, answered ones too. ``order``: the places of
    the open ones in the order of asking; ``by_name`` and ``by_key`` sort names and keys."""

    parts: tuple[QueuePart, ...]
    hashes: pa.ChunkedArray
    starts: Numbers
    names: Numbers
    keys: Numbers
    twice: Numbers
    order: Numbers
    by_name: Numbers
    by_key: Numbers

    @property
    def open(self) -> "OpenQuestions":
        """The questions that are still asked, each content and task once, in order."""
        return OpenQuestions(self, self.order)

    def question(self, place: int) -> DeskQuestion:
        """The question at a place."""
        part_at = int(np.searchsorted(self.starts, place, "right")) - 1
        part = self.parts[part_at]
        row = place - int(self.starts[part_at])
        return DeskQuestion(
            part.batch,
            row,
            (self.hashes[place].as_py(), part.tasks[part.task[row]]),
            f"{int(self.names[place]):016x}",
            bool(self.twice[place]),
        )

    def named(self, name: str) -> DeskQuestion | None:
        """The question of a name; None when there is none."""
        return self._found(self.names, self.by_name, int(name, 16))

    def about(self, key: QuestionKey) -> DeskQuestion | None:
        """The question about a content and task, of the newest batch that asked; None for none."""
        return self._found(self.keys, self.by_key, key_number(key))

    def _found(self, column: Numbers, order: Numbers, number: int) -> DeskQuestion | None:
        at = int(np.searchsorted(column, np.uint64(number), sorter=order))
        if at == len(order) or int(column[order[at]]) != number:
            return None
        return self.question(int(order[at]))

    def open_for(
        self,
        who: str,
        judged: Judged,
        elsewhere: Judged = NOBODY,
        passed_over: frozenset[str] = frozenset(),
    ) -> "OpenQuestions":
        """What a person is asked: nothing twice, and what somebody judged only where two are asked;
        what they ``passed_over`` comes last.

        ``elsewhere`` are the questions that others have before them now, and who: they count as if
        they had judged.
        """
        closed = [
            key_number(key)
            for key in judged.keys() | elsewhere.keys()
            if is_closed(key, who, judged, elsewhere)
        ]
        left = self.order
        if closed:
            left = left[~np.isin(self.keys[left], np.array(closed, np.uint64))]
        if passed_over:
            numbers = np.array([int(name, 16) for name in passed_over], np.uint64)
            late = np.isin(self.names[left], numbers)
            left = np.concatenate([left[~late], left[late]])
        return OpenQuestions(self, left)


def asked_questions(parts: Sequence[QueuePart]) -> AskedQuestions:
    """The questions of several queues, newest batch first."""
    parts = parts or [queue_part("", REVIEW_QUEUE.schema.empty_table())]
    sizes = [len(part.names) for part in parts]
    names, keys, twice = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("names", "keys", "twice")
    )
    starts = np.cumsum([0, *sizes[:-1]])
    queues = []
    for part, start in zip(parts, starts.tolist(), strict=True):
        asked = np.flatnonzero(part.asked)
        asked = asked[np.argsort(part.place[asked], kind="stable")]
        queues.append((part.batch, start + asked, part.value[asked]))
    order = asking_order(queues)
    _, first = np.unique(keys[order], return_index=True)
    return AskedQuestions(
        tuple(parts),
        pa.chunked_array([one for part in parts for one in part.hashes.chunks], pa.string()),
        starts,
        names,
        keys,
        twice,
        order[np.sort(first)],
        np.argsort(names, kind="stable"),
        np.argsort(keys, kind="stable"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class OpenQuestions(Sequence[DeskQuestion]):
    """Some of the questions in an order of asking; each is made when it is looked at."""

    asked: AskedQuestions
    places: Numbers

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> DeskQuestion: ...

    @overload
    def __getitem__(self, at: slice) -> "OpenQuestions": ...

    def __getitem__(self, at: int | slice) -> "DeskQuestion | OpenQuestions":
        if isinstance(at, slice):
            return OpenQuestions(self.asked, self.places[at])
        return self.asked.question(int(self.places[at]))

    def find(self, name: str) -> int:
        """The place of a question, from 0; -1 when it is not among these."""
        found = np.flatnonzero(self.asked.names[self.places] == np.uint64(int(name, 16)))
        return int(found[0]) if len(found) else -1
