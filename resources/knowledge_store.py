"""The corpora of a home: segments of passages with their postings, and versions that name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from orchestration_assets.schemas.errors import OrchestrationError
from resources.table_store import LOCAL_FILES, Files, parquet_bytes

_CURRENT: Final = "current"
_PASSAGES: Final = "passages.parquet"
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


class KnowledgeStore:
    """``<corpus>/segments/<name>`` and ``<corpus>/versions/<version>.parquet``; ``current`` names
    the version in force.

    Segments never change. Names of segments and versions are hashes; the name of a corpus is one of
    the policy, so that nothing from outside becomes a path.
    """

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self.folder = folder
        self._files = files

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
        path = self._segment(corpus, segment) / _PASSAGES
        return path.exists() or self._files.fetch(path)

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
        self._files.write(folder / _PASSAGES, parquet_bytes(passages))

    def postings(self, corpus: str, segment: str) -> StoredPostings:
        """The postings of a segment, mapped into memory as they are used. Raises KnowledgeError."""
        folder = self._segment(corpus, segment)
        names = (_TERMS, _POSTINGS, _LENGTHS)
        return StoredPostings(*(self._mapped(folder / one) for one in names))

    def passages(self, corpus: str, segment: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The passages of a segment. Raises KnowledgeError."""
        return self._read(self._segment(corpus, segment) / _PASSAGES, columns)

    def _version(self, corpus: str, version: str) -> Path:
        return self.folder / corpus / "versions" / f"{bytes.fromhex(version).hex()}.parquet"

    def _segment(self, corpus: str, segment: str) -> Path:
        return self.folder / corpus / "segments" / bytes.fromhex(segment).hex()

    def _mapped(self, path: Path) -> pa.Table:
        try:
            if not path.exists():
                self._files.fetch(path)
            with pa.memory_map(str(path)) as source:
                return pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error

    def _read(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table:
        import pyarrow.parquet as pq

        try:
            if not path.exists():
                self._files.fetch(path)
            return pq.read_table(path, columns=None if columns is None else list(columns))
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> KnowledgeError:
    return KnowledgeError(
        f"{path} cannot be read: {error}; remove the folder {path.parents[1]} and run "
        "`orchestrate job refresh_knowledge`"
    )


def _arrow_bytes(table: pa.Table) -> Any:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()
