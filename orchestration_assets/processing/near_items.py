"""What is near an item in earlier content, and the answers that stand there."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.enums import ResolutionStatus, Triage
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.items import NearItem
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    RESOLUTIONS,
    AcceptedItem,
    accepted_items,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS, Neighbour, NeighboursRow
from resources.home import Home
from resources.table_store import TableMissingError

_MAX_TEXTS: Final = 64
"""Texts that are held: services that ask about the same item do so one soon after another."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The columns of ``resolutions`` that tell whether an answer is settled."""

    item_id: str
    task: str
    status: ResolutionStatus
    answer: str | None
    triage: Triage | None
    dissenters: tuple[str, ...]


class _Earlier(NamedTuple):
    """What of an earlier batch is near some item of this one: manifest rows and answers."""

    rows: Mapping[str, AcceptedItem]
    answers: Mapping[tuple[str, str], str]
    reader: ContentReader


class NearItems:
    """The near items of a batch's items, for services that are shown them.

    They are those that the ``batch``'s table of vectors names, items of earlier batches only. A
    neighbour counts when its own answer to the task is settled: resolved, and accepted by its
    error risk, or undisputed where answers have none. Which these are never depends on the clock;
    their texts are read when a call is about to be made, in at most ``seconds`` for all of them.
    Use it as a context manager, and :meth:`prepare` it when some service will be shown what is
    near. ``unreadable`` says of earlier batches why a text of theirs could not be read.
    """

    def __init__(
        self,
        batch: str,
        home: Home,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._near: dict[str, tuple[Neighbour, ...]] = {}
        self._batch = batch
        self._home = home
        self._seconds_left = seconds
        self._clock = clock
        self.unreadable: dict[str, str] = {}
        self._open = ExitStack()
        self._batches: dict[str, _Earlier] = {}
        self._text = lru_cache(maxsize=_MAX_TEXTS)(self._read)

    def __enter__(self) -> "NearItems":
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def prepare(self) -> None:
        """Reads what tables know of all near items, before any call's clock runs."""
        vectors = self._home.tables.read(
            CONTENT_VECTORS.name, self._batch, column_names(NeighboursRow)
        )
        self._near = {row.item_id: row.neighbours for row in decode(NeighboursRow, vectors)}
        wanted: dict[str, set[str]] = defaultdict(set)
        for near in self._near.values():
            for neighbour in near:
                wanted[neighbour.batch].add(neighbour.item_id)
        for batch, items in wanted.items():
            if (earlier := self._earlier(batch, items)) is not None:
                self._batches[batch] = earlier

    def of(self, item_id: str, task: str) -> tuple[NearItem, ...]:
        """The near items with a settled answer to the task, the nearest first, without texts."""
        near_items = []
        for neighbour in self._near.get(item_id, ()):
            earlier = self._batches.get(neighbour.batch)
            answer = earlier.answers.get((neighbour.item_id, task)) if earlier else None
            if earlier is not None and answer is not None:
                row = earlier.rows[neighbour.item_id]
                near_items.append(
                    NearItem(
                        neighbour.batch,
                        neighbour.item_id,
                        row.path,
                        row.content_hash,
                        neighbour.similarity,
                        answer,
                    )
                )
        return tuple(near_items)

    def with_texts(self, near: tuple[NearItem, ...]) -> tuple[NearItem, ...]:
        """Those of them whose text can be read, and in time."""
        near_items = []
        for neighbour in near:
            if self._seconds_left <= 0.0:
                break
            began = self._clock()
            text = self._text(neighbour.batch, neighbour.item_id)
            self._seconds_left -= self._clock() - began
            near_items += [] if text is None else [replace(neighbour, text=text)]
        return tuple(near_items)

    def _read(self, batch: str, item_id: str) -> str | None:
        earlier = self._batches[batch]
        try:
            return earlier.reader.text(earlier.rows[item_id])
        except Exception as error:  # noqa: BLE001 -- context that cannot be read ends no batch
            self.unreadable[batch] = f"{type(error).__name__}: {error}"
            return None

    def _earlier(self, batch: str, items: set[str]) -> _Earlier | None:
        tables, wanted = self._home.tables, pa.array(sorted(items))
        try:
            manifest = tables.read(CONTENT_MANIFEST.name, batch)
            answers = tables.read(RESOLUTIONS.name, batch, column_names(_Answer))
            source = self._home.batches.source(batch)
        except (TableMissingError, DamagedFileError):
            return None  # it has no answers yet, or none that can be read
        manifest = manifest.filter(pc.is_in(manifest["item_id"], wanted))
        rows = {row.item_id: row for row in accepted_items(manifest)}
        settled = {
            (row.item_id, row.task): row.answer
            for row in decode(_Answer, answers.filter(pc.is_in(answers["item_id"], wanted)))
            if row.item_id in rows and row.answer is not None and _is_settled(row)
        }
        reader = self._open.enter_context(ContentReader(self._home, source))
        return _Earlier(rows, settled, reader)


def _is_settled(row: _Answer) -> bool:
    if row.status is not ResolutionStatus.RESOLVED:
        return False
    return row.triage is Triage.ACCEPT if row.triage else not row.dissenters
