"""The indexes of all batches: made where they are missing or old, mapped from disk, kept in step
with the tables of a home."""

import shutil
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration_assets.explorer.batch_index import (
    DISAGREEMENT_COLUMNS,
    FORM,
    MANIFEST_COLUMNS,
    PROFILE_COLUMNS,
    RESOLUTION_COLUMNS,
    SOURCES,
    BatchFacts,
    batch_rows,
)
from orchestration_assets.explorer.gram_index import GramIndex, gram_index
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    TABLES,
)
from resources.damage import leaving_out_damage
from resources.table_store import TableStore, write_atomically

FOLDER: Final = "explorer"
"""Below the cache of a home."""
_LOOK_EVERY_SECONDS: Final = 2.0
_FACTS: Final = b"facts"
_BITMAP: Final = b"grams"
_HEAD_BYTES: Final = 64
"""Before the table stands its checksum, in as many bytes as keep the columns aligned."""
_COLUMNS: Final = dict(
    zip(
        SOURCES,
        (MANIFEST_COLUMNS, PROFILE_COLUMNS, RESOLUTION_COLUMNS, DISAGREEMENT_COLUMNS),
        strict=True,
    )
)

Column = npt.NDArray[Any]
_NONE: Final = np.zeros(0, np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class IndexedBatch:
    """A batch that can be searched; ``numbers`` are the columns of the questions as arrays that lie
    on disk, ``ids`` the items' ids as numbers, ``best`` the highest risk and severity."""

    facts: BatchFacts
    items: pa.Table
    questions: pa.Table
    numbers: Mapping[str, Column]
    ids: Column
    grams: GramIndex
    best: Mapping[str, float]

    @property
    def batch(self) -> str:
        return self.facts.batch

    def item_place(self, number: int) -> int | None:
        """The place of an item among the batch's items; None when it is none of them."""
        found = np.flatnonzero(self.ids == np.uint64(number))
        return int(found[0]) if len(found) else None


@dataclass(frozen=True, slots=True)
class HomeIndex:
    """The batches that can be searched, newest first; ``waiting`` ones are still being indexed."""

    batches: tuple[IndexedBatch, ...] = ()
    waiting: int = 0

    def holding(self, number: int) -> list[tuple[IndexedBatch, int]]:
        """The batches that hold an item, newest first, and its place in each."""
        found = ((batch, batch.item_place(number)) for batch in self.batches)
        return [(batch, place) for batch, place in found if place is not None]

    def batch(self, name: str) -> IndexedBatch | None:
        return next((one for one in self.batches if one.batch == name), None)


class IndexFiles:
    """The index files of a home in a folder. One thread at a time brings them up to date."""

    def __init__(
        self, tables: TableStore, folder: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tables = tables
        self._folder = folder
        self._clock = clock
        self._working = threading.Lock()
        self._looked_at = float("-inf")
        self._held: dict[str, IndexedBatch] = {}
        self._current = HomeIndex()

    @property
    def current(self) -> HomeIndex:
        """The index as it was last brought up to date; looks whether it still is, now and then."""
        if self._clock() - self._looked_at > _LOOK_EVERY_SECONDS and self._working.acquire(False):
            try:
                self._look(build=False)
            finally:
                self._working.release()
        return self._current

    def bring_up_to_date(self, stopped: Callable[[], bool] = lambda: False) -> HomeIndex:
        """Indexes what is missing or has changed, batch by batch, newest first, until that is
        ``stopped``."""
        with self._working:
            self._look(build=True, stopped=stopped)
        return self._current

    def _look(self, *, build: bool, stopped: Callable[[], bool] = lambda: False) -> None:
        names = self._tables.batches(CONTENT_MANIFEST.name)[::-1]
        versions = {
            name: {table: self._tables.version(table, name) for table in SOURCES} for name in names
        }
        self._held = {name: one for name, one in self._held.items() if name in versions}
        missing = [
            name
            for name in names
            if name not in self._held or self._held[name].facts.versions != versions[name]
        ]
        for count, name in enumerate(missing):
            found = self._mapped(name, versions[name])
            if found is None and build and not stopped():
                found = self._built(name, versions[name])
            if found is not None:
                self._held[name] = found
            elif name in self._held:
                # what it holds may have been removed on purpose
                del self._held[name]
            if build:
                self._publish(names, len(missing) - count - 1)
        self._publish(names, sum(name not in self._held for name in names))
        if build:
            # who only reads knows of a new batch later than its index may be there
            self._tidy(set(self._tables.batches(CONTENT_MANIFEST.name)))
        self._looked_at = self._clock()

    def _publish(self, names: list[str], waiting: int) -> None:
        held = tuple(self._held[name] for name in names if name in self._held)
        if held != self._current.batches or waiting != self._current.waiting:
            self._current = HomeIndex(held, waiting)

    def _paths(self, batch: str) -> tuple[Path, Path, Path]:
        names = ("items", "questions", "grams")
        items, questions, grams = (self._folder / f"{batch}.{name}.arrow" for name in names)
        return items, questions, grams

    def _mapped(self, batch: str, versions: Mapping[str, Any]) -> IndexedBatch | None:
        """The index of a batch from disk; None when there is none of these versions."""
        try:
            items, questions, postings = map(_map, self._paths(batch))
            facts = BatchFacts.from_json(items.schema.metadata[_FACTS].decode())
            bits = np.frombuffer(postings.schema.metadata[_BITMAP], np.uint8)
            again = {one.schema.metadata[_FACTS].decode() for one in (questions, postings)}
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
            return None
        whole = facts.form == FORM and again == {facts.as_json()}
        if not whole or dict(facts.versions) != dict(versions):
            return None
        numbers = {
            name: questions[name].chunk(0).to_numpy(zero_copy_only=True)
            for name in (
                "item",
                "task",
                "status",
                "risk",
                "severity",
                "pairs",
                "by_path",
                "by_risk",
            )
            if questions.num_rows
        }
        ids = _column(items, "id", np.uint64)
        lists = postings["items"].chunk(0) if postings.num_rows else None
        grams = GramIndex(
            bits,
            _column(postings, "gram", np.uint32),
            _NONE if lists is None else lists.offsets.to_numpy()[1:].astype(np.uint32),
            _NONE if lists is None else lists.values.to_numpy(),
        )
        best = {
            name: float(numbers[name].max()) if numbers else -2.0 for name in ("risk", "severity")
        }
        return IndexedBatch(facts, items, questions, numbers, ids, grams, best)

    def _built(self, batch: str, versions: Mapping[str, Any]) -> IndexedBatch | None:
        """The index of a batch, made of the tables that can be read."""
        found = {name: self._read(name, batch) for name in SOURCES}
        damaged = tuple(name for name, table in found.items() if table is None)
        tables = [_nothing_of(name) if table is None else table for name, table in found.items()]
        facts, items, questions = batch_rows(batch, versions, *tables)
        facts = replace(facts, damaged=damaged)
        postings, bits = _postings(items, questions)
        said = {_FACTS: facts.as_json().encode()}
        items_path, questions_path, grams_path = self._paths(batch)
        # the others are only believed beside a first one that says the same
        write_atomically(items_path, _packed(items, said))
        write_atomically(questions_path, _packed(questions, said))
        write_atomically(grams_path, _packed(postings, {**said, _BITMAP: bits}))
        return self._mapped(batch, versions)

    def _read(self, table: str, batch: str) -> pa.Table | None:
        """The columns of a table, without rows where there is none; None where it is damaged."""
        with leaving_out_damage():
            if not self._tables.exists(table, batch):
                return _nothing_of(table)
            return self._tables.read(table, batch, list(_COLUMNS[table]))
        return None

    def _tidy(self, known: set[str]) -> None:
        for path in self._folder.glob("*.arrow"):
            if path.name.partition(".")[0] not in known:
                path.unlink(missing_ok=True)


def remove_index(cache: Path) -> None:
    """Takes all index files of a home away: they hold paths and answers."""
    shutil.rmtree(cache / FOLDER, ignore_errors=True)


def _nothing_of(table: str) -> pa.Table:
    schema = TABLES[table].schema
    return pa.schema([schema.field(name) for name in _COLUMNS[table]]).empty_table()


def _postings(items: pa.Table, questions: pa.Table) -> tuple[pa.Table, bytes]:
    """Which items hold which grams of paths and answers, a row a gram, and the bitmap."""
    texts = (
        (items["sought"].combine_chunks(), np.arange(items.num_rows)),
        (questions["sought"].combine_chunks(), questions["item"].to_numpy()),
    )
    found = gram_index(texts, items.num_rows)
    offsets = np.concatenate([np.zeros(1, np.uint32), found.ends]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(found.items, pa.uint32()))
    return pa.table({"gram": pa.array(found.grams), "items": lists}), found.bits.tobytes()


def _column(table: pa.Table, name: str, kind: Any) -> Column:
    """A column as an array that lies on disk."""
    if not table.num_rows:
        return np.zeros(0, kind)
    found: Column = table[name].chunk(0).to_numpy(zero_copy_only=True)
    return found


def _packed(table: pa.Table, said: Mapping[bytes, bytes]) -> bytes:
    sink = pa.BufferOutputStream()
    whole = table.combine_chunks().replace_schema_metadata(dict(said))
    with pa.ipc.new_file(sink, whole.schema) as writer:
        writer.write_table(whole)
    body = sink.getvalue()
    return _head(body) + bytes(body.to_pybytes())


def _map(path: Path) -> pa.Table:
    """The table of a file. Raises ValueError where a byte of it is another than was written: what
    is mapped is believed, and would be read beyond its end."""
    with pa.memory_map(str(path)) as source:
        whole = source.read_buffer()
    body = whole.slice(_HEAD_BYTES) if whole.size > _HEAD_BYTES else whole
    if whole.slice(0, min(_HEAD_BYTES, whole.size)).to_pybytes() != _head(body):
        raise ValueError(f"{path}: is damaged")
    return pa.ipc.open_file(pa.BufferReader(body)).read_all()


def _head(body: pa.Buffer) -> bytes:
    return f"crc32 {zlib.crc32(body):08x}\n".encode().ljust(_HEAD_BYTES)
