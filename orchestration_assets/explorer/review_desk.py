"""The desk at which people judge: what is open for whom, what was said, who has what before them.

What was said is on disk; who looks at which question and what was passed over is bounded and may
be lost.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.content.verdict_folder import ACCEPTED, accepted_verdicts
from orchestration_assets.explorer.asked_questions import (
    QUEUE_COLUMNS,
    AskedQuestions,
    OpenQuestions,
    QueuePart,
    asked_questions,
    queue_part,
)
from orchestration_assets.explorer.desk_marks import DeskMarks
from orchestration_assets.explorer.index_files import HomeIndex
from orchestration_assets.explorer.people_agreement import SaidVerdict
from orchestration_assets.explorer.review_order import (
    DeskQuestion,
    Judged,
    QuestionKey,
    question_number,
)
from orchestration_assets.explorer.verdict_log import VerdictLog
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE, ReviewRow
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError

_LOOK_EVERY_SECONDS: Final = 2.0
_SHOWN: Final = ("content_hash", "task", "who", "verdict", "said_at")


@dataclass(frozen=True, slots=True)
class DeskState:
    """What was asked and said, as of one moment."""

    asked: AskedQuestions
    said: tuple[SaidVerdict, ...] = ()
    judged: Judged = field(default_factory=dict)


class ReviewDesk:
    """What waits for verdicts in a home. Safe for threads."""

    def __init__(
        self,
        home: Home,
        log: VerdictLog,
        clock: Callable[[], float] = time.monotonic,
        marks: Path | None = None,
    ) -> None:
        """``marks`` is the file that several desks of a home share. Raises DeskMarksError."""
        self._home = home
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: tuple[HomeIndex | None, float, tuple[tuple[str, Any], ...]] = (None, 0.0, ())
        self._asked: tuple[Any, AskedQuestions] = (None, asked_questions(()))
        self._parts: dict[tuple[str, Any], QueuePart] = {}
        self._accepted: tuple[Any, tuple[SaidVerdict, ...]] = (None, ())
        self._state: tuple[Any, DeskState] = (None, DeskState(asked_questions(())))
        self._marks = DeskMarks(marks, clock)

    def state(self, index: HomeIndex) -> DeskState:
        """What is asked and said now; read again when a file has changed."""
        queues = self._queue_versions(index)
        folder = self._home.verdicts / ACCEPTED
        taken = folder.stat().st_mtime_ns if folder.exists() else 0
        version = (queues, taken, self._log.version)
        with self._lock:
            if self._state[0] != version:
                self._state = (version, self._read(queues, taken))
            return self._state[1]

    def _queue_versions(self, index: HomeIndex) -> tuple[tuple[str, Any], ...]:
        """Batch and version of each queue; looked at now and then, for batches may be many."""
        with self._lock:
            seen, since, queues = self._queues
            if seen is index and self._clock() - since < _LOOK_EVERY_SECONDS:
                return queues
        tables = self._home.tables
        found = ((one.batch, tables.version(REVIEW_QUEUE.name, one.batch)) for one in index.batches)
        queues = tuple((name, tuple(version)) for name, version in found if version is not None)
        with self._lock:
            self._queues = (index, self._clock(), queues)
        return queues

    def _read(self, queues: tuple[tuple[str, Any], ...], taken: int) -> DeskState:
        if self._asked[0] != queues:
            self._asked = (queues, self._all_asked(queues))
        if self._accepted[0] != taken:
            self._accepted = (taken, tuple(self._said_before()))
        waiting = (
            SaidVerdict(one.content_hash, one.task, one.who, _text(one.verdict), one.when)
            for one in self._log.waiting()
        )
        said = (*self._accepted[1], *waiting)
        judged: defaultdict[QuestionKey, set[str]] = defaultdict(set)
        for one in said:
            judged[one.content_hash, one.task].add(one.who)
        people = {key: frozenset(names) for key, names in judged.items()}
        return DeskState(self._asked[1], said, people)

    def _all_asked(self, queues: Sequence[tuple[str, Any]]) -> AskedQuestions:
        # most queues are as they were when one has changed
        self._parts = {one: self._parts.get(one) or self._part(one[0]) for one in queues}
        return asked_questions(list(self._parts.values()))

    def _part(self, batch: str) -> QueuePart:
        with leaving_out_damage():
            return queue_part(
                batch, self._home.tables.read(REVIEW_QUEUE.name, batch, QUEUE_COLUMNS)
            )
        return queue_part(batch, REVIEW_QUEUE.schema.empty_table())

    def rows(self, questions: Iterable[DeskQuestion]) -> dict[QuestionKey, ReviewRow]:
        """The rows of some questions; those that their batches ask no more are left out."""
        by_batch: defaultdict[str, list[DeskQuestion]] = defaultdict(list)
        for one in questions:
            by_batch[one.batch].append(one)
        found = {}
        for batch, asked in by_batch.items():
            for question, row in zip(asked, self._rows_at(batch, asked), strict=False):
                # its table may have been written again since the names were read
                number = question_number(row.batch, row.item_id, row.task, row.round)
                if f"{number:016x}" == question.name:
                    found[question.key] = row
        return found

    def _rows_at(self, batch: str, asked: Sequence[DeskQuestion]) -> Sequence[ReviewRow]:
        with leaving_out_damage(), suppress(TableMissingError):
            table = self._home.tables.read(REVIEW_QUEUE.name, batch)
            # a place beyond the end is of a table that was longer
            places = [min(one.at, table.num_rows - 1) for one in asked]
            if table.num_rows:
                return tuple(REVIEW_QUEUE.rows(table.take(pa.array(places, pa.int64()))))
        return ()

    def _said_before(self) -> Iterator[SaidVerdict]:
        table = accepted_verdicts(self._home.verdicts)
        for content_hash, task, who, verdict, said_at in values(table, *_SHOWN):
            yield SaidVerdict(content_hash or "", task, who, verdict, said_at.isoformat())

    def open_questions(self, state: DeskState, who: str) -> OpenQuestions:
        """What a person is asked, in order; what they passed over comes last."""
        elsewhere, passed = self._marks.elsewhere(who), self._marks.passed_over(who)
        return state.asked.open_for(who, state.judged, elsewhere, frozenset(passed))

    def claim(
        self, state: DeskState, questions: Sequence[DeskQuestion], who: str
    ) -> DeskQuestion | None:
        """Puts the first of some open questions before a person that no other has got meanwhile,
        also through another process; None when others have all of them."""
        # mostly the first one is free, and no other is looked at
        wanted = (
            (one.key, (2 if one.twice else 1) - len(state.judged.get(one.key, ())))
            for one in questions
        )
        place = self._marks.claim(who, wanted)
        return None if place is None else questions[place]

    def hold(self, question: DeskQuestion, who: str) -> None:
        """A person has a question before them, and no other any more: others are asked something
        else meanwhile."""
        self._marks.hold(who, question.key)

    def release(self, question: DeskQuestion, who: str) -> None:
        """They have it before them no more."""
        self._marks.release(who, question.key)

    def skip(self, question: DeskQuestion, who: str) -> None:
        """A person passes a question over: it comes last for them, as long as the server runs."""
        self._marks.skip(who, question.name)
        self.release(question, who)


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """Where a question stands among those that are open, from 1 (0: it is not among them), and the
    names of those around it, empty where there is none."""

    place: int
    before: str
    behind: str


def place_among(questions: OpenQuestions, name: str) -> DeskPlace:
    """The place of a question; of one that is not open the first open one comes behind it."""
    place = questions.find(name)
    if place < 0:
        return DeskPlace(0, "", questions[0].name if questions else "")
    before = questions[place - 1].name if place else ""
    behind = questions[place + 1].name if place + 1 < len(questions) else ""
    return DeskPlace(place + 1, before, behind)


def _text(verdict: Any) -> str:
    """What was said as it is kept once it is taken in, so that equal verdicts are equal texts."""
    if isinstance(verdict, str):
        return verdict
    told = {"fields": verdict} if isinstance(verdict, dict) else verdict
    return json.dumps(told, ensure_ascii=False)
