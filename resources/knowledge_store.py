"""The corpora of a home: segments of passages with their postings, and versions that name them."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.errors import OrchestrationError
from resources.table_store import LOCAL_FILES, Files, parquet_bytes

_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")
_CURRENT: Final = "current"
_PASSAGES: Final = "passages.arrow"
_PASSAGES_WHOLE: Final = "passages.parquet"
"""What segments have that were written before passages were read block by block."""
_BLOCK: Final = 128
"""Passages that are compressed together: one is read in a fraction of a millisecond."""
_BLOCKS_HELD: Final = 64
_TERMS: Final = "terms.arrow"
_POSTINGS: Final = "postings.arrow"
_LENGTHS: Final = "lengths.arrow"


class KnowledgeError(OrchestrationError):
    """A corpus cannot be read or is not there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class StoredPostings:
    """The tables of a segment's postings; columns as :class:`Postings` names them."""

    terms: pa.Table
    postings: pa.Table
    lengths: pa.Table


class StoredPassages:
    """The passages of a segment, read block by block as they are asked for."""

    def __init__(self, path: Path, read: Callable[[int], Any], rows: int) -> None:
        """``read`` gives the block of a number: ``rows`` passages, but for the last."""
        self._path, self._rows = path, rows
        self._block = lru_cache(maxsize=_BLOCKS_HELD)(read)

    def row(self, number: int) -> pa.Table:
        """One passage as a table of one row. Raises KnowledgeError."""
        block, row = divmod(number, self._rows)
        try:
            found: pa.Table = self._block(block).slice(row, 1)
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(self._path, error) from error
        return found


