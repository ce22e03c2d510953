"""What is near an item in earlier content, and the answers that stand there."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.reader import ContentReader, SupersededError
from orchestration_assets.schemas.enums import Outcome, ResolutionStatus, Triage
from orchestration_assets.schemas.items import NearItem
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, RESOLUTIONS
from resources.content_source import ContentError
from resources.table_store import BatchStore, TableMissingError, TableStore

_KEPT: Final = 1024
"""Items whose near items are held: services that ask about the same item do so one soon after
another."""
_MOST_CHARS: Final = 16_000
"""Of a near item so much is held: a service is shown a few hundred tokens of it."""
_ANSWER_COLUMNS: Final = ("item_id", "task", "status", "answer", "triage", "dissenters")


class Near(NamedTuple):
    """Near items that have a settled answer, and how many more could not be read in time."""

    items: tuple[NearItem, ...] = ()
    unread: int = 0


class _Earlier(NamedTuple):
    """What of an earlier batch is near some item of this one: manifest rows and answers."""

    rows: Mapping[str, Mapping[str, Any]]
    answers: Mapping[tuple[str, str], str]
    reader: ContentReader


class NearItems:
    """The near items of a batch's items, read when a service is about to be shown them.

    ``vectors`` is the batch's table of vectors: its neighbours are items of earlier batches only.
    A neighbour counts when its own answer to the task is settled: resolved, and accepted by its
    error risk, or undisputed where answers have none. All reading together takes at most
    ``seconds``; what comes after is counted as unread. Use it as a context manager, and
    :meth:`prepare` it when some service will be shown what is near.
    """

    def __init__(
        self,
        vectors: pa.Table,
        home: Path,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        items, near_ones = (vectors[name].to_pylist() for name in ("item_id", "neighbours"))
        self._near = {item: near for item, near in zip(items, near_ones, strict=True) if near}
        self._wanted: dict[str, set[str]] = defaultdict(set)
        for near in self._near.values():
            for one in near:
                self._wanted[one["batch"]].add(one["item_id"])
        self._home = home
        self._left = seconds
        self._clock = clock
        self._open = ExitStack()
        self._batches: dict[str, _Earlier | None] = {}
        self.of = lru_cache(maxsize=_KEPT)(self._of)

    def __enter__(self) -> "NearItems":
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def prepare(self) -> None:
        """Reads what tables know of all near items, the latest batch first.

        Before any call is under way: no call's clock runs while they are read.
        """
        for batch in sorted(self._wanted, reverse=True):
            with self._timed() as in_time:
                if in_time:
                    self._batches[batch] = self._earlier(batch)

    @contextmanager
    def _timed(self) -> Iterator[bool]:
        """Takes what happens within it from the time that is left; whether there is any."""
        began = self._clock()
        yield self._left > 0.0
        self._left -= self._clock() - began

    def _of(self, item_id: str, task: str) -> Near:
        """The near items with a settled answer to the task, the nearest first."""
        found: list[NearItem] = []
        unread = 0
        for one in self._near.get(item_id, ()):
            with self._timed() as in_time:
                if not in_time or one["batch"] not in self._batches:
                    unread += 1
                elif (near := self._read(one, task)) is not None:
                    found.append(near)
        return Near(tuple(found), unread)

    def _read(self, one: Mapping[str, Any], task: str) -> NearItem | None:
        batch, item = one["batch"], one["item_id"]
        earlier = self._batches[batch]
        answer = earlier.answers.get((item, task)) if earlier else None
        if earlier is None or answer is None:
            return None
        row = earlier.rows[item]
        try:
            text = earlier.reader.text(row)
        except (ContentError, SupersededError):
            # it changed since, so that its answer is about something else
            return None
        kept = text[:_MOST_CHARS]
        return NearItem(row["path"], row["content_hash"], kept, one["similarity"], answer)

    def _earlier(self, batch: str) -> _Earlier | None:
        tables = TableStore(self._home)
        wanted = pa.array(sorted(self._wanted[batch]))
        try:
            manifest = tables.read(CONTENT_MANIFEST.name, batch)
            answers = tables.read(RESOLUTIONS.name, batch, list(_ANSWER_COLUMNS))
        except TableMissingError:
            return None  # it has no answers yet
        manifest = manifest.filter(
            pc.and_(
                pc.is_in(manifest["item_id"], wanted),
                pc.equal(manifest["outcome"], Outcome.ACCEPTED),
            )
        )
        answers = answers.filter(pc.is_in(answers["item_id"], wanted)).to_pylist()
        source = BatchStore(self._home).source(batch)
        reader = self._open.enter_context(ContentReader(self._home, source))
        rows = {row["item_id"]: row for row in manifest.to_pylist()}
        settled = {
            (row["item_id"], row["task"]): row["answer"]
            for row in answers
            if row["item_id"] in rows and _is_settled(row)
        }
        return _Earlier(rows, settled, reader)


def _is_settled(row: Mapping[str, Any]) -> bool:
    if row["status"] != ResolutionStatus.RESOLVED or row["answer"] is None:
        return False
    return row["triage"] == Triage.ACCEPT if row["triage"] else not row["dissenters"]
