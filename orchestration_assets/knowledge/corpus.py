"""Bringing a corpus up to date: what is new or changed is cut and indexed, the rest stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from orchestration_assets.content.manifest import content_hash
from orchestration_assets.knowledge.compaction import (
    cutting_code,
    store_segment,
    with_few_segments,
)
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.knowledge import (
    INDEXED_DOCUMENTS,
    DocumentOutcome,
    IndexedDocument,
    KnowledgeRow,
    SegmentPassage,
)
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.schemas.listings import ContentError, relative_path
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.text.encodings.detection import NotText, decode_text, detect_encoding
from orchestration_assets.text.passages import passage_spans
from resources.content_source import Source, open_source
from resources.knowledge_store import KnowledgeStore

_MOST_SEGMENTS: Final = 24
"""With more of them searching slows down: small ones are made one."""
_CUT: Final = b"cut"
"""Under this key a version says how its documents were cut into passages."""


@dataclass(frozen=True, slots=True)
class RefreshedCorpus:
    """A corpus as it is in force now; ``changes``: documents that are new, changed or gone."""

    version: str
    rows: tuple[KnowledgeRow, ...]
    changes: int


def refresh_corpus(
    store: KnowledgeStore, name: str, config: KnowledgeConfig, now: datetime
) -> RefreshedCorpus:
    """Lists the corpus and indexes what is new or changed; the version that is in force then.

    Raises SourceError where its source cannot be listed: the version before stays in force.
    """
    before = _known(store, name, config)
    with_source = open_source(config.source, config.include, config.exclude)
    try:
        documents, fresh = _look(with_source, before, config, now)
    finally:
        with_source.close()
    if fresh:
        segment = store_segment(store, name, list(fresh))
        documents = [
            replace(one, segment=segment) if one.passages and one.segment is None else one
            for one in documents
        ]
    documents = with_few_segments(store, name, documents, _MOST_SEGMENTS)
    version = _version(documents, config)
    if not store.has_version(name, version):
        table = rows_to_arrow(INDEXED_DOCUMENTS, documents)
        metadata = {**(table.schema.metadata or {}), _CUT: _cut(config)}
        store.store_version(name, version, table.replace_schema_metadata(metadata))
    if store.current(name) != version:
        store.put_in_force(name, version)
    gone = len(before.keys() - {one.document for one in documents})
    rows = tuple(_row(name, one, before.get(one.document), version) for one in documents)
    return RefreshedCorpus(
        version, rows, gone + sum(row.outcome is DocumentOutcome.INDEXED for row in rows)
    )


def _known(store: KnowledgeStore, name: str, config: KnowledgeConfig) -> dict[str, IndexedDocument]:
    """The documents of the version in force; none where they were cut in another way."""
    version = store.current(name)
    if version is None or not store.has_version(name, version):
        return {}
    table = store.documents(name, version)
    if (table.schema.metadata or {}).get(_CUT) != _cut(config).encode():
        return {}
    return {one.document: one for one in decode(IndexedDocument, table)}


class _Fresh:
    """Passages that no segment holds yet, in the order of their documents."""

    def __init__(self) -> None:
        self._passages: list[SegmentPassage] = []
        self._places: dict[str, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[SegmentPassage]:
        return iter(self._passages)

    def __bool__(self) -> bool:
        return bool(self._passages)

    def place(self, hashed: str, text: str, max_tokens: int) -> tuple[int, int]:
        """The first passage of a content, and how many it has; it is cut once."""
        if hashed not in self._places:
            first = len(self._passages)
            for span in passage_spans(text, max_tokens):
                piece = text[span.start : span.end]
                self._passages.append(
                    SegmentPassage(hashed, span.heading, span.start, span.end, piece)
                )
            self._places[hashed] = (first, len(self._passages) - first)
        return self._places[hashed]


def _look(
    source: Source,
    before: Mapping[str, IndexedDocument],
    config: KnowledgeConfig,
    now: datetime,
) -> tuple[list[IndexedDocument], _Fresh]:
    """The documents as they are listed now, and the passages of those that are not indexed."""
    fresh = _Fresh()
    indexed = {
        one.content_hash: one for one in before.values() if one.passages and one.content_hash
    }
    documents = []
    for entry in source.list(now).entries.to_pylist():
        document = relative_path(source.source, entry["address"]) or entry["path"]
        version = (entry["size_bytes"], entry["modified_ns"], entry["etag"])
        known = before.get(document)
        if known and version == (known.size_bytes, known.modified_ns, known.etag):
            documents.append(known)
            continue
        read = IndexedDocument(document, *version, None, None, 0, 0, None, None)
        documents.append(_read(source, entry, read, indexed, fresh, config))
    return documents, fresh


def _read(
    source: Source,
    entry: Mapping[str, Any],
    read: IndexedDocument,
    indexed: Mapping[str, IndexedDocument],
    fresh: _Fresh,
    config: KnowledgeConfig,
) -> IndexedDocument:
    if entry["problem"] is not None:
        return replace(read, reason=RejectReason(entry["problem"]), detail="as it was listed")
    try:
        data = source.read(entry["address"], config.max_bytes).data
    except ContentError as error:
        return replace(read, reason=error.reason, detail=str(error))
    hashed = content_hash(data)
    read = replace(read, content_hash=hashed)
    if (same := indexed.get(hashed)) is not None:
        return replace(read, segment=same.segment, first=same.first, passages=same.passages)
    encoding = detect_encoding(data)
    if isinstance(encoding, NotText):
        return replace(read, reason=encoding.reason, detail=encoding.detail)
    first, held = fresh.place(hashed, decode_text(data, encoding.name), config.passage_tokens)
    if not held:
        return replace(read, reason=RejectReason.EMPTY, detail="it holds no text")
    return replace(read, first=first, passages=held)


def _version(documents: Iterable[IndexedDocument], config: KnowledgeConfig) -> str:
    """Named by what it holds and how it is cut, whichever segments hold it."""
    digest = blake2b(_cut(config).encode(), digest_size=8)
    for one in sorted(documents, key=lambda one: one.document):
        digest.update(repr((one.document, one.content_hash, one.segment)).encode())
    return digest.hexdigest()


def _cut(config: KnowledgeConfig) -> str:
    return f"{config.passage_tokens} {cutting_code()}"


def _row(
    name: str, one: IndexedDocument, before: IndexedDocument | None, version: str
) -> KnowledgeRow:
    if not one.passages:
        outcome = DocumentOutcome.REJECTED
    elif before is not None and before.content_hash == one.content_hash:
        outcome = DocumentOutcome.UNCHANGED
    else:
        outcome = DocumentOutcome.INDEXED
    return KnowledgeRow(
        name,
        one.document.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
        outcome,
        one.reason,
        one.detail,
        one.content_hash,
        one.size_bytes,
        one.passages,
        version,
    )
