"""The desk at which people judge: what is open for whom, what was said, who has what before them.

What was said is on disk; what is kept here in memory alone, who looks at which question and what
was passed over, is bounded and may be lost.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.content.verdict_folder import ACCEPTED, accepted_verdicts
from orchestration_assets.explorer.index_files import HomeIndex
from orchestration_assets.explorer.people_agreement import SaidVerdict
from orchestration_assets.explorer.review_order import (
    Judged,
    QuestionKey,
    in_asking_order,
    open_for,
    question_key,
    question_name,
)
from orchestration_assets.explorer.verdict_log import VerdictLog
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE, ReviewRow
from resources.damage import leaving_out_damage
from resources.home import Home

_HELD_SECONDS: Final = 600.0
_MOST_HELD: Final = 2_000
_MOST_SKIPPED: Final = 5_000
_SHOWN: Final = ("content_hash", "task", "who", "verdict", "said_at")


@dataclass(frozen=True, slots=True)
class DeskState:
    """Everything that was asked and said, as of one moment.

    ``rows`` are open questions in the order of asking; ``named`` maps the names of all questions,
    answered ones too, to their rows.
    """

    rows: tuple[ReviewRow, ...]
    named: dict[str, ReviewRow]
    said: tuple[SaidVerdict, ...]
    judged: Judged


class ReviewDesk:
    """What waits for verdicts in a home. Safe for threads."""

    def __init__(
        self, home: Home, log: VerdictLog, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._home = home
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: tuple[Any, tuple[tuple[ReviewRow, ...], ...]] = (None, ())
        self._accepted: tuple[Any, tuple[SaidVerdict, ...]] = (None, ())
        self._state: tuple[Any, DeskState] = (None, DeskState((), {}, (), {}))
        self._held: OrderedDict[QuestionKey, tuple[str, float]] = OrderedDict()
        self._skipped: OrderedDict[tuple[str, str], None] = OrderedDict()

    def state(self, index: HomeIndex) -> DeskState:
        """What is asked and said now; read again when a file has changed."""
        tables = self._home.tables
        batches = [one.batch for one in index.batches]
        queues = tuple((name, tables.version(REVIEW_QUEUE.name, name)) for name in batches)
        folder = self._home.verdicts / ACCEPTED
        taken = folder.stat().st_mtime_ns if folder.exists() else 0
        version = (
            tuple((name, tuple(one)) for name, one in queues if one is not None),
            taken,
            self._log.version,
        )
        with self._lock:
            if self._state[0] != version:
                self._state = (version, self._read(version))
            return self._state[1]

    def _read(self, version: Any) -> DeskState:
        queued, taken, _ = version
        if self._queues[0] != queued:
            self._queues = (queued, tuple(self._queue(name) for name, _ in queued))
        if self._accepted[0] != taken:
            self._accepted = (taken, tuple(self._said_before()))
        waiting = (
            SaidVerdict(one.content_hash, one.task, one.who, _text(one.verdict), one.when)
            for one in self._log.waiting()
        )
        said = (*self._accepted[1], *waiting)
        judged: dict[QuestionKey, frozenset[str]] = {}
        for one in said:
            key = (one.content_hash, one.task)
            judged[key] = judged.get(key, frozenset()) | {one.who}
        named = {question_name(row): row for queue in self._queues[1] for row in queue}
        return DeskState(tuple(in_asking_order(self._queues[1])), named, said, judged)

    def _queue(self, batch: str) -> tuple[ReviewRow, ...]:
        with leaving_out_damage():
            return tuple(REVIEW_QUEUE.rows(self._home.tables.read(REVIEW_QUEUE.name, batch)))
        return ()

    def _said_before(self) -> Iterator[SaidVerdict]:
        table = accepted_verdicts(self._home.verdicts)
        for content_hash, task, who, verdict, said_at in values(table, *_SHOWN):
            yield SaidVerdict(content_hash or "", task, who, verdict, said_at.isoformat())

    def open_questions(self, state: DeskState, who: str) -> list[ReviewRow]:
        """What a person is asked, in order; what they passed over comes last."""
        now = self._clock()
        with self._lock:
            elsewhere = {
                key
                for key, (person, since) in self._held.items()
                if person != who and now - since < _HELD_SECONDS
            }
            passed = {name for person, name in self._skipped if person == who}
        found = open_for(who, state.rows, state.judged, elsewhere)
        return sorted(found, key=lambda row: question_name(row) in passed)

    def hold(self, row: ReviewRow, who: str) -> None:
        """A person has a question before them: others are asked something else meanwhile."""
        with self._lock:
            key = question_key(row)
            self._held[key] = (who, self._clock())
            self._held.move_to_end(key)
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)

    def release(self, row: ReviewRow, who: str) -> None:
        with self._lock:
            if self._held.get(question_key(row), ("", 0.0))[0] == who:
                del self._held[question_key(row)]

    def skip(self, row: ReviewRow, who: str) -> None:
        """A person passes a question over: it comes last for them, as long as the server runs."""
        with self._lock:
            self._skipped[who, question_name(row)] = None
            while len(self._skipped) > _MOST_SKIPPED:
                self._skipped.popitem(last=False)
        self.release(row, who)


def next_after(rows: Sequence[ReviewRow], row: ReviewRow | None, step: int = 1) -> ReviewRow | None:
    """The question ``step`` places behind a question; the first when it is none of them."""
    if not rows:
        return None
    names = [question_name(one) for one in rows]
    name = question_name(row) if row else ""
    if name not in names:
        return rows[0]
    place = names.index(name) + step
    return rows[place] if 0 <= place < len(rows) else None


def _text(verdict: Any) -> str:
    """What was said as it is kept once it is taken in, so that equal verdicts are equal texts."""
    if isinstance(verdict, str):
        return verdict
    told = {"fields": verdict} if isinstance(verdict, dict) else verdict
    return json.dumps(told, ensure_ascii=False)
