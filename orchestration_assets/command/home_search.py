"""Searching every file of a home for pieces of a content, whatever the file is packed in."""

import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.schemas.packed_rows import decompressed
from orchestration_assets.text.traces import Traces
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.short_texts import ANSWER_WORDS
from resources.feature_cache.tier import TierError, behind_seal
from resources.lmdb_database import FILE_NAME

_WINDOW: Final = 32 << 20
_OVERLAP: Final = 16 << 10


@dataclass
class SearchResult:
    """What a search looked at, and where something was found: file -> the pieces in it.

    ``unreadable`` files were searched as they are, and could not be unpacked.
    """

    searched: int = 0
    size_bytes: int = 0
    found: dict[Path, set[str]] = field(default_factory=dict)
    unreadable: list[Path] = field(default_factory=list)

    @property
    def pieces(self) -> set[str]:
        """Everything that was found anywhere."""
        return set().union(*self.found.values())

    def with_more(self, other: "SearchResult") -> "SearchResult":
        """Both results together."""
        return SearchResult(
            self.searched + other.searched,
            self.size_bytes + other.size_bytes,
            self.found | other.found,
            self.unreadable + other.unreadable,
        )

    def without(self, explained: set[str]) -> "SearchResult":
        """The result with pieces left out that prove nothing."""
        left = {path: pieces - explained for path, pieces in self.found.items()}
        found = {path: pieces for path, pieces in left.items() if pieces}
        return SearchResult(self.searched, self.size_bytes, found, self.unreadable)


def search_home(folder: Path, traces: Traces, skipped: Path) -> SearchResult:
    """Looks into every file below the folder but the one ``skipped``; links are not followed."""
    result = SearchResult()
    for path in _files(folder):
        if path == skipped:
            continue
        try:
            size = path.stat().st_size
            found = _search_file(path, traces, result)
        except FileNotFoundError:
            continue  # such as a database's journal
        result.searched += 1
        result.size_bytes += size
        if found:
            result.found[path] = found
    return result


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


def _search_file(path: Path, traces: Traces, result: SearchResult) -> set[str]:
    with path.open("rb") as file:
        found = {piece for window in _windows(file) for piece in traces.in_bytes(window)}
    try:
        for part in _unpacked(path):
            found |= traces.in_text(part) if isinstance(part, str) else traces.in_bytes(part)
    except (pa.ArrowException, OSError, ValueError, EOFError, zipfile.BadZipFile, TierError):
        result.unreadable.append(path)
    return found


def _windows(file: Any) -> Iterator[bytes]:
    """The bytes of an open file in parts that overlap, so that no piece lies between two."""
    tail = b""
    while part := file.read(_WINDOW):
        yield tail + part
        tail = part[-_OVERLAP:]


def _unpacked(path: Path) -> Iterator[str | bytes]:
    """What a packed file holds; nothing for one that is not packed."""
    suffix = path.suffix
    if suffix == ".parquet":
        parquet = pq.ParquetFile(path)
        for group in range(parquet.num_row_groups):
            for column in parquet.read_row_group(group).columns:
                yield from _values(column)
    elif suffix in (".npz", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    elif suffix == ".gz":
        with gzip.open(path) as packed:
            yield from _windows(packed)
    elif suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            yield from _windows(stream)
    elif suffix == ".arrow":
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as blocks:
            for number in range(blocks.num_record_batches):
                for column in blocks.get_batch(number).columns:
                    yield from _values(pa.chunked_array([column]))
    elif path.name == FILE_NAME and path.parent.name == "answers":
        yield from LmdbStore(path.parent, words=ANSWER_WORDS).values()
    elif path.name == FILE_NAME and path.parent.name == "features":
        yield from map(decompressed, LmdbStore(path.parent).values())


def _values(column: Any) -> Iterator[str | bytes]:
    """The texts, bytes and numbers that stand in a column, at any depth."""
    kind = column.type
    if pa.types.is_struct(kind):
        for field_ in column.flatten():
            yield from _values(field_)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            yield from _values(pa.chunked_array([chunk.flatten()]))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield "\n".join(text for text in column.to_pylist() if text)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        stored = [data for data in column.to_pylist() if data]
        yield b"\n".join(stored)
        # the durable tier of the cache holds rows that are packed and sealed
        yield b"\n".join(decompressed(behind_seal(data)) for data in stored)
    elif pa.types.is_floating(kind) or pa.types.is_integer(kind):
        yield np.ascontiguousarray(column.to_numpy()).tobytes()
