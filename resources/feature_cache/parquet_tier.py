"""The third tier: a durable table of Parquet segments, in a folder or behind any fsspec URL.

Every write appends one immutable segment, so that writers on several machines never meet. Reading
looks the keys up, newest segment first. Small segments are merged into one; what is older than its
time to live, and the oldest beyond the cap, is deleted a whole segment at a time.
"""

import io
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.feature_cache.tier import Counts, Holds, TierContents, TierError, intact, seal
from resources.table_store import write_atomically

_SCHEMA: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("written_ms", pa.int64(), nullable=False),
        pa.field("value", pa.binary(), nullable=False),
    ]
)
_GROUP_ROWS: Final = 500
# this many segments below this size are merged
_MERGE_FROM: Final = 16
_SMALL_BYTES: Final = 8 << 20


@dataclass(frozen=True, eq=False)
class _Segment:
    """What is known of one file: its keys in order, and when each was written."""

    name: str
    size: int
    keys: Any
    written_ms: Any

    @property
    def newest_ms(self) -> int:
        return int(self.name.partition("-")[0])


class ParquetTier:
    """Bytes by key for ``keep_seconds``, at most about ``max_bytes`` of segments.

    A segment's name begins with the time of its newest entry, in milliseconds since 1970, so that
    it expires without being opened. A segment that cannot be read is ignored and counted once; a
    segment that another machine has merged meanwhile reads as absent. Raises TierError.
    """

    name = "durable"

    def __init__(
        self,
        url: str,
        max_bytes: int,
        keep_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self._url = url
        self._max_bytes = max_bytes
        self._keep_ms = int(keep_seconds * 1000)
        self._clock = clock
        self._segments: dict[str, _Segment] = {}
        self._broken: set[str] = set()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = np.unique(np.array([key.encode() for key in keys], dtype=np.bytes_))
        values: dict[str, bytes] = {}
        with self._folder() as (files, folder):
            self._refresh(files, folder)
            alive_from = self._now_ms() - self._keep_ms
            for segment in sorted(
                self._segments.values(), key=lambda segment: segment.name, reverse=True
            ):
                if not wanted.size:
                    break
                rows, hit = _rows_of(segment.keys, wanted)
                alive = segment.written_ms[rows] > alive_from
                wanted = np.concatenate([wanted[~hit], wanted[hit][~alive]])
                values |= self._values(files, folder, segment, rows[alive])
        return values

    def put_many(self, values: Mapping[str, bytes]) -> None:
        if not values:
            return
        now = self._now_ms()
        rows = sorted((key, now, seal(key, value)) for key, value in values.items())
        with self._folder() as (files, folder):
            files.makedirs(folder, exist_ok=True)
            self._write(files, folder, rows)
            self._refresh(files, folder)
            self._tidy(files, folder)

    def entries(self) -> list[tuple[str, int, float]]:
        """Key, bytes (its share of the segment), and when it was written, of every entry."""
        with self._folder() as (files, folder):
            self._refresh(files, folder)
            return [
                (key.decode(), segment.size // len(segment.keys), int(written) / 1000)
                for segment in self._segments.values()
                for key, written in zip(segment.keys.tolist(), segment.written_ms, strict=True)
            ]

    def forget(self, keys: Collection[str], holds: Holds) -> int:
        """See :meth:`CacheTier.forget`; a segment that holds any of it is written anew without."""
        removed = 0
        with self._folder() as (files, folder):
            self._refresh(files, folder)
            for segment in list(self._segments.values()):
                every = np.arange(len(segment.keys))
                values = self._values(files, folder, segment, every)
                staying = {
                    key: value
                    for key, value in values.items()
                    if key not in keys and not holds(key, value)
                }
                if len(staying) == len(values):
                    continue
                written = dict(zip(segment.keys.tolist(), segment.written_ms.tolist(), strict=True))
                rows = [
                    (key, written[key.encode()], seal(key, value))
                    for key, value in sorted(staying.items())
                ]
                if rows:
                    self._write(files, folder, rows)
                self._delete(files, folder, [segment])
                removed += len(values) - len(staying)
        return removed

    def contents(self) -> TierContents:
        with self._folder() as (files, folder):
            self._refresh(files, folder)
            segments = self._segments.values()
            entries, size = (
                sum(len(segment.keys) for segment in segments),
                sum(segment.size for segment in segments),
            )
            oldest = min((int(segment.written_ms.min()) for segment in segments), default=None)
        return TierContents(
            entries, size, self._max_bytes, oldest / 1000 if oldest is not None else None
        )

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _refresh(self, files: Any, folder: str) -> None:
        """Learns of segments that others wrote, and forgets those that are gone."""
        try:
            present = files.ls(folder, detail=True, refresh=True)
        except FileNotFoundError:
            present = []  # nothing was ever written
        if any(entry["name"].rstrip("/") == folder for entry in present):
            raise NotADirectoryError(folder)
        listed = {
            entry["name"].rpartition("/")[2]: int(entry["size"])
            for entry in present
            if entry["name"].endswith(".parquet") and "/." not in entry["name"]
        }
        self._segments = {
            name: self._segments[name] for name in self._segments.keys() & listed.keys()
        }
        for name in listed.keys() - self._segments.keys() - self._broken:
            try:
                with files.open(f"{folder}/{name}", "rb") as file:
                    index = pq.read_table(file, columns=["key", "written_ms"], partitioning=None)
                keys = np.array([key.encode() for key in index["key"].to_pylist()], dtype=np.bytes_)
                if not keys.size or bool((keys[1:] < keys[:-1]).any()):
                    raise pa.ArrowInvalid("its keys are not in order")
            except FileNotFoundError:
                continue
            except (pa.ArrowException, OSError, KeyError, ValueError) as error:
                self._is_broken(name, error)
            else:
                written = index["written_ms"].to_numpy()
                self._segments[name] = _Segment(name, listed[name], keys, written)

    def _is_broken(self, name: str, error: Exception, entries: int = 1) -> None:
        self._broken.add(name)
        self._segments.pop(name, None)
        self.counts.corrupt += entries
        self.counts.last_error = f"{name}: {error}"

    def _values(self, files: Any, folder: str, segment: _Segment, rows: Any) -> dict[str, bytes]:
        """The intact values at these rows; only the row groups that hold them are read."""
        if not len(rows):
            return {}
        try:
            with files.open(f"{folder}/{segment.name}", "rb") as file:
                parquet = pq.ParquetFile(file)
                groups = np.unique(rows // _GROUP_ROWS)
                part = parquet.read_row_groups(groups.tolist(), columns=["key", "value"])
        except FileNotFoundError:
            self._segments.pop(segment.name, None)
            return {}
        except (pa.ArrowException, OSError) as error:
            self._is_broken(segment.name, error, len(rows))
            return {}
        # where each row stands in the groups that were read
        before = np.searchsorted(groups, rows // _GROUP_ROWS)
        part = part.take(pa.array(before * _GROUP_ROWS + rows % _GROUP_ROWS))
        keys, stored = part["key"].to_pylist(), part["value"].to_pylist()
        return intact(zip(keys, stored, strict=True), self.counts)

    def _write(self, files: Any, folder: str, rows: Sequence[tuple[str, int, bytes]]) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        sink = io.BytesIO()
        table = pa.table(columns, schema=_SCHEMA)
        pq.write_table(table, sink, compression="zstd", row_group_size=_GROUP_ROWS)
        path = f"{folder}/{max(columns[1]):015d}-{uuid.uuid4().hex[:12]}.parquet"
        if "file" in files.protocol:
            write_atomically(Path(path), sink.getvalue())
        else:
            files.pipe_file(path, sink.getvalue())

    def _tidy(self, files: Any, folder: str) -> None:
        """Deletes what expired, merges what is small, and evicts the oldest beyond the cap."""
        ordered = sorted(self._segments.values(), key=lambda segment: segment.name)
        alive_from = self._now_ms() - self._keep_ms
        expired = [segment for segment in ordered if segment.newest_ms <= alive_from]
        self._delete(files, folder, expired)
        small = [s for s in ordered if s.size < _SMALL_BYTES and s not in expired]
        if len(small) >= _MERGE_FROM:
            self._merge(files, folder, small, alive_from)
            self._refresh(files, folder)
        total = sum(segment.size for segment in self._segments.values())
        for segment in sorted(self._segments.values(), key=lambda segment: segment.name)[:-1]:
            if total <= self._max_bytes:
                break
            total -= segment.size
            self.counts.evicted += len(segment.keys)
            self._delete(files, folder, [segment])

    def _merge(self, files: Any, folder: str, small: list[_Segment], alive_from: int) -> None:
        """One segment of the newest intact entry for each key.

        Two machines that merge the same segments leave the same entries twice, never fewer.
        """
        rows: dict[str, tuple[str, int, bytes]] = {}
        for segment in small:
            alive = np.flatnonzero(segment.written_ms > alive_from)
            written = dict(zip(segment.keys.tolist(), segment.written_ms.tolist(), strict=True))
            for key, value in self._values(files, folder, segment, alive).items():
                rows[key] = (key, written[key.encode()], seal(key, value))
        if rows:
            self._write(files, folder, sorted(rows.values()))
        self._delete(files, folder, small)

    def _delete(self, files: Any, folder: str, segments: Iterable[_Segment]) -> None:
        for segment in segments:
            self._segments.pop(segment.name, None)
            try:
                files.rm_file(f"{folder}/{segment.name}")
            except FileNotFoundError:
                continue  # another machine was quicker

    @contextmanager
    def _folder(self) -> Iterator[tuple[Any, str]]:
        """The file system and the folder in it. Raises TierError for whatever they raise."""
        try:
            from fsspec.core import url_to_fs

            files, folder = url_to_fs(self._url)
            yield files, folder.rstrip("/")
        except Exception as error:
            # every file system behind fsspec raises its own kinds
            raise TierError(
                f"the durable cache cannot be used: {type(error).__name__}: {error}"
            ) from error


def _rows_of(keys: Any, wanted: Any) -> tuple[Any, Any]:
    """The places in sorted ``keys`` of the wanted ones that are there, and which those are."""
    places = np.searchsorted(keys, wanted)
    inside = places < len(keys)
    hit = np.zeros(len(wanted), dtype=bool)
    hit[inside] = keys[places[inside]] == wanted[inside]
    return places[hit], hit