class KnowledgeStore:
    """``<corpus>/segments/<name>`` and ``<corpus>/versions/<version>.parquet``; ``current`` names
    the version in force.

    Segments never change. Names of segments and versions are hashes; the name of a corpus is one of
    the policy, so that nothing from outside becomes a path.
    """

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self.folder = folder
        self._files = files

    def corpora(self) -> list[str]:
        """The corpora that anything is kept of, declared or not any more."""
        return sorted(path.name for path in self.folder.glob("[!.]*") if path.is_dir())

    def versions(self, corpus: str) -> list[str]:
        """Every version whose documents are on the disk."""
        found = (self.folder / corpus / "versions").glob("[!.]*.parquet")
        return sorted(path.stem for path in found if _HEX.fullmatch(path.stem))

    def segments(self, corpus: str) -> list[str]:
        """Every segment on the disk, those that were never finished too."""
        found = (self.folder / corpus / "segments").glob("[!.]*")
        return sorted(path.name for path in found if _HEX.fullmatch(path.name))

    def version_files(self, corpus: str, version: str) -> list[Path]:
        """What removing a version removes."""
        return [self._version(corpus, version)]

    def segment_files(self, corpus: str, segment: str) -> list[Path]:
        """What removing a segment removes."""
        return sorted(path for path in self._segment(corpus, segment).glob("*") if path.is_file())

    def remove_version(self, corpus: str, version: str) -> None:
        """Removes a version, its segments stay; of the one in force also that it is. Raises
        OrchestrationError."""
        if self.current(corpus) == version:
            self._files.remove(self.folder / corpus / _CURRENT)
        for path in self.version_files(corpus, version):
            self._files.remove(path)

    def remove_segment(self, corpus: str, segment: str) -> None:
        """Removes a segment that no version needs any more. Raises OrchestrationError."""
        # without its passages a segment does not count as there
        for path in sorted(self.segment_files(corpus, segment), key=_passages_first):
            self._files.remove(path)
        with suppress(OSError):
            self._segment(corpus, segment).rmdir()

    def current(self, corpus: str) -> str | None:
        """The version in force."""
        path = self.folder / corpus / _CURRENT
        if not path.exists() and not self._files.fetch(path):
            return None
        return path.read_text("utf-8").strip() or None

    def put_in_force(self, corpus: str, version: str) -> None:
        self._files.overwrite(self.folder / corpus / _CURRENT, version.encode())

    def documents(self, corpus: str, version: str) -> pa.Table:
        """The documents of a version. Raises KnowledgeError."""
        path = self._version(corpus, version)
        return self._read(path)

    def has_version(self, corpus: str, version: str) -> bool:
        path = self._version(corpus, version)
        return path.exists() or self._files.fetch(path)

    def store_version(self, corpus: str, version: str, documents: pa.Table) -> None:
        self._files.write(self._version(corpus, version), parquet_bytes(documents))

    def has_segment(self, corpus: str, segment: str) -> bool:
        # the passages are written last
        return self._passages(corpus, segment) is not None

    def store_segment(
        self, corpus: str, segment: str, passages: pa.Table, postings: StoredPostings
    ) -> None:
        """Keeps a segment; ``passages`` has one row a passage."""
        folder = self._segment(corpus, segment)
        for name, table in (
            (_TERMS, postings.terms),
            (_POSTINGS, postings.postings),
            (_LENGTHS, postings.lengths),
        ):
            self._files.write(folder / name, _arrow_bytes(table))
        data = _arrow_bytes(passages, pa.ipc.IpcWriteOptions(compression="zstd"), _BLOCK)
        self._files.write(folder / _PASSAGES, data)

    def postings(self, corpus: str, segment: str) -> StoredPostings:
        """The postings of a segment, mapped into memory as they are used. Raises KnowledgeError."""
        folder = self._segment(corpus, segment)
        names = (_TERMS, _POSTINGS, _LENGTHS)
        return StoredPostings(*(self._mapped(folder / one) for one in names))

    def passages(self, corpus: str, segment: str) -> pa.Table:
        """All passages of a segment. Raises KnowledgeError."""
        path = self._passages(corpus, segment)
        if path is None or path.name == _PASSAGES:
            return self._mapped(path or self._segment(corpus, segment) / _PASSAGES)
        return self._read(path)

    def passage_rows(self, corpus: str, segment: str) -> StoredPassages:
        """The passages of a segment, to read some of them. Raises KnowledgeError."""
        path = self._passages(corpus, segment)
        if path is None or path.name == _PASSAGES:
            path = path or self._segment(corpus, segment) / _PASSAGES
            blocks = self._opened(path)
            return StoredPassages(
                path, lambda number: pa.Table.from_batches([blocks.get_batch(number)]), _BLOCK
            )
        whole = self._read(path)
        return StoredPassages(path, lambda _: whole, max(1, whole.num_rows))

    def _passages(self, corpus: str, segment: str) -> Path | None:
        """The file of a segment's passages, where it is there."""
        folder = self._segment(corpus, segment)
        paths = [folder / _PASSAGES, folder / _PASSAGES_WHOLE]
        here = [path for path in paths if path.exists()]
        return here[0] if here else next(filter(self._files.fetch, paths), None)

    def _version(self, corpus: str, version: str) -> Path:
        return self.folder / corpus / "versions" / f"{bytes.fromhex(version).hex()}.parquet"

    def _segment(self, corpus: str, segment: str) -> Path:
        return self.folder / corpus / "segments" / bytes.fromhex(segment).hex()

    def _mapped(self, path: Path) -> pa.Table:
        try:
            with pa.memory_map(str(self._here(path))) as source:
                return pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error

    def _opened(self, path: Path) -> pa.RecordBatchFileReader:
        """Its blocks; the file stays open as long as they are used."""
        try:
            return pa.ipc.open_file(pa.memory_map(str(self._here(path))))
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error

    def _read(self, path: Path) -> pa.Table:
        import pyarrow.parquet as pq

        try:
            return pq.read_table(self._here(path))
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error

    def _here(self, path: Path) -> Path:
        if not path.exists():
            self._files.fetch(path)
        return path


def _passages_first(path: Path) -> tuple[bool, str]:
    return path.name not in (_PASSAGES, _PASSAGES_WHOLE), path.name


def _damaged(path: Path, error: Exception) -> KnowledgeError:
    return KnowledgeError(
        f"{path} cannot be read: {error}; remove the folder {path.parents[1]} and run "
        "`orchestrate job refresh_knowledge`"
    )


def _arrow_bytes(
    table: pa.Table, options: pa.ipc.IpcWriteOptions | None = None, block: int | None = None
) -> Any:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks(), max_chunksize=block)
    return sink.getvalue().to_pybytes()
